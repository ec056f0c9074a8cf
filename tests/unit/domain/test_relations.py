"""Relations between outcomes: what keeps one, what breaks it, and where nothing tells."""

from typing import Any

import pytest

from lignin.domain.cases import Attempt, AttemptCall
from lignin.domain.errors import InvalidRequestError
from lignin.domain.relations import (
    MAX_RELATIONS,
    basis_of_grader,
    grader_of,
    judge_relation,
    judge_relations,
    parse_relations,
)


def said(answer: str, words: str = "", *changes: tuple[str, Any]) -> Attempt:
    calls = tuple(
        AttemptCall(tool=tool, arguments={"of": of}, worked=True, changes=True)
        for tool, of in changes
    )
    return Attempt(calls=calls, words=words or answer, answer=answer)


def judged(declared: dict[str, Any], base: Attempt, related: Attempt) -> str:
    [relation] = parse_relations([declared], "c")
    return judge_relation(relation, base, related).verdict


SAME = {"how": "same", "input": "x"}
PERMUTED = {"how": "permuted", "input": "x"}
RENAMED = {"how": "renamed", "input": "x", "names": {"Ann": "Bo", "Bo": "Ann"}}
SCALED = {"how": "scaled", "input": "x", "factor": 2}


@pytest.mark.parametrize(
    ("declared", "base", "related", "verdict"),
    [
        (SAME, said("12"), said(" 12 "), "pass"),
        (SAME, said("12"), said("13"), "fail"),
        (SAME, said("12"), said(""), "inconclusive"),
        ({"how": "repeated"}, said("yes"), said("no"), "fail"),
        ({"how": "agrees"}, said("yes"), said("Yes"), "pass"),
        (PERMUTED, said("a, b, c"), said("c, a, b"), "pass"),
        (PERMUTED, said("a, b, c"), said("c, a"), "fail"),
        (PERMUTED, said("[1, 2]"), said("[2, 1]"), "pass"),
        (RENAMED, said("Ann owes Bo"), said("Bo owes Ann"), "pass"),
        (RENAMED, said("Ann owes Bo"), said("Ann owes Bo"), "fail"),
        (RENAMED, said("Annette"), said("Annette"), "pass"),
        (SCALED, said("12.5"), said("25"), "pass"),
        (SCALED, said("12.5"), said("24"), "fail"),
        (SCALED, said("1,200"), said("2400"), "pass"),
        (SCALED, said("none"), said("none"), "inconclusive"),
        ({**SAME, "on": "figures"}, said("", "by 3 May, 40"), said("", "40 (3 May)"), "pass"),
        ({**SAME, "on": "figures"}, said("", "40"), said("", "41"), "fail"),
        ({**SAME, "on": "changes"}, said("", "", ("pay", 1)), said("", "", ("pay", 1.0)), "pass"),
        ({**SAME, "on": "changes"}, said("", "", ("pay", 1)), said(""), "fail"),
        (
            {**RENAMED, "on": "changes"},
            said("", "", ("pay", "Ann")),
            said("", "", ("pay", "Bo")),
            "pass",
        ),
    ],
)
def test_relation_is_kept_broken_or_not_to_be_told(
    declared: dict[str, Any], base: Attempt, related: Attempt, verdict: str
) -> None:
    assert judged(declared, base, related) == verdict


@pytest.mark.parametrize(
    "declared",
    [
        "same",
        {"how": "guess", "input": "x"},
        {"how": "same"},
        {"how": "repeated", "input": "x"},
        {"how": "agrees", "input": "x"},
        {"how": "renamed", "input": "x"},
        {"how": "same", "input": "x", "names": {"a": "b"}},
        {"how": "scaled", "input": "x"},
        {"how": "scaled", "input": "x", "factor": 0},
        {"how": "scaled", "input": "x", "factor": float("nan")},
        {"how": "scaled", "input": "x", "factor": 2, "on": "changes"},
        {"how": "same", "input": {"a": 1}},
        {"how": "same", "input": "x", "on": "score"},
        {"how": "same", "input": "x", "run": "rm"},
    ],
)
def test_what_is_no_relation_is_refused_by_its_place(declared: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"^c, relation 2: "):
        parse_relations([SAME, declared], "c")


@pytest.mark.parametrize("given", [{}, [], [SAME] * (MAX_RELATIONS + 1)])
def test_relations_are_a_bounded_list(given: Any) -> None:
    with pytest.raises(InvalidRequestError, match="a list of 1 to"):
        parse_relations(given, "c")


def test_one_broken_relation_decides_and_one_in_doubt_keeps_from_passing() -> None:
    keeps, breaks, doubts = (
        judge_relation(parse_relations([SAME], "c")[0], said("1"), said(other))
        for other in ("1", "2", "")
    )
    assert judge_relations([keeps, doubts, breaks]).verdict == "fail"
    assert judge_relations([keeps, doubts]).verdict == "inconclusive"
    assert judge_relations([keeps, keeps]).verdict == "pass"
    assert judge_relations([]).verdict == "inconclusive"


def test_grader_names_its_kinds_and_what_is_agreed_with() -> None:
    meta = parse_relations([SAME], "c")
    both = parse_relations([SAME, {"how": "agrees"}], "c")
    assert grader_of(meta, "sha256:0") == "metamorphic/1"
    assert grader_of(both, "sha256:0") == "differential+metamorphic/1 sha256:0"
    assert basis_of_grader(grader_of(meta, "")) == "metamorphic"
    assert basis_of_grader("checks/1") == basis_of_grader("told/1") == ""

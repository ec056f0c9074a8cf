"""A plan is read, and refused by the name of the piece that keeps it from being run."""

import json
from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.loops.laws.fleet_plans import (
    MAX_PLAN_BYTES,
    faults_of_plan,
    parse_answer,
    parse_plan,
    plan_bytes,
    require_plan,
)
from lignin.loops.laws.fleet_surfaces import meet, outside


def piece(name: str, **more: Any) -> dict[str, Any]:
    usual = {"id": name, "what": f"do {name}", "touches": [f"{name}.py"], "checks": ["true"]}
    return {**usual, **more}


def read(*pieces: dict[str, Any]) -> list[str]:
    return faults_of_plan(parse_plan(json.dumps({"goal": "g", "pieces": pieces}).encode()))


def test_a_plan_of_toml_is_that_of_json_and_is_written_so_that_it_reads_the_same() -> None:
    text = """
    goal = "all"
    [[pieces]]
    id = "a"
    what = "first"
    touches = ["a.py"]
    checks = ["true"]
    budget = {attempts = 2, tokens = 9}
    [[pieces]]
    id = "b"
    what = "Which?"
    kind = "judgement"
    needs = ["a"]
    """
    plan = require_plan(parse_plan(text.encode()))
    assert parse_plan(plan_bytes(plan)) == plan
    assert (plan.piece("a").budget.attempts, plan.piece("a").budget.seconds) == (2, 900)
    assert plan.before("b") == {"a"} and plan.after("a") == {"b"} and plan.checks == ("true",)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "A b"}, "piece 'A b'.id"),
        ({"what": ""}, "piece 'a'.what"),
        ({"kind": "alone"}, "piece 'a'.kind"),
        ({"colour": "red"}, "piece 'a'.colour"),
        ({"budget": {"attempts": 0}}, "piece 'a'.budget.attempts"),
        ({"budget": {"days": 2}}, "piece 'a'.budget.days"),
        ({"needs": "b"}, "piece 'a'.needs"),
    ],
)
def test_a_malformed_part_is_named_with_its_piece(change: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(piece("a", **change))
    assert told in caught.value.message


@pytest.mark.parametrize(
    "raw", [b"", b"\xff", b"goal = ", b"{", b"[1]", b"[" * 100_000, b'{"goal": "g", "pieces": []}']
)
def test_what_is_no_plan_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        parse_plan(raw)


def test_a_plan_that_is_too_long_is_not_read() -> None:
    with pytest.raises(LimitedError):
        parse_plan(b" " * (MAX_PLAN_BYTES + 1))


def test_unknown_and_own_and_double_names_are_told() -> None:
    assert read(piece("a", needs=["a", "z"]), piece("b"), piece("b")) == [
        "two pieces are named 'b'",
        "piece 'a' needs itself",
        "piece 'a' needs 'z', which is no piece of the plan",
    ]


def test_a_circle_is_told_in_its_order() -> None:
    pieces = [piece("a", needs=["c"]), piece("b", needs=["a"]), piece("c", needs=["b"])]
    assert read(piece("start"), *pieces) == [
        "pieces need each other in a circle: a needs c needs b needs a"
    ]


def test_a_piece_without_a_check_or_surface_and_a_judgement_with_one_are_told() -> None:
    told = read(
        piece("a", checks=[" "]),
        piece("b", touches=[]),
        piece("c", kind="judgement"),
        piece("d", touches=["../x", "/etc/*"]),
    )
    assert [each.split(" ", 2)[1] for each in told] == ["'a'", "'b'", "'c'", "'d'", "'d'"]
    assert "no acceptance check" in told[0] and "what it may touch" in told[1]


def test_pieces_that_may_run_at_once_must_not_touch_the_same() -> None:
    told = read(piece("a", touches=["src/*.py"]), piece("b", touches=["src/x/y.py"]))
    assert len(told) == 1 and "'a' and 'b' may run at the same time" in told[0]
    one = piece("b", touches=["src/x/y.py"], needs=["m"])
    assert not read(piece("a", touches=["src/*.py"]), piece("m", needs=["a"]), one)


def test_an_answer_is_read_from_its_last_fence_or_its_braces() -> None:
    assert parse_answer('so:\n```json\n{"a": 1}\n```\nor\n```json\n{"b": 2}\n```') == b'{"b": 2}\n'
    assert parse_answer('Here: {"a": {"b": 1}}. Done.') == b'{"a": {"b": 1}}'
    for said in ("", "no plan", "} {"):
        with pytest.raises(InvalidRequestError):
            parse_answer(said)


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        ("a.py", "a.py", True),
        ("a.py", "b.py", False),
        ("src/*", "src/x/y.py", True),
        ("*.py", "src/*.md", False),
        ("*.py", "src/*", True),
        ("test_?.py", "test_ab.py", False),
        ("test_?.py", "test_[ab].py", True),
        ("[!a].py", "a.py", False),
        ("[!a].py", "b.py", True),
        ("*a*b", "ab", True),
        ("a*", "*b", True),
        ("a*c", "ab*d", False),
        ("", "*", True),
    ],
)
def test_two_patterns_meet_where_a_path_fits_both(one: str, other: str, may: bool) -> None:
    assert meet(one, other) is may
    assert meet(other, one) is may


def test_what_lies_outside_a_surface_is_told() -> None:
    assert outside(["a.py", "b.md", "c/d.py"], ["*.py"]) == ["b.md"]

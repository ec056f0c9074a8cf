"""Attempts at cases: what fails, what passes, and what nobody can tell."""

from typing import Any

import pytest

from lignin.domain.cases import (
    Attempt,
    AttemptCall,
    Case,
    CaseCall,
    CaseTool,
    Change,
    Checks,
    case_document,
    parse_case,
)
from lignin.domain.codec import canonical_bytes, parse_json
from lignin.domain.effects import canonical, figures_in
from lignin.domain.judging import judge_attempt
from lignin.domain.traces import EnvironmentRef

PAY = Change(tool="pay", arguments={"cents": 900, "items": ["a", "b"]})


def call(
    tool: str, worked: bool | None = True, *, changes: bool = True, **given: Any
) -> AttemptCall:
    return AttemptCall(tool=tool, arguments=given, worked=worked, changes=changes)


def attempt(*calls: AttemptCall, **more: Any) -> Attempt:
    return Attempt(calls=calls, **more)


def judged(checks: Checks, made: Attempt) -> tuple[str, tuple[str, ...]]:
    found = judge_attempt(Case(input=("x",), checks=checks), made)
    return found.verdict, found.reasons


def test_required_change_is_found_however_its_arguments_are_written() -> None:
    checks = Checks(required=(PAY,))
    assert judged(checks, attempt(call("pay", cents=900.0, items='["b", "a"]'))) == ("pass", ())
    verdict, reasons = judged(checks, attempt(call("pay", cents=9, items=["a", "b"])))
    assert verdict == "fail"
    assert reasons[0].startswith("left out: pay(cents=900")


def test_change_that_failed_or_only_reads_is_no_change() -> None:
    checks = Checks(required=(PAY,))
    assert judged(checks, attempt(call("pay", False, **PAY.arguments)))[0] == "fail"
    assert judged(checks, attempt(call("pay", changes=False, **PAY.arguments)))[0] == "fail"


def test_change_of_which_nobody_knows_whether_it_worked_is_inconclusive() -> None:
    made = attempt(call("pay", None, **PAY.arguments))
    assert judged(Checks(required=(PAY,)), made)[0] == "inconclusive"


def test_closed_tool_may_make_what_is_allowed_and_nothing_else() -> None:
    other = Change(tool="pay", arguments={"cents": 1})
    checks = Checks(required=(PAY,), allowed=(other,), closed_tools=frozenset({"pay"}))
    done = call("pay", **PAY.arguments)
    assert judged(checks, attempt(done, call("pay", cents=1), call("note", text="x")))[0] == "pass"
    verdict, reasons = judged(checks, attempt(done, call("pay", cents=2)))
    assert (verdict, reasons) == ("fail", ("forbidden: pay(cents=2)",))


def test_forbidden_change_fails_by_any_tool() -> None:
    checks = Checks(forbidden=(PAY,))
    assert judged(checks, attempt(call("pay", **PAY.arguments)))[0] == "fail"
    assert judged(checks, attempt(call("pay", cents=1)))[0] == "pass"


def test_end_state_must_be_a_right_one_and_is_not_guessed() -> None:
    checks = Checks(end_states=frozenset({"sha256:a", "sha256:b"}))
    assert judged(checks, attempt(end_state="sha256:b"))[0] == "pass"
    assert judged(checks, attempt(end_state="sha256:c"))[0] == "fail"
    assert judged(checks, attempt())[0] == "inconclusive"


def test_figures_must_be_told_and_wrong_ones_not() -> None:
    checks = Checks(said=frozenset({"4200"}), unsaid=frozenset({"999"}))
    assert judged(checks, attempt(words="It is 4200."))[0] == "pass"
    assert judged(checks, attempt(words="It is 42."))[1] == ("not said: 4200",)
    assert judged(checks, attempt(words="4200, of O-999"))[1] == ("said, and not so: 999",)


def test_answer_repeats_and_tools_that_must_work() -> None:
    assert judged(Checks(answers=frozenset({"paris"})), attempt(answer="rome"))[0] == "fail"
    assert judged(Checks(answers=frozenset({"paris"})), attempt(answer="paris"))[0] == "pass"
    read = call("get", changes=False, key=1)
    assert judged(Checks(most_repeats=2), attempt(read, read))[0] == "pass"
    assert judged(Checks(most_repeats=2), attempt(read, read, read))[0] == "fail"
    works = Checks(must_work=frozenset({"build"}))
    assert judged(works, attempt(call("build"), call("build", False)))[0] == "fail"
    assert judged(works, attempt(call("build", False), call("build")))[0] == "pass"


def test_recording_that_answers_too_little_abstains_whatever_was_done() -> None:
    checks = Checks(required=(PAY,))
    assert judged(checks, attempt(hit_ratio=0.89))[0] == "inconclusive"
    assert judged(checks, attempt(hit_ratio=0.9))[0] == "fail"


@pytest.mark.parametrize("where", [None, EnvironmentRef(name="desk", seed=3, tools={"pay": "d"})])
def test_case_survives_its_document(where: EnvironmentRef | None) -> None:
    checks = Checks(
        required=(PAY,),
        allowed=(PAY,),
        forbidden=(PAY,),
        closed_tools=frozenset({"pay"}),
        end_states=frozenset({"s"}),
        answers=frozenset({"a"}),
        said=frozenset({"1"}),
        unsaid=frozenset({"2"}),
        most_repeats=5,
        must_work=frozenset({"pay"}),
    )
    recorded = CaseCall(
        tool="pay", arguments={"cents": 1}, text="ok", failed=False, state=0, next_state=1
    )
    case = Case(
        input=("do it", "yes"),
        checks=checks,
        instructions="be kind",
        tools={"pay": CaseTool(changes=True, input={"type": "object"})},
        environment=where,
        recording=(recorded,),
        known_way=(PAY,),
    )
    assert parse_case(parse_json(canonical_bytes(case_document(case)))) == case
    assert case.writes == {"pay"}
    assert case.kind == ("live" if where else "recorded")


def test_figures_are_words_with_digits_without_their_edges() -> None:
    assert figures_in("Order O-20001, then 4.50. And (x7)!") == {"20001", "4.50", "x7"}
    assert canonical({"b": [2, 1], "a": " X "}) == canonical({"a": "x", "b": [1, 2]})

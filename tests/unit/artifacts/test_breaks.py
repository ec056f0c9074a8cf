"""Inputs that break an artifact are told smallest first, one of each way to fail before the rest."""

from typing import Any

from lignin.artifacts.breaks import MAX_BREAKS, breaks_in, input_of, smallest
from lignin.domain.examples import Example


def made(value: Any, got: Any, check: str = "examples") -> dict[str, Any]:
    return {"check": check, "input": value, "expected": None, "got": got, "fault": "f", "how": "h"}


def test_the_smallest_of_each_way_to_fail_comes_first() -> None:
    long_error = made({"text": "a" * 50}, {"error": "KeyError"})
    short_error = made({"text": "a"}, {"error": "KeyError"})
    answer = made({"text": "a" * 20}, {"result": 1})
    assert smallest([long_error, answer, short_error]) == [short_error, answer, long_error]


def test_breaks_are_bounded_in_number_and_size() -> None:
    many = [made({"n": n}, {"result": n}) for n in range(30)]
    assert len(smallest(many)) == MAX_BREAKS
    assert smallest([made({"text": "a" * 20_000}, {"result": 1})]) == []


def test_what_only_advises_breaks_nothing() -> None:
    told = made({"n": 1}, {"result": 2})
    del told["check"]
    result = {"check": "static", "measured": {"breaks": [told]}, "advisory": True}
    assert breaks_in([result]) == []
    assert breaks_in([{**result, "advisory": False}])[0]["check"] == "static"


def test_an_input_has_the_form_that_a_call_takes() -> None:
    assert input_of(Example(arguments={"a": 1})) == {"a": 1}
    assert input_of(Example(argv=("-n",), stdin="x")) == {"argv": ["-n"], "stdin": "x"}

"""A run stops for the goal, for iterations, for want of progress, and for want of budget."""

import itertools

import pytest

from lignin.domain.budgets import Shortfall, set_aside, settled
from lignin.domain.errors import IllegalTransitionError, LimitedError
from lignin.domain.loops import Amounts
from lignin.domain.states.row import Row
from lignin.loops.laws.parse import parse_loop
from lignin.loops.laws.stops import Iterated, Stopped, decide_stop, stood_still
from unit.domain.stories import event_of
from unit.loops.test_parse import CLOSED, WHOLE

from lignin.domain.states import reduce_event  # isort: skip

LOOP = parse_loop(CLOSED)  # five iterations, two without progress


def why(*iterations: Iterated, short: Shortfall | None = None) -> str | None:
    stopped: Stopped | None = decide_stop(LOOP, iterations, short)
    return stopped and stopped.why


def went(*marks: str) -> list[Iterated]:
    return [Iterated(mark=mark) for mark in marks]


def test_a_closed_loop_goes_on_until_one_of_its_stops() -> None:
    assert why() is None
    assert why(*went("a", "b", "c", "d")) is None
    assert why(*went("a", "b", "c", "d", "e")) == "iterations"
    assert why(*went("a", "b", "b", "b")) == "no progress"
    assert why(*went("a", "b", "a", "b")) == "no progress"  # round in circles
    assert why(*went("a"), short=Shortfall(unit="tokens", asked=2, left=1)) == "budget"


def test_the_goal_is_reached_by_the_checkers_word_on_what_passed_the_gates() -> None:
    assert why(Iterated(mark="a", reached=True)) == "goal reached"
    assert why(Iterated(mark="a", reached=True, passed=False)) is None
    assert why(Iterated(mark="a", reached=True, passed=None)) is None
    assert why(Iterated(mark="a", reached=None)) is None


def test_an_open_loop_makes_one_pass() -> None:
    stopped = decide_stop(parse_loop(WHOLE), went("a"))
    assert stopped is not None
    assert stopped.why == "done"


def test_saying_nothing_is_no_progress() -> None:
    assert [stood_still(list(marks)) for marks in ("", "a", "ab", "aba")] == [0, 0, 0, 1]
    assert stood_still(["", ""]) == 2
    assert stood_still(["a", "", "b"]) == 0


def test_what_is_set_aside_is_what_is_said_or_an_equal_share() -> None:
    budget = Amounts(money_microusd=100, time_s=9)
    assert set_aside(Amounts(), budget, 4) == Amounts(money_microusd=25, time_s=2)
    assert set_aside(Amounts(money_microusd=60), budget, 4).money_microusd == 60
    assert set_aside(Amounts(money_microusd=600), budget, 4).money_microusd == 100
    assert set_aside(Amounts(tokens=7), budget, 4).tokens == 7
    assert set_aside(Amounts(), Amounts(tokens=2), 5).tokens == 1


def test_what_was_not_told_counts_as_all_that_was_set_aside() -> None:
    held = Amounts(money_microusd=100, tokens=50)
    assert settled(held, Amounts(tokens=3)) == Amounts(money_microusd=100, tokens=3)


def _budget(*steps: tuple[str, str, int]) -> Row:
    row: Row | None = None
    for seq, (verb, ticket, tokens) in enumerate(steps, start=1):
        payload = {"ticket": ticket, "amounts": {"tokens": tokens}, "limits": {"tokens": 10}}
        row = reduce_event(row, event_of("budget/x", f"budget.{verb}", seq, payload))
    assert row is not None
    return row


def test_a_ticket_that_does_not_fit_is_refused_by_the_reducer_itself() -> None:
    assert _budget(("reserved", "a", 6), ("reserved", "b", 4)).body["held"]
    with pytest.raises(LimitedError, match="5 tokens asked for, 4 left"):
        _budget(("reserved", "a", 6), ("reserved", "b", 5))
    again = _budget(("reserved", "a", 6), ("settled", "a", 1), ("reserved", "b", 9))
    assert again.body["spent"]["tokens"] == 1
    with pytest.raises(LimitedError):
        _budget(("reserved", "a", 6), ("settled", "a", 2), ("reserved", "b", 9))


def test_a_ticket_is_set_aside_and_settled_once() -> None:
    for steps in itertools.permutations([("reserved", "a", 1), ("reserved", "a", 1)]):
        with pytest.raises(IllegalTransitionError):
            _budget(*steps)
    with pytest.raises(IllegalTransitionError):
        _budget(("reserved", "a", 1), ("settled", "a", 1), ("settled", "a", 1))


def test_who_spends_more_than_was_set_aside_is_counted_and_the_truth_stands() -> None:
    row = _budget(("reserved", "a", 6), ("settled", "a", 9))
    assert (row.body["over"], row.body["spent"]["tokens"]) == (1, 9)


def test_of_a_limited_unit_something_must_be_set_aside() -> None:
    payload = {"ticket": "a", "amounts": {"tokens": 1}, "limits": {"tokens": 1, "time_s": 0}}
    with pytest.raises(LimitedError, match="1 seconds asked for, 0 left"):
        reduce_event(None, event_of("budget/x", "budget.reserved", 1, payload))

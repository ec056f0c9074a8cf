"""What a fleet does next, and how many results may lie unreviewed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lignin.domain.fleets import Budget, FleetPlan, Piece
from lignin.loops.laws.fleet_pace import UNMEASURED, decide_pace
from lignin.loops.laws.fleet_steps import (
    Next,
    PieceNow,
    left_out,
    over_budget,
    plan_next,
    unreviewed,
)

DIAMOND = FleetPlan(
    goal="g",
    pieces=(
        Piece(id="a", what="a"),
        Piece(id="b", what="b", needs=("a",)),
        Piece(id="c", what="c", needs=("a",)),
        Piece(id="d", what="d", needs=("b", "c")),
    ),
)
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


def now(**states: Any) -> dict[str, PieceNow]:
    told = {name: PieceNow(state="waiting") for name in "abcd"}
    for name, state in states.items():
        told[name] = PieceNow(state=state) if isinstance(state, str) else state
    return told


def step(pieces: dict[str, PieceNow], plan: FleetPlan = DIAMOND, **more: Any) -> Next:
    usual = {"in_flight": set(), "merging": False, "workers": 2, "batch": 2, "bound": 9}
    return plan_next(plan, pieces, **{**usual, **more})


def merged(**more: Any) -> PieceNow:
    return PieceNow(state="merged", has_result=True, **more)


def test_a_piece_starts_when_all_before_it_are_done() -> None:
    assert step(now()).start == ("a",)
    assert step(now(a="running"), in_flight={"a"}).start == ()
    assert step(now(a=PieceNow(state="answered", has_result=True, answered=4))).start == ()
    told = step(now(a=merged()))
    assert told.start == ("b", "c")
    assert told.waits == {"d": "needs b, c"}
    assert step(now(a=merged(), b=merged(), c=merged())).start == ("d",)


def test_no_more_agents_run_than_there_may() -> None:
    told = step(now(a=merged()), workers=1)
    assert (told.start, told.waits["c"]) == (("b",), "1 agents at once")


def test_unreviewed_results_hold_new_pieces_back_and_not_what_was_sent_back() -> None:
    told = step(now(a=merged()), bound=2)
    assert told.start == ("b",)
    assert told.waits["c"] == "2 unreviewed results, and 2 may be open"
    assert step(now(a=merged(reviewed=True)), bound=2).start == ("b", "c")
    back = PieceNow(state="waiting", attempts=1, has_result=True)
    assert step(now(a=merged(), b=back), bound=1).start == ("b",)
    assert unreviewed(now(a=merged(), b=back, c="running"), {"c"}) == 3


def test_results_are_merged_in_the_order_of_their_answers_some_at_once() -> None:
    answered = {
        n: PieceNow(state="answered", answered=at, has_result=True)
        for n, at in (("b", 9), ("c", 7))
    }
    assert step(now(a=merged(), **answered)).merge == ("c", "b")
    assert step(now(a=merged(), **answered), batch=1).merge == ("c",)
    assert step(now(a=merged(), **answered), merging=True).merge == ()


def test_what_a_dead_process_began_is_run_once_more_and_then_a_persons() -> None:
    assert step(now(a=PieceNow(state="running", runs=1, attempts=1))).start == ("a",)
    told = step(now(a=PieceNow(state="running", runs=2, attempts=1)))
    assert (told.start, told.stuck) == ((), ("a",))


def test_a_judgement_is_asked_and_what_waits_for_a_person_waits() -> None:
    plan = FleetPlan(goal="g", pieces=(Piece(id="a", what="?", kind="judgement"),))
    assert step({"a": PieceNow(state="waiting")}, plan).ask == ("a",)
    told = step({"a": PieceNow(state="asked")}, plan)
    assert (told.ask, told.waits, told.finished) == ((), {"a": "a person"}, False)
    assert step({"a": PieceNow(state="settled")}, plan).finished


def test_what_needs_a_dropped_piece_is_left_out_and_the_rest_ends() -> None:
    pieces = now(a=merged(), b="dropped", c=merged())
    assert left_out(DIAMOND, pieces) == {"b", "d"}
    assert step(pieces).finished
    assert not step(now(a=merged(), b="dropped")).finished


def test_a_longer_way_goes_first() -> None:
    plan = FleetPlan(
        goal="g",
        pieces=(
            Piece(id="x", what="x"),
            Piece(id="y", what="y"),
            Piece(id="z", what="z", needs=("y",)),
        ),
    )
    pieces = {name: PieceNow(state="waiting") for name in "xyz"}
    assert step(pieces, plan, workers=1).start == ("y",)


def test_a_budget_is_used_up_by_what_agents_tell() -> None:
    piece = Piece(id="a", what="a", budget=Budget(tokens=10))
    assert over_budget(piece, {"tokens": 9, "microusd": 5}) == ""
    assert over_budget(piece, {"tokens": 10}) == "10 of 10 tokens"


def test_the_pace_is_what_people_were_seen_to_review_in_an_hour() -> None:
    assert decide_pace([], NOW).bound == UNMEASURED
    assert decide_pace([NOW - timedelta(minutes=5)], NOW).per_hour is None
    hours = [NOW - timedelta(hours=4, minutes=-each) for each in range(20)]
    told = decide_pace(hours, NOW)
    assert (told.per_hour, told.bound) == (5.0, 5)
    assert decide_pace([*hours, NOW - timedelta(hours=30)], NOW) == told
    assert decide_pace(hours, NOW + timedelta(hours=19)).bound == 1
    assert decide_pace(hours, NOW, 12).bound == 12

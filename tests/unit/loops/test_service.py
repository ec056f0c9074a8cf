"""Occurrences, lanes and runs on a ledger: every overlap policy comes to the right count."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.errors import ConflictError, IllegalTransitionError, InvalidRequestError
from lignin.domain.loops import Occurrence, run_id
from lignin.loops.laws.lane import MOST_WAITING, decide_entry
from lignin.ports.ledger import require_known
from lignin.testing.changes import CountingIds, TickingClock
from unit.loops.loops import SCOPE, SPACE, WHOLE, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    ledger = SqlLedger(f"sqlite:///{tmp_path}/ledger.db", TickingClock())
    yield Desk(ledger, CountingIds()).found()
    ledger.close()


def loop(overlap: str, name: str = "triage") -> dict[str, Any]:
    return {**WHOLE, "loop": name, "trigger": {"kind": "message", "overlap": overlap}}


def decided(desk: Desk, names: list[str]) -> list[str]:
    return [entry.decided for entry in desk.take("triage", names).entries.values()]


def test_an_occurrence_that_is_noticed_again_opens_nothing(desk: Desk) -> None:
    desk.add(loop("queue"))
    assert decided(desk, ["a", "a", "b"]) == ["start", "queue"]
    assert decided(desk, ["b", "a"]) == []
    assert (
        run_id("triage", Occurrence(source="message", name="a"))
        in desk.body("looplane/triage")["recent"]
    )


@pytest.mark.parametrize(
    ("overlap", "made"),
    [
        ("skip", ["start", "skip", "skip"]),
        ("queue", ["start", "queue", "queue"]),
        ("replace", ["start", "replace", "replace"]),
    ],
)
def test_what_comes_while_a_run_goes_on_goes_by_the_policy(
    desk: Desk, overlap: str, made: list[str]
) -> None:
    desk.add(loop(overlap))
    assert decided(desk, ["a", "b", "c"]) == made
    lane = desk.body("looplane/triage")
    first, second, third = lane["recent"]
    states = [desk.state(f"looprun/{run}") for run in (first, second, third)]
    assert (
        states
        == {
            "skip": ["running", "skipped", "skipped"],
            "queue": ["running", "queued", "queued"],
            "replace": ["replaced", "replaced", "running"],
        }[overlap]
    )
    if overlap == "queue":
        assert desk.end(first) == second
        assert desk.state(f"looprun/{second}") == "running"
        assert desk.end(second) == third
        assert desk.end(third) is None
        assert desk.body("looplane/triage")["running"] is None


def test_a_run_that_was_replaced_ends_no_more(desk: Desk) -> None:
    desk.add(loop("replace"))
    desk.take("triage", ["a"])
    first = desk.body("looplane/triage")["running"]
    desk.take("triage", ["b"])
    with pytest.raises((ConflictError, IllegalTransitionError)):
        desk.end(first)


def test_a_paused_loop_starts_nothing_and_what_came_is_on_the_record(desk: Desk) -> None:
    desk.add(loop("queue"))
    desk.commit(
        lambda view: desk.loops.move(SCOPE, require_known(view, "loop/triage"), "paused", "why")
    )
    assert decided(desk, ["a"]) == ["skip"]
    run = desk.body("looplane/triage")["recent"][0]
    assert desk.body(f"looprun/{run}")["why"] == "the loop is paused"
    with pytest.raises(IllegalTransitionError):
        desk.commit(
            lambda view: desk.loops.move(SCOPE, require_known(view, "loop/triage"), "paused")
        )


def test_a_run_keeps_the_file_that_it_was_opened_under(desk: Desk) -> None:
    desk.add(loop("queue"))
    desk.take("triage", ["a"])
    run = desk.body("looplane/triage")["running"]
    before = desk.body(f"looprun/{run}")["definition"]
    desk.add({**loop("skip"), "goal": "another"})
    assert desk.body(f"looprun/{run}")["definition"] == before
    assert desk.body("loop/triage")["definition"] != before


def test_what_failed_is_kept_until_a_run_comes_through(desk: Desk) -> None:
    desk.add(loop("queue"))
    desk.take("triage", ["a", "b", "c"])
    first, second, third = desk.body("looplane/triage")["recent"]
    desk.end(first, "failed", keep=True)
    assert desk.body("looplane/triage")["kept"] == [first]
    desk.end(second, "failed")
    assert desk.body("looplane/triage")["kept"] == [first]
    desk.end(third, "archived")
    assert desk.body("looplane/triage")["kept"] == []


def test_a_loop_that_is_none_is_not_filed(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError):
        desk.add({"loop": "triage"})


def test_removing_cancels_what_goes_on_and_waits(desk: Desk) -> None:
    desk.add(loop("queue"))
    desk.take("triage", ["a", "b"])
    desk.commit(lambda view: desk.loops.clear(view, SCOPE, "triage", "removed"))
    lane = desk.body("looplane/triage")
    assert (lane["running"], lane["waiting"]) == (None, [])
    assert {desk.state(f"looprun/{run}") for run in lane["recent"]} == {"cancelled"}


def test_no_more_than_so_many_wait() -> None:
    waiting = [str(number) for number in range(MOST_WAITING)]
    assert decide_entry("queue", "a", waiting, is_active=True).decided == "skip"
    assert decide_entry("queue", "a", waiting[1:], is_active=True).decided == "queue"


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    overlap=st.sampled_from(["skip", "queue", "replace"]),
    moves=st.lists(st.one_of(st.just("end"), st.integers(0, 12)), max_size=20),
)
def test_whatever_comes_and_ends_at_most_one_run_goes_on_and_each_is_counted_once(
    tmp_path_factory: pytest.TempPathFactory, overlap: str, moves: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("lane")
    ledger = SqlLedger(f"sqlite:///{folder}/ledger.db", TickingClock())
    desk = Desk(ledger, CountingIds()).found()
    desk.add(loop(overlap))
    running, waiting, seen, ended = None, list[str](), set[int](), 0
    for move in moves:
        if move == "end":
            if running is not None:
                lane = desk.body("looplane/triage")
                desk.end(lane["running"])
                ended += 1
                running = waiting.pop(0) if waiting else None
            continue
        desk.take("triage", [str(move)])
        if move in seen:
            continue
        seen.add(move)
        if running is None or overlap == "replace":
            ended += running is not None
            running = str(move)
        elif overlap == "queue":
            waiting.append(str(move))
    with ledger.view(SPACE) as view:
        rows = view.page("looprun", parent="triage").rows
        lane_row = view.row("looplane/triage")
    states = [row.state for row in rows]
    assert len(states) == len(seen)
    assert states.count("running") == (running is not None)
    assert states.count("queued") == len(waiting)
    assert states.count("archived") + states.count("replaced") == ended
    assert lane_row is None or len(lane_row.body["waiting"]) == len(waiting)
    ledger.close()

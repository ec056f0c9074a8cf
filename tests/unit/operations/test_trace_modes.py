"""Failure modes over the operations: filed once, stable in any order, split off with support."""

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.errors import NotFoundError
from lignin.domain.events import NewEvent
from lignin.domain.modes import Signature
from lignin.operations.filing import file_new
from lignin.ports.ledger import every_row
from lignin.testing.changes import CountingIds
from lignin.traces.modes.service import FailureModes, Filing
from unit.operations.conftest import Desk

RIGHT = [("book_room", {"room": 4}), ("charge_card", {"cents": 900})]
WRONG = [("book_room", {"room": 4}), ("charge_card", {"cents": 9})]
LESS = [("book_room", {"room": 4})]


def record(task: int, trial: int, calls: list[tuple[str, Mapping[str, Any]]], reward: float) -> str:
    """One run in tau-bench's shape."""
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": f"Please book room 4 for guest_{task} and charge 900 cents."}
    ]
    for number, (tool, arguments) in enumerate(calls):
        call = {"id": f"c{number}", "function": {"name": tool, "arguments": json.dumps(arguments)}}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": "ok"})
    messages.append({"role": "assistant", "content": "Done."})
    return json.dumps(
        {"task_id": task, "trial": trial, "reward": reward, "info": {}, "traj": messages}
    )


def runs() -> list[str]:
    """Five tasks of six runs: four right, one with a wrong amount, one without the charge."""
    made = []
    for task in range(5):
        for trial in range(4):
            made.append(record(task, trial, RIGHT, 1.0))
        made.append(record(task, 4, WRONG, 0.0))
        made.append(record(task, 5, LESS, 0.0))
    return made


def take(desk: Desk, name: str, records: list[str]) -> Any:
    desk.write(f"{name}/runs.jsonl", "\n".join(records) + "\n")
    desk("trace.import", paths=[name])
    return desk("trace.modes")


def by_run(listed: Any) -> dict[tuple[int, int], str]:
    return {(m.task_id, m.trial): mode.mode for mode in listed.items for m in mode.members}


def test_failed_runs_are_filed_each_in_one_mode_with_the_origins_own_ids(desk: Desk) -> None:
    listed = take(desk, "all", runs())
    assert [(mode.name, mode.runs) for mode in listed.items] == [
        ("wrong arguments", 5),
        ("missing action", 5),
    ] or [(mode.name, mode.runs) for mode in listed.items] == [
        ("missing action", 5),
        ("wrong arguments", 5),
    ]
    assert (listed.judged, listed.failed, listed.total) == (30, 10, 2)
    assert sorted(by_run(listed)) == [(task, trial) for task in range(5) for trial in (4, 5)]
    assert all(member.source == "runs.jsonl" for mode in listed.items for member in mode.members)


def test_asking_again_files_nothing_and_new_runs_only_touch_their_tasks(desk: Desk) -> None:
    before = take(desk, "all", runs())
    with desk.context.view() as view:
        position = view.position
    again = desk("trace.modes")
    assert again == before
    with desk.context.view() as view:
        assert view.position == position
    take(desk, "more", [record(2, 6, LESS, 0.0)])
    with desk.context.view() as view:
        events = view.log(after=position, limit=1000)
        filed = [event.stream for event in events if event.type == "run.filed"]
        tasks = {view.row(stream).body["facts"]["task_id"] for stream in filed}  # type: ignore[union-attr]
    assert tasks == {2}


def test_of_a_store_larger_than_a_lot_only_tasks_with_something_new_are_filed(desk: Desk) -> None:
    desk.write("all/runs.jsonl", "\n".join(runs()) + "\n")
    desk("trace.import", paths=["all"])
    file_new(desk.context, lot=12)
    whole = by_run(desk("trace.modes"))
    assert len(whole) == 10
    with desk.context.view() as view:
        position = view.position
    desk.write("more/runs.jsonl", record(3, 6, WRONG, 0.0) + "\n")
    desk("trace.import", paths=["more"])
    file_new(desk.context, lot=12)
    with desk.context.view() as view:
        filed = [event for event in view.log(after=position) if event.type == "run.filed"]
    assert filed
    assert {event.payload["facts"]["task_id"] for event in filed} == {3}
    assert set(by_run(desk("trace.modes"))) == {*whole, (3, 6)}


def test_feedback_moves_a_run_out_of_its_mode(desk: Desk) -> None:
    listed = take(desk, "all", runs())
    session = listed.items[0].members[0].session
    desk("trace.feedback", session=session, label="success", reason="the grader was wrong")
    after = desk("trace.modes")
    assert after.failed == listed.failed - 1
    assert session not in {m.session for mode in after.items for m in mode.members}


def test_runs_taken_in_with_hidden_outcomes_are_compared_among_themselves(desk: Desk) -> None:
    take(desk, "all", runs())
    desk("trace.import", paths=["all"], hide_outcome=True)
    listed = desk("trace.modes")
    assert listed.judged == 60
    assert listed.failed > 10


def test_any_order_of_arrival_ends_in_the_same_modes(desk: Desk, other_desk: Desk) -> None:
    whole = by_run(take(desk, "all", runs()))
    shuffled = runs()
    random.Random(5).shuffle(shuffled)
    for number in range(0, 30, 7):
        listed = take(other_desk, f"lot{number}", shuffled[number : number + 7])
    assert by_run(listed) == whole


@pytest.fixture
def other_desk(tmp_path: Path, desk: Desk) -> Iterator[Desk]:
    """Another store."""
    from lignin.app import load_settings, open_context

    (tmp_path / "other").mkdir()
    environment = {"LIGNIN_HOME": str(tmp_path / "other-home"), "HOME": str(tmp_path)}
    with open_context(load_settings(environment, tmp_path / "other")) as context:
        yield Desk(context)


def test_a_mode_is_shown_with_its_history_and_an_unknown_one_is_not_found(desk: Desk) -> None:
    listed = take(desk, "all", runs())
    shown = desk("trace.mode", mode=listed.items[0].mode)
    assert shown.members == listed.items[0].members
    assert [move.event for move in shown.history] == ["founded"]
    with pytest.raises(NotFoundError):
        desk("trace.mode", mode="mod_none")


def test_a_fine_mode_is_split_off_with_support_and_merged_back_without(desk: Desk) -> None:
    service = FailureModes(CountingIds(), least=3)
    gave_up = Signature(difference="missing_action", manner="gave_up", error="Error: no card")
    nothing = Signature(difference="no_action", manner="gave_up")
    left_out = Signature(difference="missing_action", manner="left_out")
    context = desk.context

    def file(sessions: str, signature: Signature | None) -> None:
        made = [
            Filing(
                session=session,
                task="t",
                verdict="failure" if signature else "success",
                signature=signature,
            )
            for session in sessions
        ]
        with context.view() as view:
            change = service.file(view, context.scope, made, 0)
        context.commit(change)

    def state(signature: Signature) -> str | None:
        with context.view() as view:
            row = view.row(f"mode/{signature.fine}")
        assert row
        assert row.parent == signature.parent
        return row.state

    file("vwxyz", left_out)
    file("ab", gave_up)
    assert (state(left_out), state(gave_up)) == ("open", "latent")
    file("c", nothing)
    assert state(gave_up) == "open"  # one cause in two classes
    file("c", None)
    assert state(gave_up) == "latent"
    with context.view() as view:
        events = [event.type for event in view.events(f"mode/{gave_up.fine}")]
        assert events == ["mode.founded", "mode.split", "mode.merged"]
        assert view.page("filing", state=gave_up.fine).total == 2
        assert view.row(f"mode/{gave_up.coarse}").state == "open"  # type: ignore[union-attr]
    assert context.store.verify(context.scope.space, lambda *_: None).faults == ()


def test_what_was_filed_by_earlier_rules_can_be_read_and_is_filed_anew(desk: Desk) -> None:
    now = by_run(take(desk, "all", runs()))
    context = desk.context
    with context.view() as view:
        filed = [row for row in every_row(view, "filing") if row.body["mode"]]
        miner = view.row("miner/modes")
        assert miner

        def event(stream: str, type_: str, payload: Mapping[str, Any]) -> NewEvent:
            event_id = context.ids.new("evt")
            return NewEvent(stream=stream, type=type_, payload=payload, event_id=event_id)

        names = ("task", "verdict", "mode", "coarse", "signature", "error", "facts")
        founded = {"coarse": filed[0].body["coarse"], "difference": "no_action", "manner": "x"}
        events = [event("mode/mod_old", "mode.founded", founded)]
        events.append(event("mode/mod_old", "mode.split", {"support": len(filed)}))
        for row in filed:
            payload = {name: row.body[name] for name in names} | {"mode": "mod_old"}
            signature = {k: v for k, v in row.body["signature"].items() if k != "artifacts"}
            payload["signature"] = signature | {"manner": "refused_of_another"}
            events.append(event(row.stream, "run.filed", payload))
        advanced = {"position": miner.body["position"]}
        events.append(event("miner/modes", "miner.advanced", advanced))
    context.commit(context.scope.change(events=tuple(events)))
    old = desk("trace.mode", mode="mod_old")
    assert (old.runs, old.history[-1].event) == (len(filed), "split off")
    assert by_run(desk("trace.modes")) == now
    with context.view() as view:
        assert [e.type for e in view.events("mode/mod_old")][-1] == "mode.merged"
    with pytest.raises(NotFoundError):
        desk("trace.mode", mode="mod_old")


def test_lessons_name_what_failed_what_worked_and_where_it_was_seen(desk: Desk) -> None:
    take(desk, "all", runs())
    listed = desk("trace.lessons", least=2)
    assert sorted(each.text for each in listed.items) == [
        "runs that failed called charge_card with other values of cents than those that agree",
        "runs that failed left out charge_card",
    ]
    assert {(each.sessions, each.tasks) for each in listed.items} == {(5, 5)}
    right = {m.session for m in desk("trace.list", limit=1000).items if m.outcome == "success"}
    assert all(seen.other in right for each in listed.items for seen in each.seen)
    assert desk("trace.lessons", where="within").items == []
    rest = desk("trace.lessons", limit=1, after=listed.items[0].lesson).items
    assert [each.lesson for each in rest] == [listed.items[1].lesson]

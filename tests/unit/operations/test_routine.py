"""Routines over the operations: induced once, again with what is new, withdrawn, shown, applied."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from lignin.domain.errors import NotFoundError
from lignin.domain.events import NewEvent
from lignin.operations.routinework import judged
from lignin.testing.changes import CountingIds
from lignin.traces.routines.encode import encode
from lignin.traces.routines.service import Routines
from lignin.traces.routines.written import encoded_to_json, parse_encoded
from unit.operations.conftest import Desk
from unit.traces.routines.desk import call, run, visit


def record(task: int, reward: float = 1.0) -> str:
    """A visit in tau-bench's shape."""
    mail = f"owner_{task}@example.org"
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"I am {mail}, task {task}"}]
    for number, each in enumerate(visit(task, 1 + task % 3)):
        function = {"name": each.name, "arguments": json.dumps(dict(each.arguments))}
        messages.append(
            {"role": "assistant", "tool_calls": [{"id": f"c{number}", "function": function}]}
        )
        content = each.observation
        messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": content})
    return json.dumps({"task_id": task, "trial": 0, "reward": reward, "info": {}, "traj": messages})


def write(desk: Desk, name: str, tasks: Sequence[int], reward: float = 1.0) -> str:
    desk.write(f"{name}/{name}.jsonl", "\n".join(record(each, reward) for each in tasks) + "\n")
    return name


def take(desk: Desk, name: str, tasks: Sequence[int], reward: float = 1.0) -> Any:
    desk("trace.import", paths=[write(desk, name, tasks, reward)])
    return desk("routine.induce")


def test_routine_is_induced_listed_and_shown(desk: Desk) -> None:
    made = take(desk, "first", range(6))
    (view,) = made.items
    assert view.name == "find_owner > get_owner > get_machine* > order_work"
    assert (view.occurrences, view.sessions, view.tasks, view.failing) == (6, 6, 6, 0)
    assert desk("routine.list").items == made.items
    shown = desk("routine.show", routine=view.routine)
    assert shown.state == "induced"
    assert [each["event"] for each in shown.history] == ["induced"]
    drawn = shown.to_text()
    assert "machine: str  (chosen from $3[*].machine, which is checked)" in drawn
    assert "$3 for each of $2.machines[*]: get_machine(machine=each of $2.machines[*])" in drawn


def test_hostile_name_of_a_tool_begins_no_line_of_its_own(desk: Desk) -> None:
    name = "first"
    text = "\n".join(record(each) for each in range(6)).replace(
        '"get_owner"', json.dumps("get_owner\n\n## IMPORTANT\x1b[2J")
    )
    desk.write(f"{name}/{name}.jsonl", text + "\n")
    desk("trace.import", paths=[name])
    made = desk("routine.induce")
    (view,) = made.items
    for shown in (made, desk("routine.list"), desk("routine.show", routine=view.routine)):
        assert "IMPORTANT" in shown.to_text()
        assert "\n## IMPORTANT" not in shown.to_text()
        assert "\x1b" not in shown.to_text()


def test_inducing_again_changes_nothing(desk: Desk) -> None:
    take(desk, "first", range(6))
    with desk.context.view() as view:
        before = view.position
    desk("routine.induce")
    with desk.context.view() as view:
        assert view.position == before


def test_only_new_runs_are_read(desk: Desk) -> None:
    take(desk, "first", range(6))
    take(desk, "second", range(10, 14))
    with desk.context.view() as view:
        rows = view.page("encoded", limit=100).rows
        seqs = [row.seq for row in rows]
    assert seqs == [1] * 10
    (view_,) = desk("routine.list").items
    assert view_.occurrences == 10
    events = desk("routine.show", routine=view_.routine).history
    assert [each["event"] for each in events] == ["induced", "induced"]


def test_failing_runs_support_nothing(desk: Desk) -> None:
    made = take(desk, "bad", range(6), reward=0.0)
    assert made.items == []
    assert {each.reason for each in made.refused} == {"poisoned: only failing runs support it"}
    assert desk("routine.list").refused == made.refused


def test_routine_is_withdrawn_with_what_it_stood_on(desk: Desk) -> None:
    made = take(desk, "first", range(3))
    sessions = desk("trace.list").items
    told = {"label": "failure", "reason": "it was the wrong machine"}
    desk("trace.feedback", session=sessions[0].session, **told)
    assert desk("routine.induce").items == []
    shown = desk("routine.show", routine=made.items[0].routine)
    assert shown.state == "withdrawn"


def test_traces_are_covered_and_not_kept(desk: Desk) -> None:
    take(desk, "first", range(6))
    seen = desk("routine.cover", traces=[write(desk, "others", range(20, 24))])
    calls = sum(4 + task % 3 for task in range(20, 24))
    assert (seen.steps, seen.covered, seen.units) == (calls, calls, 4)
    assert (seen.replayed, seen.equivalent, seen.runs) == (4, 4, 4)
    assert seen.compression == calls / 4
    assert desk("trace.list").total == 6
    assert desk("routine.cover", traces=["others"], passing=True).runs == 4
    assert desk("routine.cover", traces=["others"], first=1).covered == calls


def test_cover_of_failed_runs_can_be_left_out(desk: Desk) -> None:
    write(desk, "bad", range(3), reward=0.0)
    seen = desk("routine.cover", traces=["bad"], passing=True)
    assert (seen.runs, seen.left_out) == (0, 3)
    assert seen.to_text().startswith("3 runs read, and none declares to have passed")


@pytest.mark.parametrize(("passing", "told"), [(0, "none is"), (1, "1 is"), (2, "2 are")])
def test_too_few_passing_runs_are_said(desk: Desk, passing: int, told: str) -> None:
    take(desk, "bad", range(20, 26), reward=0.0)
    made = take(desk, "good", range(passing)) if passing else desk("routine.induce")
    assert f"at least three passing runs are needed, {told} there" in made.to_text()


def test_family_is_made_of_what_a_person_knows(desk: Desk) -> None:
    made = take(desk, "first", range(6))
    assert "at least three passing runs" not in made.to_text()
    (family,) = desk("routine.families").families
    assert family.routines == [made.items[0].routine]
    assert family.made_of == ["find_owner > get_owner > get_machine* > order_work"]
    assert "rtn_" not in desk("routine.families").to_text()


def test_missing_file_and_unknown_routine_are_said(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        desk("routine.cover", traces=["nowhere"])
    with pytest.raises(NotFoundError):
        desk("routine.show", routine="rtn_none")


def test_encoded_run_is_read_back() -> None:
    odd = call("weigh", {"grams": 2**70, "list": [1, None], "deep": {"a": {"b": True}}}, "5 kg")
    coded = encode(run("a", [*visit(3, 2), odd], said="owner_3@example.org"), True)
    again = parse_encoded(json.loads(json.dumps(encoded_to_json(coded))), True)
    assert again == coded


def test_runs_read_together_are_kept_together(desk: Desk) -> None:
    take(desk, "first", range(6))
    take(desk, "second", range(6, 9))
    with desk.context.view() as view:
        rows = view.page("encoded").rows
        kept = list(Routines(CountingIds()).kept(view, {}))
    assert len(rows) == len(kept) == 9
    assert len({row.body["digest"] for row in rows}) == 2
    assert {run.session for run in kept} == {row.key for row in rows}


def test_run_kept_in_an_older_form_is_left_until_it_is_read_anew(desk: Desk) -> None:
    take(desk, "first", range(6))
    with desk.context.view() as view:
        row = view.page("encoded").rows[0]
    old = {name: value for name, value in row.body.items() if name != "place"}
    event = NewEvent(stream=row.stream, type="run.encoded", payload=old, event_id="evt_old")
    desk.context.commit(desk.context.scope.change(events=(event,)))
    with desk.context.view() as view:
        kept = Routines(CountingIds()).kept(view, {})
        assert row.key not in {run.session for run in kept}


def test_miner_starts_at_the_beginning(desk: Desk) -> None:
    with desk.context.view() as view:
        assert Routines(CountingIds()).position(view) == 0


def test_runs_of_which_nothing_is_declared_are_judged(desk: Desk) -> None:
    hidden = write(desk, "hidden", range(6))
    desk("trace.import", paths=[hidden], hide_outcome=True)
    desk("routine.induce")
    with desk.context.view() as view:
        assert view.page("filing", limit=1).total == 6


def test_runs_that_are_declared_are_not_judged_again(desk: Desk) -> None:
    take(desk, "first", range(6))
    with desk.context.view() as view:
        assert view.page("filing", limit=1).total == 0


def test_runs_without_an_outcome_are_counted_and_said(desk: Desk) -> None:
    hidden = write(desk, "hidden", range(6))
    desk("trace.import", paths=[hidden], hide_outcome=True)
    for made in (desk("routine.induce"), desk("routine.list"), desk("routine.families")):
        assert (made.passed, made.failed, made.unknown) == (0, 0, 6)
        assert (
            "6 of 6 runs have no known outcome, so nothing supports a routine: tell it with "
            "`lignin trace feedback`" in made.to_text()
        )
    take(desk, "told", range(10, 13))
    told = desk("routine.list")
    assert (told.passed, told.failed, told.unknown) == (3, 0, 6)
    assert "6 of 9 runs have no known outcome, so they support no routine" in told.to_text()


def test_what_is_doubted_to_have_failed_poisons_nothing(desk: Desk) -> None:
    """Runs that are judged to have failed, though not surely; declared ones still poison."""
    hidden = write(desk, "hidden", range(6))
    desk("trace.import", paths=[hidden], hide_outcome=True)
    desk("routine.induce")
    with desk.context.view() as view:
        rows = view.page("filing").rows
        assert rows
        surely = {row.key: 0.79 for row in rows}
        surely[rows[0].key] = 0.81
    changed = [
        NewEvent(
            stream=f"judgement/{session}",
            type="run.judged",
            payload={"verdict": "failure", "probability": chance, "step": None, "findings": None},
            event_id=f"evt_{session}",
        )
        for session, chance in surely.items()
    ] + [
        NewEvent(
            stream=row.stream,
            type="run.filed",
            payload={**row.body, "verdict": "failure"},
            event_id=f"evt_filed_{row.key}",
        )
        for row in rows
    ]
    desk.context.commit(desk.context.scope.change(events=tuple(changed)))
    with desk.context.view() as view:
        found = judged(view)
    assert [found[row.key] for row in rows] == [False, *[None] * 5]
    assert desk("routine.list").failed == 1


def test_list_says_what_is_not_tried_yet(desk: Desk) -> None:
    (view,) = take(desk, "first", range(6)).items
    assert (view.proof, view.why, view.heads) == ("not tried", "", [])
    assert "  not proven yet" in desk("routine.list").to_text().splitlines()

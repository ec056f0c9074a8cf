"""The report on reuse: rewritten runs by basis and distance, and calls that agents really made."""

import json
from typing import Any

from lignin.domain.events import NewEvent
from lignin.operations.routine_proof import is_held_out
from unit.operations.conftest import Desk
from unit.operations.test_routine import take, write


def test_new_runs_are_told_apart_from_those_that_a_routine_stands_on(desk: Desk) -> None:
    take(desk, "first", range(20))
    write(desk, "later", range(24, 28))
    told = desk("routine.reuse", traces=["later"])
    assert (told.runs, told.rewritten, told.routines) == (4, 4, 1)
    assert {each.basis for each in told.totals} == {"held out"}
    assert sum(each.equivalent for each in told.totals) == 4
    assert {each.distance for each in told.groups} <= {"same family", "same domain"}
    again = desk("routine.reuse", traces=["first"])
    with desk.context.view() as view:
        own = [row.key for row in view.page("session").rows if not is_held_out(row.key)]
    uses = {each.basis: each.uses for each in again.totals}
    assert uses["induced from"] == len(own)
    assert "upper bound" in again.to_text()


def test_stored_runs_count_as_held_out_only_where_the_routine_comes_of_the_rest(desk: Desk) -> None:
    take(desk, "first", range(20))
    told = desk("routine.reuse")
    with desk.context.view() as view:
        sessions = [row.key for row in view.page("encoded", limit=100).rows]
    held_out = sum(is_held_out(session) for session in sessions)
    uses = {each.basis: each.uses for each in told.totals}
    assert uses == {"held out": held_out, "induced from": 20 - held_out}


def test_what_the_traces_do_not_tell_is_none(desk: Desk) -> None:
    take(desk, "first", range(6))
    told = desk("routine.reuse", routine=desk("routine.list").items[0].routine)
    for total in told.totals:
        assert (total.input_tokens, total.cost_microusd, total.tokens_known) == (None, None, 0)
        assert total.per_use["input_tokens"] is None
        assert total.per_use["calls"] is not None
    assert "tokens not told" in told.to_text()
    assert told.real == []


def test_failed_runs_are_not_rewritten(desk: Desk) -> None:
    take(desk, "first", range(6))
    write(desk, "failed", range(24, 28), reward=0.0)
    told = desk("routine.reuse", traces=["failed"])
    assert (told.runs, told.totals) == (0, [])


def proven(desk: Desk) -> Any:
    """A routine that a version stands for, as `routine prove` notes it."""
    take(desk, "first", range(6))
    version = desk.double(promote=True)
    routine = desk("routine.list").items[0].routine

    payload = {"artifact": "double", "version": version.digest, "verdict": "pass"}
    event = NewEvent(
        stream=f"routine/{routine}",
        type="routine.proven",
        payload=payload,
        event_id=desk.context.ids.new("evt"),
    )
    desk.context.commit(desk.context.scope.change(events=(event,)))
    return version


def test_calls_that_agents_made_are_counted_and_what_they_spare_is_an_estimate(desk: Desk) -> None:
    version = proven(desk)
    command = f"lignin artifact call double@{version.digest} --input '{{}}'"
    for number, text in enumerate((command, "ls", "cat double.py")):
        use = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": text}}
        result = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}
        lines = [
            {"type": "user", "message": {"role": "user", "content": "go"}},
            {"type": "assistant", "message": {"role": "assistant", "content": [use], "model": "m"}},
            {"type": "user", "message": {"role": "user", "content": [result]}},
        ]
        body = [
            {**line, "uuid": f"u{place}", "sessionId": f"c{number}", "version": "1"}
            for place, line in enumerate(lines)
        ]
        desk.write(f"calls/{number}.jsonl", "".join(json.dumps(each) + "\n" for each in body))
    desk("trace.import", paths=["calls"])
    desk("routine.induce")
    [real] = desk("routine.reuse").real
    assert (real.calls, real.sessions, real.artifact) == (1, 1, f"double@{version.digest}")
    assert real.models == {"m": 1}
    assert real.estimated_calls is not None
    assert real.estimated_tokens is None

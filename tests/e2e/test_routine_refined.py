"""A routine that other runs speak against is refined and tried again, or stays refused with the reason."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lignin.app import load_settings, open_context
from lignin.domain.errors import GateFailedError
from lignin.operations.context import Context
from lignin.operations.routine import RoutineInduce, RoutineShow, induce, show
from lignin.operations.routine_proof import is_held_out
from lignin.operations.routine_prove import Proved, RoutinePromote, RoutineProve, promote, prove
from lignin.operations.trace import TraceImport, import_

RUNS = 40


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Context]:
    home = {"LIGNIN_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "LIGNIN_ACTOR": "user:t"}
    with open_context(load_settings({**os.environ, **home}, tmp_path)) as context:
        yield context


def record(task: int, kind: str, reward: float) -> str:
    """A run that looks an owner and his machine up and orders work."""
    calls: list[tuple[str, Mapping[str, Any], Any]] = [
        ("find_owner", {"mail": f"o{task}@example.org"}, {"owner_id": f"owner_{task}"}),
        ("get_owner", {"owner_id": f"owner_{task}"}, {"machine": f"M{task}00"}),
        (
            "order_work",
            {"machine": f"M{task}00", "kind": kind, "owner_id": f"owner_{task}"},
            {"ticket": f"T{task}"},
        ),
    ]
    calls.insert(0, (f"ping_{task % 9}", {"to": f"host {task}"}, "done"))
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"task {task}"}]
    for number, (tool, arguments, result) in enumerate(calls):
        function = {"name": tool, "arguments": json.dumps(arguments)}
        messages += [
            {"role": "assistant", "tool_calls": [{"id": f"c{number}", "function": function}]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": json.dumps(result)},
        ]
    return json.dumps({"task_id": task, "trial": 0, "reward": reward, "info": {}, "traj": messages})


def take(
    context: Context, name: str, kind: Callable[[int], str], rewards: Callable[[int], float]
) -> None:
    lines = [record(task, kind(task), rewards(task)) for task in range(RUNS)]
    (context.cwd / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    import_(context, TraceImport(paths=[f"{name}.jsonl"]))


@pytest.fixture
def held_out(tmp_path: Path) -> frozenset[int]:
    """The tasks whose runs are held out: a run's session does not hang on what it did."""
    home = {"LIGNIN_HOME": str(tmp_path / "other"), "HOME": str(tmp_path), "LIGNIN_ACTOR": "user:t"}
    with open_context(load_settings({**os.environ, **home}, tmp_path)) as context:
        take(context, "runs", lambda _: "service", lambda _: 1.0)
        induce(context, RoutineInduce())
        with context.view() as view:
            rows = view.page("encoded", limit=RUNS).rows
    found = frozenset(int(row.body["task"]) for row in rows if is_held_out(row.key))
    assert 6 <= len(found) <= RUNS - 12
    return found


def proved(context: Context) -> Proved:
    (routine,) = [
        each for each in induce(context, RoutineInduce()).items if "order_work" in each.name
    ]
    return prove(context, RoutineProve(routine=routine.routine))


def test_constant_that_other_runs_contradict_is_given_and_proven(
    opened: Context, held_out: frozenset[int]
) -> None:
    odd = sorted(held_out)[:2]
    take(opened, "runs", lambda task: "repair" if task in odd else "service", lambda _: 1.0)
    found = proved(opened)
    assert (found.verdict, found.reason) == ("pass", "")
    assert len(found.tried) == 1
    assert found.tried[0].startswith("over-generalised: kind of order_work is 'service'")
    assert found.tried[0].endswith("tried again: kind of order_work is given")
    assert "kind: str" in found.program
    history = show(opened, RoutineShow(routine=found.routine)).history
    assert [each["event"] for each in history] == ["induced", "proven"]
    with opened.view() as view:
        row = view.row(f"routine/{found.routine}")
    assert row is not None
    assert row.body["proof"]["tried"] == found.tried
    assert promote(opened, RoutinePromote(routine=found.routine)).digest == found.digest


def test_what_failing_runs_do_is_refused_by_name_and_not_promoted(
    opened: Context, held_out: frozenset[int]
) -> None:
    good = {task for task in range(RUNS) if task % 4 == 0}
    plain = [json.loads(record(100 + n, "service", 1.0)) for n in range(40)]
    for each in plain:
        each["traj"] = each["traj"][:3]  # it only pings
    (opened.cwd / "plain.jsonl").write_text("\n".join(map(json.dumps, plain)) + "\n")
    import_(opened, TraceImport(paths=["plain.jsonl"]))
    take(opened, "runs", lambda _: "service", lambda task: 1.0 if task in good else 0.0)
    found = proved(opened)
    assert (found.verdict, found.exit_code()) == ("fail", 6)
    assert found.reason == "poisoned: 30 of the 40 runs with a use failed, of all 80 runs 30"
    assert found.artifact == ""
    assert held_out
    with pytest.raises(GateFailedError, match="is not proven"):
        promote(opened, RoutinePromote(routine=found.routine))

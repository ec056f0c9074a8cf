"""Runs of an invented workshop, built call by call."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from lignin.domain.codec import Json
from lignin.domain.traces import Outcome, Step, ToolCall, Trajectory
from lignin.traces.routines.encode import Encoded, encode

_NUMBERS: Iterator[int] = count()


def call(tool: str, arguments: Mapping[str, Json], result: Json = "done") -> ToolCall:
    """Return a call with what came back; a result that is no text is written as JSON."""
    text = result if isinstance(result, str) else json.dumps(result)
    return ToolCall(
        call_id=str(next(_NUMBERS)),
        name=tool,
        arguments=dict(arguments),
        observation=text,
        is_error=text.startswith("Error"),
    )


def run(
    name: str,
    calls: Sequence[ToolCall],
    *,
    said: str = "",
    outcome: Outcome | None = "success",
    task: str | None = None,
) -> Trajectory:
    """Return a run in which the user speaks first and the calls are made one by one."""
    steps = [Step(index=1, role="user", text=said)] if said else []
    steps += [
        Step(index=number, role="assistant", calls=(each,))
        for number, each in enumerate(calls, start=2)
    ]
    return Trajectory(
        source="workshop",
        format="workshop",
        session=name,
        steps=tuple(steps),
        task_id=task or name,
        outcome=outcome,
    )


def visit(number: int, machines: int = 2, *, state: str = "idle") -> list[ToolCall]:
    """Look up an owner, each of his machines, and service the last one."""
    owner = f"owner_{number}"
    names = [f"M{number}{place}" for place in range(machines)]
    calls = [
        call("find_owner", {"mail": f"{owner}@example.org"}, {"owner_id": owner}),
        call("get_owner", {"owner_id": owner}, {"owner_id": owner, "machines": names}),
    ]
    calls += [
        call("get_machine", {"machine": name}, {"machine": name, "state": state}) for name in names
    ]
    result = {"ticket": f"T{number}"} if state == "idle" else "Error: the machine is running"
    order = {"machine": names[-1], "kind": "service", "owner_id": owner}
    return [*calls, call("order_work", order, result)]


def visits(how_many: int, *, first: int = 0) -> list[Trajectory]:
    """Return runs that each make a visit, with one to three machines."""
    return [
        run(f"run-{number}", visit(number, 1 + number % 3), said=f"owner_{number}@example.org")
        for number in range(first, first + how_many)
    ]


def encoded(runs: Sequence[Trajectory]) -> list[Encoded]:
    """Return runs as induction takes them; what was declared is believed."""
    return [
        encode(each, None if each.outcome is None else each.outcome == "success") for each in runs
    ]

"""Tiny runs of an invented booking desk, for the tests of detection."""

import json
from typing import Any

from lignin.domain.traces import Step, ToolCall, Trajectory

TASK = "Please move my booking B-1042 to room 7 on Friday and tell me the total of the bill then."


def call(name: str, observation: str = "done", **arguments: Any) -> ToolCall:
    return ToolCall(
        call_id=f"{name}-{json.dumps(arguments, sort_keys=True)}",
        name=name,
        arguments=arguments,
        observation=observation,
        is_error=observation.startswith("Error"),
    )


def user(text: str) -> tuple[str, str, tuple[ToolCall, ...]]:
    return ("user", text, ())


def agent(text: str = "", *calls: ToolCall) -> tuple[str, str, tuple[ToolCall, ...]]:
    return ("assistant", text, calls)


def run(
    *turns: tuple[str, str, tuple[ToolCall, ...]],
    source: str = "a.jsonl",
    task: str | int | None = 1,
    outcome: Any = None,
) -> Trajectory:
    """A run whose steps are numbered from 1."""
    steps = tuple(
        Step(index=number, role=role, text=text, calls=calls)  # type: ignore[arg-type]
        for number, (role, text, calls) in enumerate(turns, start=1)
    )
    return Trajectory(
        source=source,
        format="made",
        session=f"{source}-{task}",
        steps=steps,
        task_id=task,
        trial=0,
        outcome=outcome,
    )


def move(room: int, observation: str = "done") -> ToolCall:
    return call("move_booking", observation, booking="B-1042", room=room)


def booked(
    room: int | None, *, source: str = "a.jsonl", said: str = "It is moved.", **more: Any
) -> Trajectory:
    """A dialogue that ends with the booking in a room, or untouched."""
    look = call("get_booking", "B-1042: room 3", booking="B-1042")
    writes = () if room is None else (move(room),)
    return run(
        user(TASK),
        agent("", look),
        agent("Shall I go on?"),
        user("Yes, please do."),
        agent("", *writes),
        agent(said),
        user("Thanks, bye."),
        source=source,
        **more,
    )

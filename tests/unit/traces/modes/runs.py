"""Tiny runs: who did what, of which task."""

from collections.abc import Mapping

from lignin.domain.codec import Json
from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.traces.modes.account import Account, account_of
from lignin.traces.runs import run_of

Made = (
    tuple[str, Mapping[str, Json]]
    | tuple[str, Mapping[str, Json], str]
    | tuple[str, Mapping[str, Json], None, str]
)
"""A tool, its arguments, the error where it failed, and what it told where it worked."""


def run(
    *made: Made,
    outcome: str | None = None,
    said: str = "Done.",
    task: int = 1,
    by_user: tuple[str, ...] = (),
) -> Trajectory:
    """A run that makes calls and says something in the end; `by_user` are tools the user called."""
    steps = [Step(index=1, role="user", text="Please do what is to be done.")]
    for number, (tool, arguments, *came) in enumerate(made, start=2):
        error, told = (*came, None, None)[:2]
        call = ToolCall(
            call_id=f"c{number}",
            name=tool,
            arguments=arguments,
            observation=error or told or "ok",
            is_error=bool(error),
        )
        steps.append(Step(index=number, role="assistant", calls=(call,)))
    for tool in by_user:
        called = ToolCall(call_id="u", name=tool, arguments={}, observation="ok", requestor="user")
        steps.append(Step(index=len(steps) + 1, role="user", calls=(called,)))
    steps.append(Step(index=len(steps) + 1, role="assistant", text=said))
    return Trajectory(
        source="runs.jsonl",
        format="test",
        session="s",
        steps=tuple(steps),
        task_id=task,
        outcome=outcome,  # type: ignore[arg-type]
    )


def account(*made: Made, outcome: str | None = None) -> Account:
    """What such a run came to."""
    return account_of(run_of(run(*made, outcome=outcome)))

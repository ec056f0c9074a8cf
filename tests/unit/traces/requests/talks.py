"""Sessions written down in a few words, for tests of what people ask again and again."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.traces.requests.candidates import Candidate, Heard, candidates, person_of
from lignin.traces.requests.turns import turns_of

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
Line = str | tuple[str, ...]


def talk(
    *lines: Line, session: str = "s", day: float | None = None, person: str = "ada"
) -> Trajectory:
    """A session: a text is what the person says, a tuple the agent's commands and its words, if any."""
    steps = []
    at = None if day is None else (START + timedelta(days=day)).isoformat()
    for line in lines:
        if isinstance(line, str):
            steps.append(Step(index=len(steps) + 1, role="user", text=line, at=at))
            continue
        calls = tuple(
            ToolCall(call_id=str(n), name="Bash", arguments={"command": each}, observation="ok")
            for n, each in enumerate(line)
            if not each.startswith("says ")
        )
        text = " ".join(each[5:] for each in line if each.startswith("says "))
        steps.append(Step(index=len(steps) + 1, role="assistant", text=text, calls=calls, at=at))
    return Trajectory(
        source="t", format="t", session=session, steps=tuple(steps), cwd=f"/home/{person}/x"
    )


def told(runs: Iterable[Trajectory], task: str = "") -> list[Candidate]:
    """The candidates of some sessions."""
    return candidates(
        Heard(session=run.session, task=task, person=person_of(run.cwd), model="m", turn=turn)
        for run in runs
        for turn in turns_of(run)
    )

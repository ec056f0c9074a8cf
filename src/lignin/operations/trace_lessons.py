"""Lesson candidates from what failed and then worked in the runs that were taken in."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from pydantic import Field

from lignin.domain.modes import parse_signature
from lignin.domain.states import Row
from lignin.evals.releases import sealed_sessions
from lignin.operations.context import Context
from lignin.operations.intake import load_trajectory
from lignin.operations.registry import Listed, Request, Response, operation
from lignin.ports.ledger import View, every_row
from lignin.traces.lessons import Lesson, contrasted, counted, recovered
from lignin.traces.runs import run_of
from lignin.traces.view import told

SHOWN = 5


class TraceLessons(Request):
    where: Literal["within", "between"] | None = Field(
        None, description="only within runs, or only between runs of a task"
    )
    least: int = Field(1, ge=1, description="only those seen in at least so many sessions")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this lesson")


class LessonSeen(Response):
    session: str = Field(description="the session it was seen in")
    source: str = Field(description="the file it came from")
    path: str = Field(description="that file with the folder it lay in")
    task_id: str | int | None = Field(description="the task, where the file names one")
    trial: str | int | None = Field(description="the trial, where the file names one")
    failed_step: int | None = Field(description="the step that failed")
    worked_step: int | None = Field(description="the step that then worked")
    other: str = Field(description="a session of the task that did it right")


class LessonView(Response):
    lesson: str = Field(description="the candidate's id: the hash of what it says")
    text: str = Field(description="what was seen")
    where: str = Field(description="within runs, or between runs of a task")
    tool: str = Field(description="what failed")
    error: str = Field(description="the error's template")
    what: str = Field(description="what then worked, or how the runs differ")
    names: list[str] = Field(description="the arguments or tools concerned")
    sessions: int = Field(description="how many sessions it was seen in")
    tasks: int = Field(description="of how many tasks")
    seen: list[LessonSeen] = Field(description=f"the first {SHOWN} sightings")


class LessonsListed(Listed):
    items: list[LessonView] = Field(description="this page, those of the most sessions first")

    def to_text(self) -> str:
        lines = [f"{self.total} lesson candidates"]
        for each in self.items:
            lines.append(f"{each.sessions:4} of {each.tasks} tasks  {each.text}")
            first = each.seen[0]
            place = (
                f" steps {first.failed_step} and {first.worked_step}" if first.failed_step else ""
            )
            other = f" against {first.other}" if first.other else ""
            lines.append(f"       {each.lesson}, as in {first.session}{place}{other}")
        return told(lines)


@operation("trace.lessons", effect="read", idempotent=True)
def lessons(context: Context, request: TraceLessons) -> LessonsListed:
    """List lesson candidates: what failed and what then worked, each with its evidence.

    Within a run from its own calls; between runs of a task from the modes they were filed under
    (`trace modes` files them). Reads every session that was taken in.
    """
    found: list[Lesson] = []
    with context.view() as view:
        sealed = sealed_sessions(view)
        sessions = {
            row.key: row
            for row in every_row(view, "session")
            if "source" in row.body and row.key not in sealed
        }
        if request.where != "between":
            for number, session in enumerate(sessions):
                context.progress("reading runs", number, len(sessions))
                found += recovered(session, run_of(load_trajectory(context, view, session)))
        if request.where != "within":
            found += _between(view, sealed)
    merged = [
        each
        for each in counted(found)
        if len({sighting.session for sighting in each.seen}) >= request.least
    ]
    names = [each.lesson for each in merged]
    start = names.index(request.after) + 1 if request.after in names else 0
    page = merged[start : start + request.limit]
    is_end = start + request.limit >= len(merged)
    return LessonsListed(
        items=[_told(each, sessions) for each in page],
        total=len(merged),
        next_after=None if is_end else page[-1].lesson,
        narrow="--where, --least" if len(merged) > len(page) else None,
    )


def _between(view: View, sealed: Collection[str]) -> Iterator[Lesson]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in every_row(view, "filing"):
        if row.key in sealed:
            continue
        groups[row.body["facts"]["group"]].append(row)
    for rows in groups.values():
        right = [row.key for row in rows if row.body["verdict"] == "success"]
        for row in rows:
            if row.body["verdict"] == "failure":
                signature = parse_signature({**row.body["signature"], "error": ""})
                if lesson := contrasted(row.key, signature, right):
                    yield lesson


def _told(lesson: Lesson, sessions: Mapping[str, Row]) -> LessonView:
    named = {sighting.session for sighting in lesson.seen}
    tasks = {repr(sessions[session].body.get("task_id")) for session in named}
    return LessonView(
        lesson=lesson.lesson,
        text=lesson.text,
        where=lesson.where,
        tool=lesson.tool,
        error=lesson.error,
        what=lesson.what,
        names=list(lesson.names),
        sessions=len(named),
        tasks=len(tasks),
        seen=_seen(lesson, sessions),
    )


def _seen(lesson: Lesson, sessions: Mapping[str, Row]) -> list[LessonSeen]:
    return [
        LessonSeen(
            session=each.session,
            source=sessions[each.session].body["source"],
            path=sessions[each.session].body.get("path", ""),
            task_id=sessions[each.session].body.get("task_id"),
            trial=sessions[each.session].body.get("trial"),
            failed_step=each.failed_step,
            worked_step=each.worked_step,
            other=each.other,
        )
        for each in lesson.seen[:SHOWN]
    ]

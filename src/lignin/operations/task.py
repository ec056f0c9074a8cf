"""Tasks that were begun program-first: which are unfinished, what was done, and what a person settles."""

from typing import Any, Literal

from pydantic import Field

from lignin.artifacts.promotion import require_person
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.events import Change
from lignin.domain.states import Row
from lignin.operations.context import Context
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.taskwork import event_of, is_unfinished, made_for, told, unfinished
from lignin.ports.ledger import View, every_row, require_known


class TaskList(Request):
    every: bool = Field(False, description="also tasks that are finished, after the others")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")


class TaskShow(Request):
    task: str = positional("the task's id, as `task list` shows it")


class TaskSettle(TaskShow):
    number: int = Field(0, ge=0, description="which call, where several are unknown")
    made: bool = Field(False, description="it took effect")
    not_made: bool = Field(False, description="it did not; it may be made")


class TaskClose(TaskShow):
    reason: str = Field("", description="how it came to its end")


class TaskView(Response):
    task: str = Field(description="the task's id")
    state: Literal["begun", "done", "handed_over", "closed"] = Field(
        description="begun: under way, or its process ended; handed_over: for whoever goes on"
    )
    is_unfinished: bool = Field(description="somebody has to go on with it")
    begun_at: str = Field(description="when")
    request: str = Field(description="what was asked, without its secrets")
    tools: str = Field(description="what answers its tools")
    routine: str = Field(description="the routine that handed over")
    done: list[dict[str, Json]] = Field(
        description="the calls that were made, with what came back; unknown: nobody knows"
    )
    next: list[str] = Field(description="what can be done")

    def to_text(self) -> str:
        lines = [f"{self.task}  {self.state.replace('_', ' ')}  since {self.begun_at}", ""]
        lines += [f"  {self.request!r}", ""]
        lines += [f"  {_line(each)}" for each in self.done]
        return "\n".join([*lines, *(["", *self.next] if self.next else [])])


class TasksListed(Listed):
    items: list[TaskView] = Field(description="the unfinished ones first, the latest of each first")

    def to_text(self) -> str:
        if not self.items:
            return "no task is unfinished"
        return "\n\n".join(each.to_text() for each in self.items)


@operation("task.list", effect="read", idempotent=True)
def list_(context: Context, request: TaskList) -> TasksListed:
    """List the tasks that were begun program-first and are unfinished, with what was done for them."""
    with context.view() as view:
        rows = sorted(unfinished(view), key=lambda row: row.key, reverse=True)
        if request.every:
            known = {row.key for row in rows}
            others = (row for row in every_row(view, "task") if row.key not in known)
            rows += sorted(others, key=lambda row: row.key, reverse=True)
        page = [_view(view, row) for row in rows[: request.limit]]
    return TasksListed(items=page, total=len(rows))


@operation("task.show", effect="read", idempotent=True)
def show(context: Context, request: TaskShow) -> TaskView:
    """Show a task that was begun program-first: what was asked and done, and how to go on."""
    with context.view() as view:
        return _view(view, require_known(view, f"task/{request.task}"))


@operation("task.settle", effect="govern")
def settle(context: Context, request: TaskSettle) -> TaskView:
    """Say as a person who looked whether a change took effect that nobody knew of."""
    by = require_person(context.scope.actor, "settles what nobody knows")
    if request.made == request.not_made:
        raise InvalidRequestError("say --made or --not-made", hint="look at the system first")

    def decide(view: View) -> tuple[None, list[Change]]:
        row = require_known(view, f"task/{request.task}")
        number = _unknown(view, row, request.number)
        payload = {"number": number, "was_made": request.made, "by": by}
        return None, [_changed(context, row, "task.decided", payload)]

    context.decide_and_commit(decide)
    return show(context, TaskShow(task=request.task))


@operation("task.close", effect="govern", idempotent=True)
def close(context: Context, request: TaskClose) -> TaskView:
    """Say as a person that nobody has to go on with a task; an equal request is then begun anew."""
    by = require_person(context.scope.actor, "closes a task")

    def decide(view: View) -> tuple[None, list[Change]]:
        row = require_known(view, f"task/{request.task}")
        if not is_unfinished(view, row):
            return None, []
        return None, [_changed(context, row, "task.closed", {"by": by, "reason": request.reason})]

    context.decide_and_commit(decide)
    return show(context, TaskShow(task=request.task))


def _changed(context: Context, row: Row, type_: str, payload: dict[str, Any]) -> Change:
    return context.scope.change(
        events=(event_of(context, row.stream, type_, payload),), expects={row.stream: row.seq}
    )


def _unknown(view: View, row: Row, number: int) -> int:
    """The one call that is to be settled."""
    calls = [made for made in made_for(view, row.key) if made.changes]
    found = [made.number for made in calls if made.observation is None]
    if number in found or (not number and len(found) == 1):
        return number or found[0]
    if not found:
        raise InvalidRequestError(f"of every change of {row.key} it is known whether it was made")
    raise InvalidRequestError(
        f"of {row.key} these are unknown: {', '.join(map(str, found))}", hint="--number says which"
    )


def _view(view: View, row: Row) -> TaskView:
    made = made_for(view, row.key)
    kept = row.body.get("request", "")
    is_open = is_unfinished(view, row)
    return TaskView(
        task=row.key,
        state=row.state,  # type: ignore[arg-type]
        is_unfinished=is_open,
        begun_at=row.body.get("begun_at", ""),
        request=view.blob(kept).decode(errors="replace") if kept else "",
        tools=row.body.get("tools", ""),
        routine=row.body.get("routine", ""),
        done=[told(each) for each in made],
        next=_next(row, is_open, any(each.observation is None for each in made)),
    )


def _next(row: Row, is_open: bool, is_unknown: bool) -> list[str]:
    if not is_open:
        return []
    lines = []
    if row.state == "begun":
        lines.append("it is under way, or its process ended before the task did")
    if is_unknown:
        lines.append(f"settle what nobody knows: `lignin task settle {row.key} --made|--not-made`")
    tools = f" --tools {row.body['tools']}" if row.body.get("tools") else ""
    programs = row.body.get("programs", ())
    if programs:
        order = "in this order, " if len(programs) > 1 else ""
        lines.append(
            f"go on, {order}with what the request says and what was brought back as input "
            f"(`lignin artifact show NAME` has the parameters); nothing is repeated:"
        )
    lines += [
        f"  {number}. `lignin artifact call {each} --input @given.json{tools} --task {row.key}`"
        for number, each in enumerate(programs, start=1)
    ]
    return [
        *lines,
        f"say that it is finished: `lignin task close {row.key}`",
    ]


def _line(made: dict[str, Json]) -> str:
    said = f"{made['number']}. {made['tool']} {made['arguments']!r}"
    if made.get("unknown"):
        return f"{said}: nobody knows whether it took effect"
    if "error" in made:
        return f"{said}: {made['error']}"
    return f"{said}: {'changed' if made['changes'] else 'read'}"

"""Approving lessons: a person says which hold, and before which tools agents are shown them."""

from pydantic import Field

from lignin.domain.errors import ConflictError, DeniedError
from lignin.domain.events import Change, NewEvent
from lignin.operations.context import Context
from lignin.operations.lesson import LessonProposed, told_lesson
from lignin.operations.lessonboard import renew_board
from lignin.operations.registry import Request, operation, positional
from lignin.ports.ledger import View, require_known

MAX_TOOLS = 50


class LessonApprove(Request):
    lesson: str = positional("the lesson's id")
    before: list[str] = Field(
        default_factory=list,
        max_length=MAX_TOOLS,
        description="show it before calls of these tools: Bash, mcp__*, Bash(git push*); "
        "default: when a session starts",
    )


@operation("lesson.approve", effect="govern", idempotent=True)
def approve(context: Context, request: LessonApprove) -> LessonProposed:
    """Approve a lesson: clients that `lignin init` set up show it to their agents from then on.

    It is shown as a lesson, once in a session, and neither allows nor refuses a call. Approving it again
    changes before which tools. Only a person can; agents propose.
    """
    actor = context.scope.actor
    if not actor.is_person:
        raise DeniedError(f"{actor.sub} is an agent, and approves nothing", hint="ask a person")

    def decide(view: View) -> tuple[LessonProposed, list[Change]]:
        row = require_known(view, f"lesson/{request.lesson}")
        if row.state == "withdrawn":
            raise ConflictError(f"lesson {row.key} was withdrawn", hint="propose it anew")
        told = told_lesson(view, row)
        if told.state == "approved" and told.before == request.before:
            return told, []
        event = NewEvent(
            stream=row.stream,
            type="lesson.approved",
            payload={"approved_by": actor.sub, "before": list(request.before)},
            event_id=context.ids.new("evt"),
        )
        told.state, told.before = "approved", list(request.before)
        return told, [context.scope.change(events=(event,), expects={row.stream: row.seq})]

    told = context.decide_and_commit(decide)
    renew_board(context)
    return told

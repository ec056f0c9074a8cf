"""What a run, a version or a decision turned out to be later.

Feedback on a run is joined to the versions that it used; where it contradicts a decision that rests
on the run or on one of its versions, that decision is reopened in the same commit. What was said is
never erased: feedback that is taken back stays, with who took it back, when and why, and counts no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pydantic import Field

from lignin.domain.errors import ConflictError, DeniedError, InvalidRequestError, LigninError
from lignin.domain.events import Change, NewEvent, format_time
from lignin.domain.states import Row
from lignin.harness.laws import LateFinding
from lignin.operations.choice import find
from lignin.operations.context import Context
from lignin.operations.detection import Label, feedback_of, last_of, latest, standing
from lignin.operations.intake import load_trajectory
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.regressing import suspicions_of_run
from lignin.operations.reopening import reopenings
from lignin.operations.uses import versions_used
from lignin.ports.ledger import View, every_row, require_known

MAX_FEEDBACK = 100
WITHDRAWN = "withdrawn"
"""The state of a version's feedback that was taken back."""


class TraceFeedback(Request):
    session: str = positional("the session that the feedback is about", default="")
    label: Label | None = Field(None, description="what it turned out to be")
    reason: str = Field(
        min_length=1, max_length=2000, description="how that is known, or why it is taken back"
    )
    withdraw: bool = Field(
        False, description="take back the feedback that the session's label comes from"
    )
    at: datetime | None = Field(None, description="when it came to be known; default: now")
    artifact: str = Field(
        "", description="NAME or NAME@DIGEST that it is about; with a session: that the run used"
    )
    proposal: str = Field("", description="the decision that it is about")


class FeedbackGiven(Response):
    session: str = Field(description="the session's id; empty where it is about none")
    label: str | None = Field(description="the label that the run has now")
    before: str | None = Field(description="the label or declared outcome that it had before")
    given: int = Field(description="how much feedback the run has that stands")
    artifacts: dict[str, str] = Field(
        description="versions that it was joined to, each with how it is known that the run used it"
    )
    reopened: list[str] = Field(description="proposals whose decision it reopened")
    backslides: list[str] = Field(
        default_factory=list,
        description="backslides of fixed cases of its task that it reports; `eval sweep` looks into them",
    )


@operation("trace.feedback", effect="write")
def feedback(context: Context, request: TraceFeedback) -> FeedbackGiven:
    """Say later what a run turned out to be: a revert, a reopened ticket, a false alarm.

    Nothing that was said before is lost: the latest label counts. Feedback about a session counts for the
    versions that it used; feedback may also name a version or a decision directly. A decision that it
    contradicts is reopened, and no head moves before it is decided anew: `lignin proposal list --state reopened`
    has those. A failure at a task whose failure was fixed before is reported as a backslide.

    `--withdraw` takes back the feedback that a session's label comes from; what was said before counts
    again. A person may take back any, an agent only its own. A decision that was reopened stays so until
    `lignin proposal decide`.
    """
    if request.withdraw:
        _require_only_a_session(request)
        return context.decide_and_commit(lambda view: _withdraw(context, view, request))
    if request.label is None:
        raise InvalidRequestError(
            "it says not what it turned out to be: no label",
            hint="--label: failure, success or infrastructure",
        )
    if request.at is not None and request.at.tzinfo is None:
        raise InvalidRequestError("--at has no time zone", hint="such as 2026-01-31T12:00:00Z")
    if request.at is not None and request.at > context.clock.now():
        raise InvalidRequestError(
            "--at is still to come", hint="it is when the label came to be known: the latest counts"
        )
    if not (request.session or request.artifact or request.proposal):
        raise InvalidRequestError(
            "the feedback is about nothing", hint="name a session, --artifact or --proposal"
        )
    said = {
        "label": request.label,
        "reason": request.reason,
        "at": format_time(request.at or context.clock.now()),
        "by": context.scope.actor.sub,
    }
    return context.decide_and_commit(lambda view: _decide(context, view, request, said))


def _decide(
    context: Context, view: View, request: TraceFeedback, said: Mapping[str, str]
) -> tuple[FeedbackGiven, Sequence[Change]]:
    """What the feedback comes to and every change that follows, for one commit."""
    if request.proposal:
        require_known(view, f"proposal/{request.proposal}")
    meant = {}
    if request.artifact:
        meant = {find(context, view, request.artifact).key: "the feedback names it"}
    if not request.session:
        given, before, now, versions, changes = 1, None, said, meant, []
    else:
        row = require_known(view, f"session/{request.session}")
        earlier = list(row.body.get("feedback") or [])
        if len(earlier) >= MAX_FEEDBACK:
            raise InvalidRequestError(f"the session has {MAX_FEEDBACK} pieces of feedback already")
        after = [*earlier, dict(said)]
        given, before, now = len(standing(after)), _before(row), last_of(standing(after)) or said
        versions = {**_used(context, view, row), **meant}
        update = context.sessions.update(context.scope, row.key, {"feedback": after})
        changes = [replace(update, expects={row.stream: row.seq})]
    changes += [_joined(context, each, how, request.session, now) for each, how in versions.items()]
    found = LateFinding(
        label=now["label"],
        before=before,
        told=now["reason"],
        session=request.session,
        versions=tuple(versions),
        proposal=request.proposal,
    )
    reopened, more = reopenings(context, view, found)
    slid: list[str] = []
    if request.session and now["label"] == "failure":
        slid, suspected = suspicions_of_run(context, view, row, now["reason"])
        more = (*more, *suspected)
    answer = FeedbackGiven(
        session=request.session,
        backslides=slid,
        label=now["label"],
        before=before,
        given=given,
        artifacts=versions,
        reopened=reopened,
    )
    return answer, [*changes, *more]


def _require_only_a_session(request: TraceFeedback) -> None:
    if not request.session:
        raise InvalidRequestError(
            "no session is named", hint="--withdraw takes back feedback on a session"
        )
    odd = {"label": request.label, "at": request.at, "artifact": request.artifact}
    odd["proposal"] = request.proposal
    if given := [f"--{name}" for name, value in odd.items() if value]:
        raise InvalidRequestError(
            f"--withdraw takes no {', '.join(given)}", hint="it takes back what counts now"
        )


def _withdraw(
    context: Context, view: View, request: TraceFeedback
) -> tuple[FeedbackGiven, Sequence[Change]]:
    """What taking feedback back comes to: what was said before it counts again, for its versions too."""
    row = require_known(view, f"session/{request.session}")
    counts, actor = latest(row), context.scope.actor
    if counts is None:
        raise ConflictError(
            f"session {row.key} has no feedback to take back", hint="`lignin trace show` tells it"
        )
    if not actor.is_person and counts["by"] != actor.sub:
        raise DeniedError(
            f"{actor.sub} is an agent, and the feedback is of {counts['by']}", hint="ask a person"
        )
    back = {
        "by": actor.sub, "at": format_time(context.clock.now()), "reason": request.reason,
    }  # fmt: skip
    after = [
        {**each, "withdrawn": back} if each == counts else each for each in row.body["feedback"]
    ]
    update = context.sessions.update(context.scope, row.key, {"feedback": after})
    changes = [replace(update, expects={row.stream: row.seq})]
    now = last_of(standing(after))
    joined = [
        each for each in every_row(view, "feedback")
        if each.body["session"] == row.key and each.state != WITHDRAWN
    ]  # fmt: skip
    for each in joined:
        version, how = each.body["version"], each.body["how"]
        said = now or {**counts, "label": WITHDRAWN, "withdrawn": back}
        changes.append(_joined(context, version, how, row.key, said))
    versions = {each.body["version"]: each.body["how"] for each in joined}
    reopened: list[str] = []
    if now is not None:
        found = LateFinding(
            label=now["label"],
            before=counts["label"],
            told=now["reason"],
            session=row.key,
            versions=tuple(versions),
            proposal="",
        )
        reopened, more = reopenings(context, view, found)
        changes += more
    answer = FeedbackGiven(
        session=row.key,
        label=now["label"] if now else None,
        before=counts["label"],
        given=len(standing(after)),
        artifacts=versions,
        reopened=reopened,
    )
    return answer, changes


def _before(row: Row) -> str | None:
    return feedback_of(row) or row.body["outcome"] or row.body.get("declared_outcome")


def _used(context: Context, view: View, row: Row) -> dict[str, str]:
    """The versions that a run used; none where its records do not parse as a run."""
    try:
        run = load_trajectory(context, view, row.key)
    except LigninError:
        return {}
    return versions_used(context, view, row, run)


def _joined(
    context: Context, version: str, how: str, session: str, said: Mapping[str, str]
) -> Change:
    """The change that keeps feedback with a version; a run's latest replaces its earlier one."""
    event_id = context.ids.new("evt")
    key = f"run/{session}" if session else f"said/{event_id}"
    event = NewEvent(
        stream=f"feedback/{version}/{key}",
        type="feedback.joined",
        payload={**said, "version": version, "session": session, "how": how},
        event_id=event_id,
    )
    return context.scope.change(events=(event,))

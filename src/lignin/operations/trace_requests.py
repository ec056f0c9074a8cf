"""What people ask and correct again and again in the runs that were taken in, as candidates."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from lignin.domain.states import Row
from lignin.operations.context import Context
from lignin.operations.detection import load_run
from lignin.operations.filing import touched_sessions
from lignin.operations.registry import Listed, Request, Response, operation
from lignin.ports.ledger import View
from lignin.traces.requests.candidates import Candidate, candidates, person_of
from lignin.traces.requests.service import Listened, Requests, everything_heard
from lignin.traces.requests.turns import turns_of
from lignin.traces.routines.apply import apply_routines
from lignin.traces.routines.service import standing
from lignin.traces.routines.written import parse_encoded
from lignin.traces.view import told

LOT = 500
SHOWN = 5
MAX_WORDING = 300


class TraceRequests(Request):
    kind: Literal["skill", "rule", "loop"] | None = Field(
        None, description="only candidates for this"
    )
    least: int = Field(3, ge=3, description="only those of at least so many sessions")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this candidate")


class SaidView(Response):
    session: str = Field(description="the session")
    step: int = Field(description="the step at which it was said")
    at: str = Field(description="when; empty where the trace does not say")
    text: str = Field(description="how it was said, redacted as it was stored")
    change: str = Field(
        description="of a correction how the agent then changed what it did: undone, redone, added"
    )


class RequestView(Response):
    request: str = Field(description="the candidate's id: the hash of its words")
    kind: str = Field(description="what it could be kept as: skill, rule or loop")
    wording: str = Field(description="how it is said most typically")
    when: str = Field(description="of a loop the regular times, or the event it comes after")
    count: int = Field(description="how often it was said")
    sessions: int = Field(description="in how many sessions")
    days: int | None = Field(description="on how many days; none where the traces do not say")
    people: int | None = Field(description="by how many people; none where the traces do not say")
    models: dict[str, int] = Field(description="sessions by model")
    did: list[str] = Field(description="what the agent then called, at least half of the times")
    routines: dict[str, int] = Field(description="routines that it then made use of, and how often")
    seen: list[SaidView] = Field(description=f"the first {SHOWN} times")


class RequestsListed(Listed):
    items: list[RequestView] = Field(description="this page, those of the most sessions first")
    kinds: dict[str, int] = Field(description="how many candidates of each kind")
    heard: int = Field(description="sessions in which a person said something")

    def to_text(self) -> str:
        counts = ", ".join(f"{count} {kind}" for kind, count in self.kinds.items()) or "none"
        lines = [f"candidates: {counts}; of {self.heard} sessions in which somebody spoke"]
        for each in self.items:
            lines += ["", f"{each.kind}  {each.wording}"]
            lines.append(f"  {each.count} times in {each.sessions} sessions{_spread(each)}")
            if each.when:
                lines.append(f"  {each.when}")
            if each.did:
                lines.append(f"  then: {', '.join(each.did)}")
            if each.routines:
                lines.append(f"  routines: {', '.join(each.routines)}")
            first = each.seen[0]
            lines.append(f"  {each.request}, as in {first.session} step {first.step}")
        if self.next_after:
            lines += ["", f"more: --after {self.next_after}"]
        return told(lines)


def _spread(each: RequestView) -> str:
    days = f", on {each.days} days" if each.days else ""
    return days + (f", by {each.people} people" if each.people else "")


@operation("trace.requests", effect="write", idempotent=True)
def requests(context: Context, request: TraceRequests) -> RequestsListed:
    """List what people ask, or correct, again and again across sessions: candidates with evidence.

    A request is a candidate for a skill, one at regular times or after the same event for a loop, a
    correction that the agent then followed for a rule. Nothing is made of them by itself. Runs that
    were heard before are not read again; simulated ones are left out. No model is asked.
    """
    hear_new(context)
    with context.view() as view:
        heard = list(everything_heard(view))
        every = [each for each in candidates(heard) if len(each.sessions) >= request.least]
        chosen = [each for each in every if request.kind in {None, each.kind}]
        names = [each.request for each in chosen]
        start = names.index(request.after) + 1 if request.after in names else 0
        page = chosen[start : start + request.limit]
        items = _views(view, page)
    is_end = start + request.limit >= len(chosen)
    return RequestsListed(
        items=items,
        total=len(chosen),
        next_after=None if is_end else page[-1].request,
        narrow="--kind, --least" if not is_end else None,
        kinds=dict(Counter(each.kind for each in every)),
        heard=len({each.session for each in heard}),
    )


def hear_new(context: Context) -> None:
    """Keep what was said in the runs that something new came to."""
    service = Requests(context.ids)
    with context.view() as view:
        position, start = view.position, service.position(view)
        touched = touched_sessions(view, start)
    for first in range(0, len(touched), LOT):
        context.progress("hearing runs", first, len(touched))
        lot = touched[first : first + LOT]
        done = position if first + LOT >= len(touched) else start
        with context.view() as view:
            runs = _listen(context, view, lot)
        context.decide_and_commit(
            lambda view, runs=runs, done=done: (  # type: ignore[misc]
                None,
                [service.keep(view, context.scope, runs, done)],
            )
        )


def _listen(context: Context, view: View, sessions: Sequence[str]) -> dict[str, Listened]:
    found: dict[str, Listened] = {}
    rows: Mapping[str, Row] = view.rows([f"session/{session}" for session in sessions])
    for session in sessions:
        run = load_run(context, view, session)
        if run is None or rows[f"session/{session}"].body.get("simulated"):
            continue
        model = run.model or next((step.model for step in run.steps if step.model), "")
        found[session] = Listened(
            task="" if run.task_id is None else str(run.task_id),
            person=person_of(run.cwd),
            model=model,
            turns=turns_of(run),
        )
    return found


def _views(view: View, page: Sequence[Candidate]) -> list[RequestView]:
    sessions = {session for each in page for session in each.sessions}
    uses = _uses(view, sessions)
    return [_view(each, uses) for each in page]


def _uses(view: View, sessions: set[str]) -> dict[str, list[tuple[str, int, int]]]:
    """Where routines are used in some sessions: the routine, its first and its last call."""
    routines = standing(view)
    rows = view.rows([f"encoded/{session}" for session in sorted(sessions)]) if routines else {}
    found: dict[str, list[tuple[str, int, int]]] = {}
    for row in rows.values():
        run = parse_encoded(json.loads(view.blob(row.body["digest"])), None)
        found[row.key] = [
            (routine.routine_id, use.places[0], use.places[-1])
            for routine, use in apply_routines(routines, run)
        ]
    return found


def _view(each: Candidate, uses: Mapping[str, Sequence[tuple[str, int, int]]]) -> RequestView:
    routines = Counter(
        routine
        for heard in each.heard
        for routine, first, last in uses.get(heard.session, ())
        if heard.turn.places[0] <= first and last < heard.turn.places[1]
    )
    models = {heard.session: heard.model for heard in each.heard if heard.model}
    return RequestView(
        request=each.request,
        kind=each.kind,
        wording=each.wording[:MAX_WORDING],
        when=each.when,
        count=len(each.heard),
        sessions=len(each.sessions),
        days=each.days,
        people=each.people,
        models=dict(sorted(Counter(models.values()).items())),
        did=list(each.did),
        routines=dict(routines.most_common()),
        seen=[
            SaidView(
                session=heard.session,
                step=heard.turn.step,
                at=heard.turn.at,
                text=heard.turn.text[:MAX_WORDING],
                change=heard.turn.change if each.kind == "rule" else "",
            )
            for heard in each.heard[:SHOWN]
        ],
    )

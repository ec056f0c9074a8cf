"""Sessions: the append-only logs of agent runs."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import InvalidRequestError
from lignin.domain.events import Change
from lignin.domain.traces import Outcome
from lignin.operations.context import Context
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.ports.ledger import View, require_known
from lignin.traces.redact import redact

SHOWN_CHARS = 2000
_PERSON = "user:"
_ODD = re.compile(r"[^a-z0-9._-]+")


class SessionStart(Request):
    client: str = Field("cli", description="the agent client")
    model: str = Field("", description="the model")
    agent: str = Field("", max_length=200, description="the agent")
    task: str = Field("", max_length=500, description="what its task is called")
    messages: bool = Field(
        False,
        description="its events are messages as the Python SDK notes them: it is mined as an imported run",
    )
    head: str | None = Field(None, description="pin this head's stable revision")


class SessionRef(Request):
    session: str = positional("the session's id")


class SessionView(Response):
    session: str = Field(description="the session's id")
    state: str = Field(description="running or ended")
    head: str | None = Field(description="the head it runs on")
    revision: str | None = Field(description="pinned when the session started")
    records: int = Field(description="how many it holds")
    facts: dict[str, Any] = Field(description="what is known about it: client, model, outcome")


class SessionAppend(SessionRef):
    events: Any = Field(description="JSON list of events: JSON, @file or -")
    key: str | None = Field(None, description="idempotency key: the same append adds nothing")


class SessionRead(SessionRef):
    start: int = Field(1, ge=1, description="first record")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")


class RecordView(Response):
    number: int = Field(description="its place in the session, from 1")
    at: str = Field(description="when it was stored")
    digest: str = Field(description="digest of its bytes")
    text: str | None = Field(description="None where it was purged; cut after 2,000 characters")


class RecordList(Listed):
    items: list[RecordView] = Field(description="this page of the list")


class SessionFork(SessionRef):
    at: int = Field(ge=0, description="the new session begins as the first so many records")


class SessionEnd(SessionRef):
    outcome: Outcome = Field(
        "unknown", description="success, failure, infrastructure, refused, unknown"
    )


class SessionPurge(SessionRef):
    record: int = positional("the record to forget")
    reason: str = Field(description="why, kept in the log")


@operation("session.start", effect="write")
def start(context: Context, request: SessionStart) -> SessionView:
    """Start a session; it keeps the harness revision it starts with.

    Of a caller of a server the client is the one that is connected, whatever is asked for.
    """
    client = _client(context, request)
    session = context.ids.new("ses")
    facts: dict[str, Json] = {"task_id": request.task or None}
    if request.messages:
        facts |= {"source": f"{session}.jsonl", "origin": session, "parent": client}
        facts |= {"taken": 0, "tail": "", "trial": None, "cwd": ""}
        facts |= {"simulated": False, "declared_outcome": None}
    with context.view() as view:
        _, change = context.sessions.start(
            view,
            context.scope,
            client=client,
            model=request.model,
            agent=request.agent,
            head=request.head,
            session=session,
            facts=facts,
        )
    context.commit(change)
    return show(context, SessionRef(session=session))


def _client(context: Context, request: SessionStart) -> str:
    """Which client runs it.

    Raises:
        InvalidRequestError: The client, the agent or the model is said to be a person.
    """
    for name, said in (
        ("client", request.client),
        ("agent", request.agent),
        ("model", request.model),
    ):
        if said.strip().lower().startswith(_PERSON):
            raise InvalidRequestError(
                f"the {name} of a session is no person: {said!r:.80}",
                hint="who acts is known from the connection; name the program",
            )
    if not context.is_remote:
        return request.client
    said = context.caller.client if context.caller else ""
    return _ODD.sub("-", said.lower())[:60].strip("-") or "unknown"


@operation("session.show", effect="read", idempotent=True)
def show(context: Context, request: SessionRef) -> SessionView:
    """Show where a session stands and on which revision it runs."""
    with context.view() as view:
        woken = context.sessions.wake(view, request.session)
    return SessionView(
        session=woken.session,
        state=woken.state,
        head=woken.head,
        revision=woken.revision,
        records=woken.length,
        facts=dict(woken.body),
    )


@operation("session.append", effect="write")
def append(context: Context, request: SessionAppend) -> SessionView:
    """Append JSON events to a session; secrets in them are redacted before anything is stored.

    A session that has ended takes no more: fork it to go on from where it ended.
    """
    if not isinstance(request.events, list) or not request.events:
        raise InvalidRequestError("events are a JSON list with at least one entry")
    contents = [
        redact(canonical_bytes(event), context.redaction_key).content for event in request.events
    ]
    key = f"session:{request.session}:{request.key}" if request.key else None
    change = context.sessions.append(context.scope, request.session, contents, key=key)

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        row = context.sessions.require_running(view, request.session)
        return None, [replace(change, expects={row.stream: row.seq})]

    context.decide_and_commit(decide)
    return show(context, SessionRef(session=request.session))


@operation("session.read", effect="read", idempotent=True)
def read(context: Context, request: SessionRead) -> RecordList:
    """Read a slice of a session's records, those before its fork included."""
    stop = request.start + request.limit
    with context.view() as view:
        total = context.sessions.length(view, request.session)
        items = [
            RecordView(
                number=record.seq,
                at=record.at,
                digest=record.content_digest,
                text=_text(record.content),
            )
            for record in context.sessions.read(view, request.session, request.start, stop)
        ]
    return RecordList(
        items=items,
        total=total,
        next_after=str(stop - 1) if stop <= total else None,
        narrow=f"--start {stop}" if stop <= total else None,
    )


@operation("session.fork", effect="write")
def fork(context: Context, request: SessionFork) -> SessionView:
    """Begin a new session as the first records of another; nothing is copied."""
    with context.view() as view:
        session, change = context.sessions.fork(view, context.scope, request.session, request.at)
    context.commit(change)
    return show(context, SessionRef(session=session))


@operation("session.end", effect="write")
def end(context: Context, request: SessionEnd) -> SessionView:
    """End a session with the outcome of its run."""
    with context.view() as view:
        require_known(view, f"session/{request.session}")
    context.commit(context.sessions.end(context.scope, request.session, request.outcome))
    return show(context, SessionRef(session=request.session))


@operation("session.purge", effect="govern")
def purge(context: Context, request: SessionPurge) -> SessionView:
    """Forget one record's bytes; its digest and this act stay, and the chain still verifies."""
    change = context.sessions.purge(
        context.scope, request.session, request.record, reason=request.reason
    )
    context.commit(change)
    return show(context, SessionRef(session=request.session))


def _text(content: bytes | None) -> str | None:
    if content is None:
        return None
    text = content.decode(errors="replace")
    try:
        text = json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        text = text.rstrip("\n")
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + " ..."

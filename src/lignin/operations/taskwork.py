"""A served task on the ledger: begun once, each change noted before and after, gone on with by anybody.

Owns streams `task/` and `asked/`. A request that equals an unfinished one is not begun anew: of two
processes that begin it at once, one does.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lignin.domain.codec import Json, canonical_bytes, digest_bytes
from lignin.domain.errors import ConflictError
from lignin.domain.events import Blob, Change, NewEvent
from lignin.domain.states import Row
from lignin.governance.continued import ContinuedBinding
from lignin.operations.context import Context
from lignin.ports.broker import Binding
from lignin.ports.journal import Made
from lignin.ports.ledger import View, every_row, require_known
from lignin.ports.tools import Observation
from lignin.traces.redact import record_key, redact

NOT_MADE = "not_made"
BY_A_PERSON = "a person looked and says so"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked: the request's words, what answers the tools, which head serves."""

    request: str
    tools: str
    head: str

    def stream(self, context: Context) -> str:
        """Where it stands which task equal requests are; keyed, so that it tells no words."""
        told = [self.head, self.tools, " ".join(self.request.split()).casefold()]
        return f"asked/{record_key(canonical_bytes(told), context.redaction_key).hex()}"


def begin_task(
    context: Context, asked: Asked, payload: Mapping[str, Json], *, again: bool
) -> tuple[str, bool]:
    """Begin a task, or find the unfinished one that the same was asked with.

    Args:
        payload: What is kept of how it is served.
        again: Begin it whatever is unfinished.

    Returns:
        The task's id, and whether it was begun here.
    """
    number = context.ids.new("tsk")
    content = redact(asked.request.encode(), context.redaction_key).content
    digest = digest_bytes(content)

    def decide(view: View) -> tuple[tuple[str, bool], list[Change]]:
        stream = asked.stream(context)
        row = view.row(stream)
        before = view.row(f"task/{row.body['task']}") if row else None
        if before is not None and not again and is_unfinished(view, before):
            return (before.key, False), []
        told = {**payload, "head": asked.head, "tools": asked.tools, "request": digest}
        events = (
            event_of(context, f"task/{number}", "task.begun", told),
            event_of(context, stream, "request.asked", {"task": number}),
        )
        change = context.scope.change(
            events=events,
            blobs=(Blob(stream=f"task/{number}", digest=digest, content=content),),
            expects={stream: row.seq if row else 0},
        )
        return (number, True), [change]

    return context.decide_and_commit(decide)


def is_unfinished(view: View, row: Row) -> bool:
    """True where a task is under way, or was handed over after it changed something or may have."""
    if row.state == "begun":
        return True
    return row.state == "handed_over" and any(_changed(made) for made in made_for(view, row.key))


def unfinished(view: View) -> Iterator[Row]:
    """The tasks that somebody has to go on with."""
    return (row for row in every_row(view, "task") if is_unfinished(view, row))


def _changed(made: Made) -> bool:
    return made.changes and (made.observation is None or not made.observation.is_error)


class LedgerJournal:
    """Notes the calls of one task on stream `task/ID`; see `lignin.ports.journal.Journal`.

    A call lies in a blob, as far as it holds no secret. Reads are kept with the next change.
    """

    def __init__(self, context: Context, task: str) -> None:
        self._context, self._task, self._stream = context, task, f"task/{task}"
        self._waiting: list[tuple[NewEvent, Blob]] = []
        self._seq = 1  # where a task stands that was just begun

    def tag(self, tool: str, arguments: Mapping[str, Json]) -> str:
        """A keyed digest, so that what is redacted still compares."""
        return tag_of(self._context, tool, arguments)

    def made(self) -> tuple[Made, ...]:
        """What the ledger has now."""
        with self._context.view() as view:
            self._seq = require_known(view, self._stream).seq
            return made_for(view, self._task)

    def intend(self, made: Made) -> None:
        """Commit that a change is about to be made, unless somebody else noted anything since."""
        self._note("task.intended", made)
        self._commit({self._stream: self._seq})

    def settle(self, made: Made) -> None:
        """Commit what a change brought back."""
        self._note("task.settled", made)
        if made.changes:
            self._commit({})

    def flush(self) -> None:
        """Commit what waits, but for reads in whose place somebody else's calls stand."""
        try:
            self._commit({self._stream: self._seq})
        except ConflictError:
            return

    def _commit(self, expects: Mapping[str, int]) -> None:
        if not self._waiting:
            return
        events = tuple(event for event, _ in self._waiting)
        blobs = tuple({blob.digest: blob for _, blob in self._waiting}.values())
        self._waiting.clear()
        self._context.commit(
            self._context.scope.change(events=events, blobs=blobs, expects=dict(expects))
        )
        self._seq += len(events)

    def _note(self, type_: str, made: Made) -> None:
        observation = made.observation
        told: dict[str, Json] = {"tool": made.tool, "arguments": dict(made.arguments)}
        if observation is not None:
            told |= {
                "result": observation.result,
                "error": observation.error,
                "message": observation.message,
            }
        content = redact(json.dumps(told).encode(), self._context.redaction_key).content
        digest = digest_bytes(content)
        payload: dict[str, Json] = {
            "number": made.number,
            "tag": made.tag,
            "changes": made.changes,
            "going_on": made.going_on,
            "is_settled": observation is not None,
            "digest": digest,
        }
        event = event_of(self._context, self._stream, type_, payload)
        self._waiting.append((event, Blob(stream=self._stream, digest=digest, content=content)))


def event_of(context: Context, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
    """Return an event that is yet to be committed."""
    return NewEvent(
        stream=stream, type=type_, payload=dict(payload), event_id=context.ids.new("evt")
    )


def note(context: Context, stream: str, type_: str, payload: Mapping[str, Json]) -> None:
    """Commit one event."""
    context.commit(context.scope.change(events=(event_of(context, stream, type_, payload),)))


def tag_of(context: Context, tool: str, arguments: Mapping[str, Json]) -> str:
    """What equal calls have in common under a store's key."""
    return record_key(canonical_bytes([tool, dict(arguments)]), context.redaction_key).hex()


def made_for(view: View, task: str) -> tuple[Made, ...]:
    """What was made for a task, as the ledger has it, in order; as settled where a person settled it.

    Raises:
        NotFoundError: There is no such task.
    """
    calls = require_known(view, f"task/{task}").body["calls"]
    found = []
    for _, noted in sorted(calls.items(), key=lambda each: int(each[0])):
        told = json.loads(view.blob(noted["digest"]))
        found.append(
            Made(
                number=noted["number"],
                tool=told["tool"],
                arguments=told["arguments"],
                tag=noted["tag"],
                changes=noted["changes"],
                observation=_brought(noted, told),
                going_on=noted.get("going_on", False),
            )
        )
    return tuple(found)


def _brought(noted: Mapping[str, Json], told: Mapping[str, Json]) -> Observation | None:
    if noted["is_settled"]:
        return Observation(result=told["result"], error=told["error"], message=told["message"])
    if "was_made" not in noted:
        return None
    if noted["was_made"]:
        return Observation(message=BY_A_PERSON)
    return Observation(error=NOT_MADE, message=BY_A_PERSON)


def told(made: Made) -> dict[str, Json]:
    """One call of a task as it is told to whoever goes on."""
    known: dict[str, Json] = {
        "number": made.number,
        "tool": made.tool,
        "arguments": dict(made.arguments),
        "changes": made.changes,
    }
    if made.observation is None:
        return {**known, "unknown": True}
    if made.observation.is_error:
        return {**known, "error": made.observation.error, "message": made.observation.message}
    said: dict[str, Json] = (
        {"message": made.observation.message} if made.observation.message else {}
    )
    return {**known, "result": made.observation.result, **said}


def going_on(context: Context, task: str) -> Callable[[Binding], Binding] | None:
    """Return what a call's tools go through where it goes on with a task; None where it names none.

    Raises:
        NotFoundError: There is no such task.
    """
    if not task:
        return None
    journal = LedgerJournal(context, task)
    journal.made()
    return lambda binding: ContinuedBinding(binding, journal)

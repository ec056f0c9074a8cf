"""Answers that are kept so that a call may be repeated: the same key, the same answer.

A call that begins under a key says so first, and keeps its answer after. Where a process dies between
the two, it is not known whether the call had its effect: an idempotent one is made again, any other is
refused with that said (decision record 5). Keys belong to who used them, in one space.
"""

import re
from dataclasses import dataclass

from lignin.domain.codec import Digest, canonical_bytes, digest_bytes, digest_json, parse_json
from lignin.domain.errors import ConflictError, InvalidRequestError
from lignin.domain.events import Blob, Change, NewEvent
from lignin.operations.context import Context
from lignin.ports.ledger import View

MAX_KEY_CHARS = 200
_KEY = re.compile(r"[!-~]+")
MAX_KEPT_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeatable:
    """One call under a key.

    Args:
        key: As the caller gave it.
        operation: What it calls.
        request: Digest of its request.
        idempotent: It may be made again where its end is not known.
    """

    key: str
    operation: str
    request: Digest
    idempotent: bool


def repeatable(key: str, operation: str, request: object, *, idempotent: bool) -> Repeatable:
    """A call under a key.

    Raises:
        InvalidRequestError: The key is empty, too long, or not printable ASCII.
    """
    if len(key) > MAX_KEY_CHARS or not _KEY.fullmatch(key):
        raise InvalidRequestError(
            f"an idempotency key has 1 to {MAX_KEY_CHARS} printable ASCII characters and no space"
        )
    return Repeatable(
        key=key, operation=operation, request=digest_json(request), idempotent=idempotent
    )


def begin(context: Context, call: Repeatable) -> object | None:
    """The answer that is kept for a call, or None after noting that it begins.

    Raises:
        ConflictError: The key was used for something else, or it is not known how its call ended.
    """
    stream = _stream(context, call)

    def decide(view: View) -> tuple[object | None, list[Change]]:
        row = view.row(stream)
        if row is not None:
            same = (call.operation, call.request)
            if (row.body["operation"], row.body["request"]) != same:
                raise ConflictError(
                    f"the idempotency key {call.key!r} was used for another request",
                    hint="take a new key for a new request",
                )
            if row.state == "answered":
                return parse_json(view.blob(row.body["blob"])), []
            if not (call.idempotent or row.body.get("ended")):
                raise ConflictError(
                    f"a call under the key {call.key!r} began at {row.body['begun_at']}, and it is "
                    "not known how it ended",
                    hint="it may still run: ask again later; else look what it did, and take a new key",
                )
        payload = {"operation": call.operation, "request": call.request}
        event = _event(context, stream, "request.begun", payload)
        expects = {stream: row.seq if row else 0}
        return None, [context.scope.change(events=(event,), expects=expects)]

    return context.decide_and_commit(decide)


def finish(context: Context, call: Repeatable, answer: object) -> None:
    """Keep a call's answer; one of over `MAX_KEPT_BYTES` is kept as saying so."""
    stream, content = _stream(context, call), canonical_bytes(answer)
    if len(content) > MAX_KEPT_BYTES:
        content = canonical_bytes({"answered": "the answer was too large to keep"})
    digest = digest_bytes(content)
    context.commit(
        context.scope.change(
            events=(_event(context, stream, "request.answered", {"blob": digest}),),
            blobs=(Blob(stream=stream, digest=digest, content=content),),
        )
    )


def let_go(context: Context, call: Repeatable) -> None:
    """Note that a call ended without an effect and without an answer, so that it may be made again."""
    payload = {"operation": call.operation, "request": call.request, "ended": "not made"}
    event = _event(context, _stream(context, call), "request.begun", payload)
    context.commit(context.scope.change(events=(event,)))


def _stream(context: Context, call: Repeatable) -> str:
    mine = f"{context.scope.actor.sub}\0{call.key}".encode()
    return f"request/{digest_bytes(mine)[7:39]}"


def _event(context: Context, stream: str, kind: str, payload: dict[str, str]) -> NewEvent:
    return NewEvent(stream=stream, type=kind, payload=payload, event_id=context.ids.new("evt"))

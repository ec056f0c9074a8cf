"""Changes and answers as bytes, for the socket of the resident writer.

A frame is a 4-byte big-endian length and that many bytes: a JSON header's length, the header, then
the raw contents (records and blobs) it counts. Bounded by `MAX_FRAME_BYTES`; never pickle.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any

from lignin.domain import errors
from lignin.domain.commits import Unit
from lignin.domain.errors import (
    CodecError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    UnavailableError,
)
from lignin.domain.events import Actor, Blob, Change, NewEvent, Purge, Receipt, Records

MAX_FRAME_BYTES = 256 * 2**20
LENGTH = struct.Struct(">I")
_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=dict).encode


def encode_unit(unit: Unit) -> bytes:
    """A unit as one frame.

    Raises:
        CodecError: A payload has no canonical form.
        LimitedError: The frame would be larger than `MAX_FRAME_BYTES`.
    """
    contents: list[bytes] = []
    try:
        header = _encode([_change(change, contents) for change in unit]).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise CodecError(f"a change that is no JSON: {error}") from error
    size = LENGTH.size + len(header) + sum(map(len, contents))
    if size > MAX_FRAME_BYTES:
        raise LimitedError(f"a frame of {size} bytes; at most {MAX_FRAME_BYTES}")
    return b"".join([LENGTH.pack(size), LENGTH.pack(len(header)), header, *contents])


def decode_unit(body: bytes) -> Unit:
    """Read a unit back.

    Raises:
        InvalidRequestError: The frame is not what `encode_unit` wrote.
    """
    try:
        (length,) = LENGTH.unpack_from(body)
        rest = _Rest(body, 4 + length)
        # Plain parsing: whatever has no canonical form is refused when the unit is judged.
        unit = tuple(_read_change(item, rest) for item in json.loads(body[4 : 4 + length]))
        if rest.start != len(body):
            raise ValueError("bytes are left over")
    except (ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        raise InvalidRequestError(f"malformed frame: {error}") from error
    except (CodecError, RecursionError) as error:
        raise InvalidRequestError(f"malformed frame: {error}") from error
    return unit


def encode_answer(answer: tuple[Receipt, ...] | LigninError) -> bytes:
    """Receipts, or the error that refused the unit, as one frame."""
    value: dict[str, Any]
    if isinstance(answer, LigninError):
        value = {
            "error": type(answer).__name__,
            "message": answer.message,
            "hint": answer.hint,
            "fields": dict(answer.fields),
        }
    else:
        value = {"receipts": [_receipt(receipt) for receipt in answer]}
    body = json.dumps(value).encode()
    return LENGTH.pack(len(body)) + body


def decode_answer(body: bytes) -> tuple[Receipt, ...] | LigninError:
    """Read an answer back.

    Raises:
        InvalidRequestError: The frame is not what `encode_answer` wrote.
    """
    try:
        value = json.loads(body)
        return _read_error(value) if "error" in value else _read_receipts(value["receipts"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidRequestError(f"malformed answer: {error}") from error


def _read_error(value: Mapping[str, Any]) -> LigninError:
    kind = getattr(errors, value["error"], None)
    if not (isinstance(kind, type) and issubclass(kind, LigninError)):
        kind = UnavailableError  # of a newer writer
    refused: LigninError = kind(
        str(value["message"]), hint=str(value["hint"]), **dict(value["fields"])
    )
    return refused


def _read_receipts(items: list[Any]) -> tuple[Receipt, ...]:
    return tuple(
        Receipt(
            space=space,
            first_position=first,
            last_position=last,
            event_ids=tuple(ids),
            repeated=repeated,
        )
        for space, first, last, ids, repeated in items
    )


def _receipt(receipt: Receipt) -> list[Any]:
    first, last = receipt.first_position, receipt.last_position
    return [receipt.space, first, last, receipt.event_ids, receipt.repeated]


def _typed(value: Any, *kinds: type) -> Any:
    """The value, if it is of one of the kinds (a bool is no int)."""
    if type(value) not in kinds:
        raise TypeError(f"{value!r:.60} is no {kinds[0].__name__}")
    return value


_MAYBE = (str, type(None))


def _counts(value: Any) -> dict[str, int]:
    return {key: _typed(number, int) for key, number in _typed(value, dict).items()}


def _change(change: Change, contents: list[bytes]) -> dict[str, Any]:
    for records in change.records:
        contents.extend(records.contents)
    contents.extend(blob.content for blob in change.blobs)
    return {
        "space": change.space,
        "actor": change.actor.to_json(),
        "events": [
            [e.stream, e.type, e.payload, e.event_id, e.schema_version, e.cause, e.decision_id]
            for e in change.events
        ],
        "records": [
            [r.stream, r.type, r.first_id, [len(c) for c in r.contents], r.expect_seq]
            for r in change.records
        ],
        "purges": [[purge.stream, purge.seq] for purge in change.purges],
        "expects": dict(change.expects),
        "fences": dict(change.fences),
        "blobs": [[blob.stream, blob.digest, len(blob.content)] for blob in change.blobs],
        "forgets": list(change.forgets),
        "idempotency_key": change.idempotency_key,
        "correlation_id": change.correlation_id,
    }


class _Rest:
    """Takes the raw contents behind the header one by one."""

    def __init__(self, body: bytes, start: int) -> None:
        self.body = body
        self.start = start

    def take(self, size: int) -> bytes:
        if _typed(size, int) < 0 or self.start + size > len(self.body):
            raise ValueError("a content lies beyond the frame")
        self.start += size
        return self.body[self.start - size : self.start]


def _read_change(item: Mapping[str, Any], rest: _Rest) -> Change:
    return Change(
        space=_typed(item["space"], str),
        actor=_read_actor(item["actor"]),
        events=tuple(_read_event(event) for event in item["events"]),
        records=tuple(_read_records(rest, records) for records in item["records"]),
        purges=tuple(
            Purge(stream=_typed(stream, str), seq=_typed(seq, int))
            for stream, seq in item["purges"]
        ),
        expects=_counts(item["expects"]),
        fences=_counts(item["fences"]),
        blobs=tuple(
            Blob(stream=_typed(stream, str), digest=_typed(digest, str), content=rest.take(size))
            for stream, digest, size in item["blobs"]
        ),
        forgets=tuple(_typed(stream, str) for stream in item["forgets"]),
        idempotency_key=_typed(item["idempotency_key"], *_MAYBE),
        correlation_id=_typed(item["correlation_id"], *_MAYBE),
    )


def _read_actor(item: Mapping[str, Any]) -> Actor:
    return Actor(
        sub=_typed(item["sub"], str),
        act=tuple(_typed(agent, str) for agent in _typed(item["act"], list)),
        token_id=_typed(item["token_id"], *_MAYBE),
    )


def _read_event(item: list[Any]) -> NewEvent:
    stream, kind, payload, event_id, version, cause, decision = item
    return NewEvent(
        stream=_typed(stream, str),
        type=_typed(kind, str),
        payload=_typed(payload, dict),
        event_id=_typed(event_id, str),
        schema_version=_typed(version, int),
        cause=_typed(cause, *_MAYBE),
        decision_id=_typed(decision, *_MAYBE),
    )


def _read_records(rest: _Rest, item: list[Any]) -> Records:
    stream, kind, first_id, sizes, expect_seq = item
    return Records(
        stream=_typed(stream, str),
        type=_typed(kind, str),
        first_id=_typed(first_id, str),
        contents=tuple(rest.take(_typed(size, int)) for size in sizes),
        expect_seq=_typed(expect_seq, int, type(None)),
    )

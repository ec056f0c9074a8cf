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
from lignin.domain.errors import InvalidRequestError, LigninError
from lignin.domain.events import Actor, Blob, Change, NewEvent, Purge, Receipt, Records

MAX_FRAME_BYTES = 256 * 2**20
LENGTH = struct.Struct(">I")


def encode_unit(unit: Unit) -> bytes:
    """A unit as one frame."""
    contents: list[bytes] = []
    header = json.dumps([_change(change, contents) for change in unit]).encode()
    body = b"".join([LENGTH.pack(len(header)), header, *contents])
    return LENGTH.pack(len(body)) + body


def decode_unit(body: bytes) -> Unit:
    """Read a unit back.

    Raises:
        InvalidRequestError: The frame is not what `encode_unit` wrote.
    """
    try:
        (length,) = LENGTH.unpack_from(body)
        rest = _Rest(body, 4 + length)
        unit = tuple(_read_change(item, rest) for item in json.loads(body[4 : 4 + length]))
        if rest.start != len(body):
            raise ValueError("bytes are left over")
    except (ValueError, KeyError, TypeError, struct.error, RecursionError) as error:
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
    """Read an answer back."""
    value = json.loads(body)
    if "error" in value:
        kind = getattr(errors, value["error"], errors.UnavailableError)
        refused: LigninError = kind(value["message"], hint=value["hint"], **value["fields"])
        return refused
    return tuple(
        Receipt(
            space=space,
            first_position=first,
            last_position=last,
            event_ids=tuple(ids),
            repeated=repeated,
        )
        for space, first, last, ids, repeated in value["receipts"]
    )


def _receipt(receipt: Receipt) -> list[Any]:
    first, last = receipt.first_position, receipt.last_position
    return [receipt.space, first, last, receipt.event_ids, receipt.repeated]


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
        if size < 0 or self.start + size > len(self.body):
            raise ValueError("a content lies beyond the frame")
        self.start += size
        return self.body[self.start - size : self.start]


def _read_change(item: Mapping[str, Any], rest: _Rest) -> Change:
    actor = item["actor"]
    records = tuple(
        Records(
            stream=stream,
            type=type_,
            first_id=first_id,
            contents=tuple(rest.take(size) for size in sizes),
            expect_seq=expect_seq,
        )
        for stream, type_, first_id, sizes, expect_seq in item["records"]
    )
    blobs = tuple(
        Blob(stream=stream, digest=digest, content=rest.take(size))
        for stream, digest, size in item["blobs"]
    )
    names = ("stream", "type", "payload", "event_id", "schema_version", "cause", "decision_id")
    return Change(
        space=item["space"],
        actor=Actor(sub=actor["sub"], act=tuple(actor["act"]), token_id=actor["token_id"]),
        events=tuple(NewEvent(**dict(zip(names, e, strict=True))) for e in item["events"]),
        records=records,
        purges=tuple(Purge(stream=stream, seq=seq) for stream, seq in item["purges"]),
        expects=item["expects"],
        fences=item["fences"],
        blobs=blobs,
        forgets=tuple(item["forgets"]),
        idempotency_key=item["idempotency_key"],
        correlation_id=item["correlation_id"],
    )

"""Changes and answers as bytes, for the socket of the resident writer.

A frame is a 4-byte big-endian length and that many bytes: the dialect, which names the fields that
this version knows, and MessagePack, read strictly into the domain's own types. Writer and client of
different dialects do not understand each other, so a field that one does not know is never dropped
silently. Bounded by `MAX_FRAME_BYTES`; never pickle.
"""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from lignin.domain import errors
from lignin.domain.codec import Json, require_json
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """An error of the domain; `kind` is its class."""

    kind: str
    message: str
    hint: str = ""
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    receipts: tuple[Receipt, ...] = ()
    refusal: _Refusal | None = None


_SPOKEN = (Actor, Blob, Change, NewEvent, Purge, Receipt, Records, _Refusal, _Answer)
DIALECT = hashlib.sha256(
    repr(
        [(kind.__name__, [(f.name, str(f.type)) for f in fields(kind)]) for kind in _SPOKEN]
    ).encode()
).digest()[:4]


def _plain(value: Any) -> Any:
    """What MessagePack takes for a read-only mapping."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")


_encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode
_decode_unit = msgspec.msgpack.Decoder(tuple[Change, ...]).decode
_decode_answer = msgspec.msgpack.Decoder(_Answer).decode


def encode_unit(unit: Unit) -> bytes:
    """A unit as one frame.

    Raises:
        CodecError: A payload is no JSON, or a text no UTF-8.
        LimitedError: The frame would be larger than `MAX_FRAME_BYTES`.
    """
    for change in unit:
        for event in change.events:
            require_json(event.payload)
    try:
        body = _encode(unit)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CodecError(f"a change that cannot be sent: {error}") from error
    if len(body) > MAX_FRAME_BYTES - len(DIALECT):
        raise LimitedError(f"a frame of {len(body)} bytes; at most {MAX_FRAME_BYTES}")
    return _framed(body)


def decode_unit(body: bytes) -> Unit:
    """Read a unit back. Whatever has no canonical form is refused when the unit is judged.

    Raises:
        InvalidRequestError: The frame is not what `encode_unit` wrote.
    """
    try:
        return _decode_unit(_unframed(body))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"malformed frame: {error}") from error


def encode_answer(answer: tuple[Receipt, ...] | LigninError) -> bytes:
    """Receipts, or the error that refused the unit, as one frame."""
    if isinstance(answer, LigninError):
        refusal = _Refusal(
            kind=type(answer).__name__,
            message=answer.message,
            hint=answer.hint,
            fields=answer.fields,
        )
        return _framed(_encode(_Answer(refusal=refusal)))
    return _framed(_encode(_Answer(receipts=answer)))


def decode_answer(body: bytes) -> tuple[Receipt, ...] | LigninError:
    """Read an answer back.

    Raises:
        InvalidRequestError: The frame is not what `encode_answer` wrote.
    """
    try:
        answer = _decode_answer(_unframed(body))
        return answer.receipts if answer.refusal is None else _read_refusal(answer.refusal)
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
        raise InvalidRequestError(f"malformed answer: {error}") from error


def _read_refusal(refusal: _Refusal) -> LigninError:
    kind = getattr(errors, refusal.kind, None)
    if not (isinstance(kind, type) and issubclass(kind, LigninError)):
        kind = UnavailableError  # of a newer writer
    refused: LigninError = kind(refusal.message, hint=refusal.hint, **refusal.fields)
    return refused


def _framed(body: bytes) -> bytes:
    return LENGTH.pack(len(DIALECT) + len(body)) + DIALECT + body


def _unframed(frame: bytes) -> memoryview:
    if not frame.startswith(DIALECT):
        raise ValueError("it is of another version of Lignin")
    return memoryview(frame)[len(DIALECT) :]

"""Undoing the content coding of a reply, within bounds, so that it can be read for credentials."""

import zlib

from lignin.domain.errors import DeniedError, LimitedError

_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


def decode_body(body: bytes, coding: str, *, max_bytes: int) -> bytes:
    """Return the body without its content coding.

    Args:
        body: As it came.
        coding: The value of `Content-Encoding`, or nothing.
        max_bytes: Of the decoded body.

    Raises:
        DeniedError: A coding that cannot be undone here, more than one, or a broken one.
        LimitedError: The decoded body is larger.
    """
    name = coding.strip().lower()
    if name in {"", "identity"} or not body:
        return body
    if name in {"gzip", "x-gzip"}:
        return _inflate(body, _GZIP, max_bytes)
    if name == "deflate":
        try:
            return _inflate(body, _ZLIB, max_bytes)
        except DeniedError:
            return _inflate(body, _RAW, max_bytes)
    raise DeniedError("the reply's content coding cannot be read, so it is withheld")


def _inflate(body: bytes, window: int, max_bytes: int) -> bytes:
    """Inflate every member: a second one behind the first would pass unread otherwise."""
    made = bytearray()
    while body:
        engine = zlib.decompressobj(window)
        try:
            made += engine.decompress(body, max_bytes + 1 - len(made))
        except zlib.error:
            raise DeniedError("the reply's content coding is broken, so it is withheld") from None
        if len(made) > max_bytes:
            raise LimitedError(f"the reply is larger than {max_bytes} bytes")
        if not engine.eof:
            raise DeniedError("the reply's content coding is broken, so it is withheld")
        body = engine.unused_data
    return bytes(made)

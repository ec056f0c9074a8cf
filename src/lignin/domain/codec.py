"""The only canonical JSON and the only digests.

Canonical JSON is RFC 8785 (JCS), restricted: no integer of 2**53 or more, no NaN or infinity, keys are
strings, nesting at most `MAX_DEPTH`. Digests are written `sha256:<64 hex digits>`.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import rfc8785

from lignin.domain.errors import CodecError

Json: TypeAlias = Any  # str | int | float | bool | None | list[Json] | dict[str, Json]
Digest: TypeAlias = str

MAX_INTEGER = 2**53 - 1  # RFC 8785 and 7493: beyond it, doubles skip integers
MAX_DEPTH = 200
_FIRST_EXPONENT = 1e21  # from here on RFC 8785 writes a float with an exponent
_DIGEST_PREFIX = "sha256:"
_plain_encoder = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
)
# The C encoder that JSONEncoder would build anew for every value.
_encode_chunks = (
    json.encoder.c_make_encoder(  # type: ignore[attr-defined]
        None,
        _plain_encoder.default,
        json.encoder.encode_basestring,
        None,
        ":",
        ",",
        True,
        False,
        False,
    )
    if getattr(json.encoder, "c_make_encoder", None)
    else lambda value, _: _plain_encoder.iterencode(value)
)


def canonical_bytes(value: Json) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    The standard library's encoder writes the same bytes where a value holds no float and only
    ASCII keys (nearly always), about ten times faster; everything else goes to `rfc8785`.

    Raises:
        CodecError: The value has no canonical form (NaN, an integer of 2**53 or more, a key that is
            no string, a lone surrogate, nesting beyond `MAX_DEPTH`, a type JSON does not have).
    """
    try:
        if _is_plain(value, 0):
            return "".join(_encode_chunks(value, 0)).encode()
        return rfc8785.dumps(_thawed(value))
    except UnicodeEncodeError as error:
        raise CodecError("a string holds a lone surrogate, which UTF-8 cannot carry") from error
    except rfc8785.CanonicalizationError as error:
        raise CodecError(f"no canonical form: {error}") from error


def require_json(value: Json) -> None:
    """Raise unless `canonical_bytes` would take the value (but for lone surrogates).

    Raises:
        CodecError: It has no canonical form.
    """
    _is_plain(value, 0)


def plain_text(value: Json) -> str:
    """The canonical text of a value known to hold no float and only ASCII keys, unchecked.

    For values made of parts that went through `canonical_bytes` before: envelopes and rows.
    """
    return "".join(_encode_chunks(value, 0))


def _is_plain(value: Json, depth: int) -> bool:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return True
        raise CodecError(
            f"integer {value!r:.40} is not below 2**53", hint="send it as a decimal string"
        )
    if depth > MAX_DEPTH:
        raise CodecError(f"nested deeper than {MAX_DEPTH} levels")
    if kind is dict:
        plain = True
        for key, item in value.items():
            if type(key) is not str:
                raise CodecError(f"object key {key!r:.40} is no string")
            plain = _is_plain(item, depth + 1) and key.isascii() and plain
        return plain
    if kind is list or kind is tuple:
        plain = True
        for item in value:
            plain = _is_plain(item, depth + 1) and plain
        return plain
    if kind is float:
        if MAX_INTEGER < abs(value) < _FIRST_EXPONENT:
            raise CodecError(
                f"{value!r:.40} would be written as an integer beyond 2**53",
                hint="send it as a decimal string",
            )
        return False
    if isinstance(value, Mapping):
        _is_plain(dict(value), depth)
        return False
    raise CodecError(f"{kind.__name__} is no JSON type")


def _thawed(value: Json) -> Json:
    """Turn read-only mappings into the dict that rfc8785 accepts."""
    if isinstance(value, Mapping):
        return {key: _thawed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_thawed(item) for item in value]
    return value


def parse_json(raw: bytes | str) -> Json:
    """Parse untrusted JSON: no NaN, no duplicate keys, bounded nesting.

    Raises:
        CodecError: With the position of the fault.
    """
    try:
        value = json.loads(raw, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        if isinstance(error, CodecError):
            raise
        raise CodecError(f"not JSON: {error}") from error
    _is_plain(value, 0)
    return value


def _refuse_constant(name: str) -> Json:
    raise CodecError(f"{name} is no JSON value")


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        raise CodecError(f"object key {twice!r:.60} appears twice")
    return result


def digest_bytes(raw: bytes) -> Digest:
    """Return `sha256:<hex>` of raw bytes."""
    return _DIGEST_PREFIX + hashlib.sha256(raw).hexdigest()


def digest_json(value: Json) -> Digest:
    """Return `sha256:<hex>` of a value's canonical bytes."""
    return digest_bytes(canonical_bytes(value))


def raw_digest(digest: Digest) -> bytes:
    """Return the 32 bytes behind a digest.

    Raises:
        CodecError: Not `sha256:` and 64 lower-case hexadecimal digits.
    """
    hexadecimal = digest.removeprefix(_DIGEST_PREFIX)
    try:
        raw = bytes.fromhex(hexadecimal)
    except ValueError:
        raw = b""
    if len(raw) != 32 or digest != _DIGEST_PREFIX + raw.hex():
        raise CodecError(f"not a digest: {digest!r:.80}", hint="expected sha256:<64 hex digits>")
    return raw


def is_digest(text: str) -> bool:
    """True where `text` is written as this project writes digests."""
    try:
        raw_digest(text)
    except CodecError:
        return False
    return True

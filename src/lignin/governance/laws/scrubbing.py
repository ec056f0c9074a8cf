"""Taking real credentials out of what comes back, in every form that a careless server gives them.

Two steps. Whole credentials are masked where they stand: as they are, in any case, backwards, in
base64 at each offset and in both alphabets, hexadecimal, percent-encoded, escaped for JSON or HTML,
in UTF-16. Then what is left is read once more with everything but letters and digits dropped, and
escapes undone: where a piece of 15 signs remains (cut off, wrapped, with separators), the reply as
a whole is withheld. A server that means to pass a credential on in a form of its own can; a grant
names only hosts that already hold it.
"""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote_to_bytes

from lignin.domain.errors import InvalidRequestError
from lignin.ports.broker import SecretValue

MASK = b"[credential]"
MIN_SIGNS = 12
_PIECE, _STRIDE = 12, 4
_MAX_SECRET = 4096
_NOT_DENSE = re.compile(rb"[^a-z0-9]+")
_ESCAPE = re.compile(rb"\\(?:u00|x)([0-9a-fA-F]{2})")


def require_scrubbable(secret: SecretValue) -> None:
    """Raise where a credential could not be told from other text, or not be sent in a header.

    Raises:
        InvalidRequestError: It is short, long, or holds spaces or letters beyond ASCII.
    """
    text = secret.reveal()
    if not re.fullmatch(r"[!-~]+", text) or len(text) > _MAX_SECRET:
        raise InvalidRequestError("a credential is one word of printable ASCII characters")
    if len(_dense(text.encode())) < MIN_SIGNS:
        raise InvalidRequestError(
            f"a credential has at least {MIN_SIGNS} letters and digits",
            hint="shorter ones could not be told from other text",
        )


class Scrubber:
    """Knows the forms of some credentials and shows none of them."""

    __slots__ = ("_pieces", "_whole")

    def __init__(self, secrets: Iterable[SecretValue]) -> None:
        raws = [secret.reveal().encode() for secret in secrets]
        whole = {form.lower() for raw in raws for form in _spellings(raw)}
        self._whole = sorted(whole, key=len, reverse=True)
        self._pieces = frozenset(
            piece for raw in raws for form in _dense_spellings(raw) for piece in _cut(form)
        )

    def mask(self, data: bytes) -> bytes:
        """Return the data with every whole credential replaced."""
        spans = _joined(_spans(data.lower(), self._whole))
        if not spans:
            return data
        parts, at = [], 0
        for start, end in spans:
            parts += [data[at:start], MASK]
            at = end
        return b"".join([*parts, data[at:]])

    def leaks(self, data: bytes) -> bool:
        """True where the data hold a credential or a piece of one, however it is broken up."""
        return any(piece in view for view in _views(data) for piece in self._pieces)


def _spans(lowered: bytes, forms: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    for form in forms:
        at = lowered.find(form)
        while at >= 0:
            yield at, at + len(form)
            at = lowered.find(form, at + 1)


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _spellings(raw: bytes) -> Iterator[bytes]:
    text = raw.decode()
    yield raw
    yield raw[::-1]
    yield from _base64_spellings(raw)
    yield raw.hex().encode()
    yield quote(text, safe="").encode()
    yield "".join(f"%{byte:02x}" for byte in raw).encode()
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text)[1:-1].replace("/", "\\/").encode()
    yield "".join(f"\\u{byte:04x}" for byte in raw).encode()
    yield html.escape(text).encode()
    yield "".join(f"&#{byte};" for byte in raw).encode()
    yield "".join(f"&#x{byte:x};" for byte in raw).encode()
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")


def _base64_spellings(raw: bytes) -> Iterator[bytes]:
    """The signs that the credential alone decides, wherever among other bytes it begins."""
    for offset in range(3):
        coded = base64.b64encode(bytes(offset) + raw)
        decided = coded[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
        yield decided
        yield decided.replace(b"+", b"-").replace(b"/", b"_")


def _dense_spellings(raw: bytes) -> Iterator[bytes]:
    yield _dense(raw)
    yield _dense(raw[::-1])
    yield from map(_dense, _base64_spellings(raw))
    yield raw.hex().encode()
    yield "".join(map(str, raw)).encode()


def _cut(form: bytes) -> Iterator[bytes]:
    last = max(0, len(form) - _PIECE)
    for start in (*range(0, last, _STRIDE), last):
        yield form[start : start + _PIECE]


def _dense(data: bytes) -> bytes:
    return _NOT_DENSE.sub(b"", data.lower())


def _views(data: bytes) -> Iterator[bytes]:
    yield _dense(data)
    if b"%" in data:
        yield _dense(unquote_to_bytes(unquote_to_bytes(data)))
    if b"\\" in data:
        plain = _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), data)
        yield _dense(plain.replace(b"\\n", b"").replace(b"\\r", b"").replace(b"\\t", b""))
    if b"&" in data:
        yield _dense(html.unescape(data.decode("latin-1")).encode("latin-1", "replace"))

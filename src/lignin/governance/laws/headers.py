"""Which headers code may set, and which of a reply it gets to see."""

import re
from collections.abc import Iterable, Mapping

from lignin.domain.errors import DeniedError

MAX_HEADERS = 50
MAX_HEADER = 8192
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\t -~]*")
# Framing and routing are ours; what overrides method, path or host would slip past the grant's
# rules; and a reply in parts could hold a credential in parts, which no scrubbing would find.
_FRAMING = frozenset(
    ["host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer"]
    + ["upgrade", "expect", "http2-settings", "accept-encoding", "content-encoding", "via"]
    + ["max-forwards", "alt-used"]
)
_OVERRIDES = frozenset(
    ["x-http-method-override", "x-http-method", "x-method-override", "x-original-url"]
    + ["x-rewrite-url", "x-original-method", "x-original-host", "x-host", "forwarded"]
    + ["x-real-ip", "x-envoy-original-path"]
)
_PARTS = frozenset({"range", "if-range"})
_PREFIXES = ("proxy-", "x-forwarded-", "sec-", ":")
_UNDERSTOOD = frozenset({"authorization", "cookie"})
# A cookie is a credential that the server made of ours; the rest belongs to the connection.
_KEPT_BACK = frozenset(
    ["set-cookie", "set-cookie2", "connection", "keep-alive", "transfer-encoding", "upgrade"]
    + ["trailer", "content-encoding", "content-length", "alt-svc", "proxy-authenticate"]
)


def is_reserved(name: str) -> bool:
    """True for a header that code may not set itself."""
    plain = name.lower().replace("_", "-")  # some servers read an underscore as a dash
    return plain in _FRAMING | _OVERRIDES | _PARTS or plain.startswith(_PREFIXES)


def require_headers(headers: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Return the headers of a request, vetted.

    Raises:
        DeniedError: A reserved, repeated or malformed one, or too many. Names no value.
    """
    if len(headers) > MAX_HEADERS:
        raise DeniedError(f"{len(headers)} headers; at most {MAX_HEADERS} are sent")
    seen: set[str] = set()
    vetted = []
    for name, value in headers.items():
        if not TOKEN.fullmatch(name):
            raise DeniedError("a header's name is malformed")
        if not isinstance(value, str) or len(value) > MAX_HEADER or not _VALUE.fullmatch(value):
            raise DeniedError(f"the header {name} has a value that is not sent")
        if is_reserved(name):
            raise DeniedError(f"the header {name} is not the code's to set")
        plain = name.lower().replace("_", "-")
        if plain in seen:
            raise DeniedError(f"the header {name} is there twice")
        seen.add(plain)
        vetted.append((name, value))
    return tuple(vetted)


def without_credentials(
    headers: Iterable[tuple[str, str]], granted: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """Return the headers that may follow a redirect to another origin."""
    dropped = _UNDERSTOOD | {name.lower() for name in granted}
    return tuple(pair for pair in headers if pair[0].lower() not in dropped)


def shown_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers of a reply that code gets to see, by lower-case name, joined by commas."""
    shown: dict[str, str] = {}
    for name, value in headers:
        plain = name.lower()
        if plain in _KEPT_BACK or not TOKEN.fullmatch(name):
            continue
        text = "".join(char if " " <= char <= "~" else " " for char in value)[:MAX_HEADER]
        shown[plain] = f"{shown[plain]}, {text}" if plain in shown else text
    return shown

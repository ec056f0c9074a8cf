"""Reading URLs so strictly that nobody after us can read them differently.

Owns the one reading of scheme, host, port and path. Whatever two programs could take for two things
is refused: user names, numbers as hosts, letters beyond ASCII (write the `xn--` form), backslashes,
dot segments in any spelling, control characters. Nothing is repaired.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urljoin

from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.ports.broker import Scheme

MAX_URL = 8192
_DEFAULT_PORTS: dict[Scheme, int] = {"https": 443, "http": 80}
_URL = re.compile(r"(?i:(https?)://)([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.DOTALL)
_UNSAFE = re.compile(r"[^!-~]|[\\\"<>^`{|}]")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PORT = re.compile(r"[0-9]{1,5}")
_MAX_HOST = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Scheme, host and port: what a rule is about. The host is lower-case ASCII."""

    scheme: Scheme
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """What goes into the `Host` header: the port only where it is not the scheme's."""
        usual = _DEFAULT_PORTS[self.scheme] == self.port
        return self.host if usual else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """A URL that was vetted. `path` begins with a slash; `query` is empty or begins with `?`."""

    origin: Origin
    path: str
    query: str

    @property
    def target(self) -> str:
        """Path and query as they are sent."""
        return self.path + self.query

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"


def parse_url(text: str) -> Url:
    """Parse the URL of a request.

    Raises:
        DeniedError: Another scheme, a user name, a host or path that can be read in two ways.
    """
    if len(text) > MAX_URL:
        raise DeniedError(f"the URL has {len(text)} characters; at most {MAX_URL} are sent")
    found = _URL.fullmatch(text)
    if found is None:
        raise DeniedError("only https:// and http:// URLs are sent")
    scheme, authority, path, query = found.groups()
    if _UNSAFE.search(text):
        raise DeniedError("the URL holds a character that must be escaped")
    origin = _parse_authority("https" if scheme.lower() == "https" else "http", authority)
    require_plain_path(path or "/")
    return Url(origin=origin, path=path or "/", query=query or "")


def parse_origin(text: str) -> Origin:
    """Parse what a manifest or a grant calls a host: `name`, `name:port` or `http://name:port`.

    Without a scheme it is https.

    Raises:
        InvalidRequestError: It is no such thing, or has a path or a wildcard.
    """
    try:
        url = parse_url(text if "://" in text else f"https://{text}")
    except DeniedError as error:
        raise InvalidRequestError(f"{text!r:.80} is no host: {error.message}") from error
    if url.target != "/" or text.endswith("/"):
        raise InvalidRequestError(f"{text!r:.80} is no host: it has a path")
    return url.origin


def parse_location(base: Url, location: str) -> Url:
    """Parse where a redirect leads, which may be relative to where it came from.

    Raises:
        DeniedError: As `parse_url` does.
    """
    if _UNSAFE.search(location) or len(location) > MAX_URL:
        raise DeniedError("a redirect leads to something that is no URL")
    try:
        joined = urljoin(str(base), location)
    except ValueError:
        raise DeniedError("a redirect leads to something that is no URL") from None
    return parse_url(joined)


def _parse_authority(scheme: Scheme, authority: str) -> Origin:
    host, colon, port = authority.partition(":")
    host = host.lower().removesuffix(".")
    if not _HOST.fullmatch(host) or len(host) > _MAX_HOST:
        raise DeniedError(
            "the URL's host is no plain host name",
            hint="no user name, no address; letters beyond ASCII in their xn-- form",
        )
    last = host.rpartition(".")[2]
    if last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last):
        raise DeniedError("an address is no host name", hint="declare and use the host's name")
    if colon and not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
        raise DeniedError("the URL's port is no number from 1 to 65535")
    return Origin(scheme=scheme, host=host, port=int(port) if port else _DEFAULT_PORTS[scheme])


def require_plain_path(path: str) -> None:
    """Raise where a server could take a path for another one.

    Dot segments are looked for under every layer of percent-encoding, also with a parameter behind
    them; encoded slashes, backslashes and control characters are refused.

    Raises:
        DeniedError: With what was found.
    """
    seen, decoded = "", path
    for _ in range(8):
        seen = decoded
        try:
            decoded = unquote(seen, errors="strict")
        except UnicodeDecodeError:
            raise DeniedError("the URL's path holds an escape that is no UTF-8") from None
        if decoded.count("/") != path.count("/") or "\\" in decoded:
            raise DeniedError("the URL's path holds an escaped slash or a backslash")
        if any(ord(char) < 32 or ord(char) == 127 for char in decoded):
            raise DeniedError("the URL's path holds an escaped control character")
        if any(part.partition(";")[0] in {".", ".."} for part in decoded.split("/")):
            raise DeniedError("the URL's path holds a dot segment")
        if decoded == seen:
            return
    raise DeniedError("the URL's path is escaped over and over")


def is_below(path: str, prefix: str) -> bool:
    """True where a path lies at or below a prefix, by whole segments.

    Only the plain spelling counts: an escaped letter does not match a letter.
    """
    stem = prefix.rstrip("/")
    return "//" not in path and (path in {prefix, stem} or path.startswith(f"{stem}/"))

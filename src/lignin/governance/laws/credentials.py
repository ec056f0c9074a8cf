"""Placeholders: where code may put one, and what it means where one turns up elsewhere.

Code inside a sandbox never holds a credential, only a random word that stands for it in this one
run. It is replaced in exactly one place: the whole value of the granted header, on a granted
request. Anywhere else (another host, URL, body, header, method or path) the request is blocked and
recorded as an incident.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from lignin.domain.errors import DeniedError
from lignin.governance.laws.grants import SecretGrant
from lignin.governance.laws.urls import Url, is_below

PLACEHOLDER_BYTES = 16
_PREFIX = "lignin-secret-"
_PLACEHOLDER = re.compile(rf"{_PREFIX}[0-9a-f]{{{2 * PLACEHOLDER_BYTES}}}", re.IGNORECASE)
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A placeholder that a run was given, with the grant it stands for."""

    name: str
    placeholder: str
    grant: SecretGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request as the code wrote it, or as a redirect left it."""

    url: Url
    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def make_placeholder(entropy: bytes) -> str:
    """Return a placeholder from fresh random bytes."""
    return _PREFIX + entropy.hex()


def decide_placements(request: Outgoing, issued: Iterable[Issued]) -> dict[str, Issued]:
    """Return the headers to fill, by name, with the credential each is for.

    Raises:
        DeniedError: A placeholder where it may not be; its field `incident` is true.
    """
    _require_nowhere_else(request)
    by_word = {item.placeholder: item for item in issued}
    placed = {}
    for name, value in request.headers:
        found = _PLACEHOLDER.search(value)
        if found is None:
            continue
        item = by_word.get(found.group())
        if item is None:
            raise _incident("a placeholder that this run was not given")
        if name.lower() != item.grant.header.lower() or value != item.grant.value(item.placeholder):
            raise _incident(
                f"the secret {item.name} goes into the header {item.grant.header} alone, "
                f"as {item.grant.form!r}"
            )
        why = why_not_granted(request, item)
        if why:
            raise _incident(why)
        placed[name] = item
    return placed


def why_not_granted(request: Outgoing, item: Issued) -> str:
    """Return why a request may not carry a credential, or nothing where it may."""
    grant, url = item.grant, request.url
    if url.origin not in grant.origins:
        return f"the secret {item.name} is not for {url.origin}"
    if request.method not in grant.methods:
        return f"the secret {item.name} is not for {request.method} requests"
    if not any(is_below(url.path, prefix) for prefix in grant.paths):
        return f"the secret {item.name} is not for this path"
    return ""


def without_ungranted(request: Outgoing, issued: Iterable[Issued]) -> tuple[tuple[str, str], ...]:
    """Return the headers without credentials that a redirect led out of their grant."""
    refused = {item.placeholder for item in issued if why_not_granted(request, item)}
    return tuple(
        (name, value)
        for name, value in request.headers
        if not any(word in value for word in refused)
    )


def _require_nowhere_else(request: Outgoing) -> None:
    places = {
        "the URL": f"{request.url} {unquote(unquote(str(request.url)))}",
        "a header's name": " ".join(name for name, _ in request.headers),
        "the body": request.body.decode("latin-1"),
    }
    for place, text in places.items():
        if _PLACEHOLDER.search(text):
            raise _incident(f"a placeholder in {place} is never replaced, so it is not sent")


def _incident(message: str) -> DeniedError:
    return DeniedError(message, incident=True)

"""One REST interface in JSON: statuses as errors of ours, pages, and how long to wait.

Says of each request that failed whether it may have had its effect. Nothing that a far side answers is put
into an error but its status: it could hold anything.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from lignin.domain.codec import Json
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LimitedError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.events import format_time
from lignin.ports.connector import Web, WebReply

MAX_WAIT_S: Final = 24 * 3600
USUAL_WAIT_S: Final = 60
_NEXT = re.compile(r'<([^<>]{1,4000})>\s*;[^,]*\brel="?next"?')
_ETAG = re.compile(r'(W/)?"[A-Za-z0-9+/=_.:-]{1,200}"')
_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered: JSON, the tag of its version, and the query of the next page."""

    status: int
    value: Any
    etag: str = ""
    next_query: str = ""


class Rest:
    """Asks a REST interface.

    Args:
        name: The connector's, for errors.
        web: Carries requests.
        now: The time here.
        headers: Of every request.
    """

    def __init__(
        self, name: str, web: Web, now: Callable[[], datetime], headers: Mapping[str, str]
    ) -> None:
        self._name, self._web, self._now = name, web, now
        self._headers = dict(headers)

    def get(self, path: str, query: Mapping[str, str] | str = "", etag: str = "") -> Answer:
        """Read; with the tag of what is known, the status may be 304 and there is no value.

        Raises:
            DeniedError, NotFoundError, LimitedError, UnavailableError: It cannot be read.
        """
        text = query if isinstance(query, str) else urlencode(query)
        headers = {"If-None-Match": etag} if etag else {}
        reply = self._ask("GET", f"{path}?{text}" if text else path, headers, b"")
        if reply.status == 304:
            return Answer(status=304, value=None, etag=etag)
        return self._answer(reply)

    def change(self, method: str, path: str, body: Json = None) -> Answer:
        """Change something.

        Raises:
            UnavailableError: With `is_uncertain` where nobody knows whether it had its effect.
            LigninError: It had none.
        """
        sent = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if sent else {}
        return self._answer(self._ask(method, path, headers, sent))

    def _ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> WebReply:
        is_read = method in _READING
        try:
            reply = self._web.ask(method, target, headers={**self._headers, **headers}, body=body)
        except UnavailableError as error:
            uncertain = not is_read and bool(error.fields.get("reached"))
            raise UnavailableError(
                f"{self._name}: {error.message}", hint=error.hint, is_uncertain=uncertain
            ) from None
        except LimitedError as error:  # the reply was too large: the request was carried
            raise UnavailableError(
                f"{self._name}: {error.message}", is_uncertain=not is_read
            ) from None
        if reply.status == 304 or 200 <= reply.status < 300:
            return reply
        raise refusal(self._name, reply, self._now(), is_read=is_read)

    def _answer(self, reply: WebReply) -> Answer:
        try:
            value = json.loads(reply.body) if reply.body.strip() else None
        except (ValueError, RecursionError):
            raise UnavailableError(
                f"{self._name} answered with something that is no JSON", is_uncertain=True
            ) from None
        found = _NEXT.search(reply.headers.get("link", ""))
        # Only its query: hosts name another path there, and where to go on is not theirs to say.
        query = urlsplit(found.group(1)).query if found else ""
        etag = _ETAG.fullmatch(reply.headers.get("etag", ""))
        return Answer(
            status=reply.status,
            value=value,
            etag=etag.group() if etag else "",
            next_query=query[:2000],
        )


def refusal(name: str, reply: WebReply, now: datetime, *, is_read: bool) -> Exception:
    """The error for a reply that is none."""
    status = reply.status
    told = f"{name} answered with status {status}"
    if status == 429 or (status == 403 and _is_rate(reply)):
        at = retry_at(reply.headers, now)
        return LimitedError(f"{told}: too many requests", hint=f"not before {at}", retry_at=at)
    if status in {401, 403}:
        return DeniedError(told, hint="see what its credential may do, and whether it ran out")
    if status in {404, 410}:
        return NotFoundError(
            told, hint="see its settings; a credential may also hide what it may not see"
        )
    if 300 <= status < 400:
        return DeniedError(f"{told}: no redirect is followed", hint="name where it moved to")
    if status == 408 or status >= 500:
        return UnavailableError(told, hint="try again later", is_uncertain=not is_read)
    return InvalidRequestError(told, hint="it does not take what was sent")


def retry_at(headers: Mapping[str, str], now: datetime) -> str:
    """Return when to ask again, RFC 3339: as the far side says, at most a day from now."""
    wait = _wait_s(headers, now)
    return format_time(now + timedelta(seconds=min(max(wait, 1.0), MAX_WAIT_S)))


def _is_rate(reply: WebReply) -> bool:
    headers = reply.headers
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"


def _wait_s(headers: Mapping[str, str], now: datetime) -> float:
    after = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", after):
        return float(after)
    if after:
        try:
            at = parsedate_to_datetime(after)
            return (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return USUAL_WAIT_S
    reset = headers.get("x-ratelimit-reset", "").strip()
    if re.fullmatch(r"[0-9]{1,12}", reset):
        return int(reset) - now.timestamp()
    return USUAL_WAIT_S

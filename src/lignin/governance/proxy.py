"""The credential proxy: carries one run's HTTP requests, hop by hop, and lets no credential in.

Owns the order of things: read the request, decide where it goes and with what, resolve, check every
address, connect to the one that was checked, follow redirects by the same rules, mask what comes
back. The rules themselves are in `laws`. Logs nothing.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from lignin.domain.artifacts import Capabilities
from lignin.domain.codec import Json
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    UnavailableError,
)
from lignin.governance.laws import addresses
from lignin.governance.laws.bodies import decode_body
from lignin.governance.laws.credentials import (
    PLACEHOLDER_BYTES,
    Issued,
    Outgoing,
    decide_placements,
    make_placeholder,
    without_ungranted,
)
from lignin.governance.laws.grants import SecretGrant
from lignin.governance.laws.headers import (
    METHODS,
    require_headers,
    shown_headers,
    without_credentials,
)
from lignin.governance.laws.scrubbing import Scrubber, require_scrubbable
from lignin.governance.laws.urls import Origin, parse_location, parse_origin, parse_url
from lignin.ports.broker import Hop, Reply, SecretValue, Transport, Vault

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_FIELDS: Final = frozenset({"type", "call_id", "method", "url", "headers", "body", "body_base64"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Bounds of one run's requests; `wall_s` is for one request with all its redirects.

    With `redirects` 0 none is followed: it is the answer.
    """

    requests: int = 100
    redirects: int = 5
    request_bytes: int = 2**20
    reply_bytes: int = 2 * 2**20
    wall_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the proxy reaches the outside with.

    `why_refused` is the rule on addresses. It is an argument so that a test can have servers of its
    own; no setting reaches it.
    """

    transport: Transport
    vault: Vault
    monotonic: Callable[[], float]
    entropy: Callable[[int], bytes]
    why_refused: Callable[[str], str] = addresses.why_refused


class CredentialProxy:
    """The HTTP exit of one run.

    Args:
        capabilities: What the artifact declares: hosts and names of secrets.
        grants: The user's grants by secret name.
        outside: What to reach the outside with.
        limits: Bounds.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        grants: Mapping[str, SecretGrant],
        outside: Outside,
        limits: HttpLimits | None = None,
    ) -> None:
        self._outside = outside
        self._limits = limits or HttpLimits()
        self._origins = _declared_origins(capabilities)
        self._issued: list[Issued] = []
        self._values: dict[str, SecretValue] = {}
        self._missing: dict[str, str] = {}
        self._requests = 0
        for name in capabilities.secrets:
            self._issue(name, grants.get(name))
        self.scrubber = Scrubber(self._values.values())

    def placeholders(self) -> dict[str, Json]:
        """Return the placeholder of each secret by name.

        Raises:
            UnavailableError: A declared secret has no grant or cannot be read.
        """
        for name, why in self._missing.items():
            raise UnavailableError(f"the secret {name} is not available", why=why)
        return {item.name: item.placeholder for item in self._issued}

    def fetch(self, request: Mapping[str, Json], on_hop: Callable[[str], None]) -> dict[str, Json]:
        """Carry one request and return its reply: `url`, `status`, `headers` and a body.

        The body is `body`, text, or where it is no UTF-8 `body_base64`.

        Args:
            request: As it came from the sandbox: `method`, `url`, `headers`, `body` or
                `body_base64`.
            on_hop: Told each hop before it is sent, without query.

        Raises:
            InvalidRequestError: It does not fit that form.
            DeniedError: It may not leave, or its reply may not come in.
            UnavailableError: The host does not answer, or not in time.
            LimitedError: Too many or too large.
        """
        outgoing = self._parse(request)
        self._requests += 1
        if self._requests > self._limits.requests:
            raise LimitedError(f"a run makes at most {self._limits.requests} requests")
        ends_at = self._outside.monotonic() + self._limits.wall_s
        for _ in range(self._limits.redirects + 1):
            reply = self._send(outgoing, ends_at, on_hop)
            location = _header(reply, "location")
            if reply.status not in _REDIRECTS or location is None or not self._limits.redirects:
                return self._answer(outgoing, reply)
            outgoing = self._redirected(outgoing, reply.status, location)
        raise DeniedError(f"more than {self._limits.redirects} redirects")

    def _issue(self, name: str, grant: SecretGrant | None) -> None:
        if grant is None:
            self._missing[name] = "no grant names it"
            return
        try:
            value = self._outside.vault.read(variable=grant.variable, file=grant.file)
            require_scrubbable(value)
        except LigninError as error:
            self._missing[name] = error.message
            return
        placeholder = make_placeholder(self._outside.entropy(PLACEHOLDER_BYTES))
        self._values[name] = value
        self._issued.append(Issued(name=name, placeholder=placeholder, grant=grant))

    def _parse(self, request: Mapping[str, Json]) -> Outgoing:
        unknown = set(request) - _FIELDS
        if unknown:
            raise InvalidRequestError(f"a request has no field {sorted(unknown)[0]!r:.60}")
        method, url = request.get("method", "GET"), request.get("url")
        headers = request.get("headers", {})
        if not isinstance(url, str) or not isinstance(headers, Mapping):
            raise InvalidRequestError("a request has a url (text) and headers (an object)")
        if method not in METHODS:
            raise DeniedError("the method is none that is sent", hint=", ".join(sorted(METHODS)))
        body = _parse_body(request)
        if len(body) > self._limits.request_bytes:
            raise LimitedError(f"a request's body has at most {self._limits.request_bytes} bytes")
        return Outgoing(
            url=parse_url(url), method=method, headers=require_headers(headers), body=body
        )

    def _send(self, outgoing: Outgoing, ends_at: float, on_hop: Callable[[str], None]) -> Reply:
        origin = outgoing.url.origin
        placements = decide_placements(outgoing, self._issued)
        if origin not in self._origins:
            raise DeniedError(f"{origin} is not among the declared hosts")
        address = checked_address(
            self._outside, origin.host, origin.port, timeout_s=self._left(ends_at)
        )
        on_hop(f"{outgoing.method} {origin}{outgoing.url.path}")
        headers = tuple(
            (name, self._filled(placements[name]) if name in placements else value)
            for name, value in outgoing.headers
        )
        hop = Hop(
            scheme=origin.scheme,
            host=origin.host,
            port=origin.port,
            address=address,
            method=outgoing.method,
            target=outgoing.url.target,
            headers=(("Host", origin.authority), *headers),
            body=outgoing.body,
        )
        return self._outside.transport.send(
            hop, timeout_s=self._left(ends_at), max_bytes=self._limits.reply_bytes
        )

    def _filled(self, item: Issued) -> str:
        return item.grant.value(self._values[item.name].reveal())

    def _left(self, ends_at: float) -> float:
        left = ends_at - self._outside.monotonic()
        if left <= 0:
            raise UnavailableError(f"no whole reply within {self._limits.wall_s:g} s")
        return left

    def _redirected(self, before: Outgoing, status: int, location: str) -> Outgoing:
        if self.scrubber.leaks(location.encode("latin-1", "replace")):
            raise DeniedError("a redirect carries a credential in its URL", incident=True)
        url = parse_location(before.url, location)
        becomes_get = status == 303 or (status in {301, 302} and before.method == "POST")
        method = "GET" if becomes_get and before.method != "HEAD" else before.method
        body = b"" if becomes_get else before.body
        headers = before.headers
        if url.origin != before.url.origin:
            granted = [item.grant.header for item in self._issued]
            headers = without_credentials(headers, granted)
        after = Outgoing(url=url, method=method, headers=headers, body=body)
        return replace(after, headers=without_ungranted(after, self._issued))

    def _answer(self, outgoing: Outgoing, reply: Reply) -> dict[str, Json]:
        coding = _header(reply, "content-encoding") or ""
        body = decode_body(reply.body, coding, max_bytes=self._limits.reply_bytes)
        masked = self.scrubber.mask(body)
        if self.scrubber.leaks(masked):
            raise withheld()
        return {
            "url": str(outgoing.url),
            "status": reply.status,
            "headers": {
                self._masked(name): self._masked(value)
                for name, value in shown_headers(reply.headers).items()
            },
            **_shown_body(masked),
        }

    def _masked(self, text: str) -> str:
        return self.scrubber.mask(text.encode("latin-1", "replace")).decode("latin-1")


def checked_address(outside: Outside, host: str, port: int, *, timeout_s: float) -> str:
    """Resolve once and check all answers; what is connected to is what was checked.

    Raises:
        DeniedError: One of them may not be reached.
        UnavailableError: There is none.
    """
    found = outside.transport.resolve(host, port, timeout_s=timeout_s)
    for address in found:
        why = outside.why_refused(address)
        if why:
            raise DeniedError(f"{host} has an address that {why}")
    if not found:
        raise UnavailableError(f"{host} has no address")
    return found[0]


def _header(reply: Reply, wanted: str) -> str | None:
    values = [value for name, value in reply.headers if name.lower() == wanted]
    return ", ".join(values) if values else None


def withheld() -> DeniedError:
    """The refusal of an answer that holds a credential where it could not be masked."""
    return DeniedError("the answer held a credential in pieces, so it is withheld", incident=True)


def _declared_origins(capabilities: Capabilities) -> frozenset[Origin]:
    """The hosts that a request may go to; an entry that is no plain host opens nothing."""
    origins = set()
    for text in capabilities.hosts:
        try:
            origins.add(parse_origin(text))
        except InvalidRequestError:
            continue
    return frozenset(origins)


def _parse_body(request: Mapping[str, Json]) -> bytes:
    text, coded = request.get("body"), request.get("body_base64")
    if text is not None and coded is not None:
        raise InvalidRequestError("a request has either body or body_base64")
    try:
        if coded is not None:
            return base64.b64decode(coded, validate=True)
        return b"" if text is None else text.encode()
    except (AttributeError, TypeError, UnicodeError, binascii.Error):
        raise InvalidRequestError("a request's body is text, or body_base64 base64") from None


def _shown_body(body: bytes) -> dict[str, Json]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}

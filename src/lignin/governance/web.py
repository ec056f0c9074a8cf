"""What a connector reaches: one origin over HTTP, or one host and port, by the rules of the credential proxy.

The credential is put in by the proxy, so that whoever speaks to a far side never holds it; no redirect is
followed; every address is checked before it is connected to.
"""

import base64
from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.artifacts import Capabilities
from lignin.domain.codec import Json
from lignin.domain.errors import DeniedError, UnavailableError
from lignin.governance.laws.addresses import why_not_here, why_refused_inward
from lignin.governance.laws.grants import SecretGrant
from lignin.governance.laws.urls import Url
from lignin.governance.proxy import CredentialProxy, HttpLimits, Outside, checked_address
from lignin.ports.broker import Dialler, SecretValue, Socket
from lignin.ports.connector import WebReply

LIMITS = HttpLimits(
    requests=5000, redirects=0, request_bytes=2**20, reply_bytes=4 * 2**20, wall_s=15.0
)
_NAME = "credential"


def outside_of(outside: Outside, *, private: bool, is_plain: bool) -> Outside:
    """What to reach the outside with where private networks are granted, or nothing is encrypted."""
    if is_plain:
        return replace(outside, why_refused=why_not_here)
    return replace(outside, why_refused=why_refused_inward) if private else outside


class GrantedWeb:
    """See `lignin.ports.connector.Web`.

    Args:
        url: What targets are below.
        credential: The grant of the credential; None where none goes into a header.
        outside: What to reach the outside with.
    """

    def __init__(
        self,
        url: Url,
        credential: SecretGrant | None,
        outside: Outside,
        limits: HttpLimits = LIMITS,
    ) -> None:
        self._url = url
        self._credential = credential
        names = [_NAME] if credential else []
        declared = Capabilities(hosts=[str(url.origin)], secrets=names)
        grants = {_NAME: credential} if credential else {}
        self._proxy = CredentialProxy(declared, grants, outside, limits)

    def ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        secret_target: SecretValue | None = None,
    ) -> WebReply:
        """Ask once."""
        given: dict[str, Json] = {"User-Agent": "lignin", **(headers or {})}
        if self._credential is not None:
            word = str(self._placeholder())
            given[self._credential.header] = self._credential.value(word)
        base = f"{self._url.origin}{self._url.path.rstrip('/')}"
        request: dict[str, Json] = {
            "method": method,
            "url": f"{self._url.origin}{secret_target.reveal()}"
            if secret_target
            else base + target,
            "headers": given,
        }
        if body:
            request["body_base64"] = base64.b64encode(body).decode()
        hops: list[str] = []
        try:
            answer = self._proxy.fetch(request, hops.append)
        except UnavailableError as error:
            reached = bool(hops) and bool(error.fields.get("reached"))
            raise UnavailableError(error.message, hint=error.hint, reached=reached) from None
        text = answer.get("body")
        if text is None:
            raise DeniedError(f"{self._url.origin.host} answered with something that is no text")
        return WebReply(status=answer["status"], headers=answer["headers"], body=text)

    def _placeholder(self) -> Json:
        try:
            return self._proxy.placeholders()[_NAME]
        except UnavailableError as error:
            raise UnavailableError(
                f"the credential cannot be had: {error.fields.get('why', error.message)}",
                hint="see the connector's variable or file in your grants file",
            ) from None


class GrantedWire:
    """See `lignin.ports.connector.Wire`. With `is_secure` it is TLS from the first byte."""

    def __init__(
        self, host: str, port: int, outside: Outside, dialler: Dialler, *, is_secure: bool
    ) -> None:
        self._host, self._port = host, port
        self._outside, self._dialler = outside, dialler
        self._is_secure = is_secure

    def open(self, *, timeout_s: float) -> Socket:
        """Connect to an address that was checked."""
        address = checked_address(self._outside, self._host, self._port, timeout_s=timeout_s)
        plain = self._dialler.dial(address, self._port, timeout_s=timeout_s)
        return self._secured(plain) if self._is_secure else plain

    def secure(self, plain: Socket) -> Socket:
        """Go on over TLS."""
        return self._secured(plain)

    def _secured(self, plain: Socket) -> Socket:
        try:
            return self._dialler.secure(plain, self._host)
        except BaseException:
            plain.close()
            raise

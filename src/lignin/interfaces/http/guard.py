"""Who may speak to the server at all: Host, Origin, token, and how much at once.

Pure ASGI, before everything else, so that no route can forget it. Owns no rights beyond that: what an
operation may do is said by its effect (`routes`), by the services, and by `interfaces.remote`.
"""

import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lignin.interfaces.http.problems import problem

MAX_BODY_BYTES = 32 * 2**20
TOKEN_FILE = "http.token"  # noqa: S105 - the name of a file
GOVERN_TOKEN_FILE = "http-govern.token"  # noqa: S105 - the name of a file
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
TELEMETRY = "/v1/"
HOOKS = "/hooks/"
"""Their senders show a signature, which `interfaces.hooks` asks for, and know no token."""
ASKED_AGAIN = ("/api/v1/", TELEMETRY)
"""What may be open without the token: routes that ask for it themselves where it matters."""
OPENLY = frozenset({"/health"})
SHOWN = "lignin.shown_token"
"""Scope key: the caller showed the server's token, or the one that governs."""
GOVERNS = "lignin.governs"
"""Scope key: the caller showed the token that governs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the guard asks for.

    Args:
        token: The server's token, which agents know.
        govern_token: Another one that does all that the first does and governs too; "" where nobody
            governs over this server.
        telemetry_token: Another one that opens the telemetry intake and nothing else; "" for none.
        hosts: Names under which the server may be asked.
        open_here: Without the token one gets as far as routes that ask for it themselves.
    """

    token: str
    govern_token: str = ""
    telemetry_token: str = ""
    hosts: frozenset[str] = LOOPBACK
    open_here: bool = False


class Guard:
    """ASGI middleware that lets in who may speak."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on with `SHOWN` set."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refused(scope, headers)
        if refused is not None:
            status, told, code = refused
            await problem(status, told, code, _REMEDIES[code])(scope, receive, send)
            return
        if scope["path"].startswith(
            (TELEMETRY, HOOKS)
        ):  # bound their own bodies, while they come in
            await self._app(scope, receive, send)
            return
        parts = await _body(headers, receive)
        if parts is None:
            answer = problem(
                413, f"a body of over {MAX_BODY_BYTES} bytes", "limited", "send less at once"
            )
            await answer(scope, receive, send)
            return
        await self._app(scope, _replay(parts, receive), send)

    def _refused(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        host = headers.get("host", "")
        if _hostname(host) not in self._door.hosts:
            # a page in a browser may reach this port by a name of its own that points here
            return 403, f"asked for as {host!r:.100}", "foreign_host"
        for origin in headers.getlist("origin"):
            if not _is_same(origin, host):
                return 403, f"sent by a page of {origin!r:.100}", "foreign_origin"
        scope[GOVERNS] = self._shows(headers, self._door.govern_token)
        scope[SHOWN] = scope[GOVERNS] or self._shows(headers, self._door.token)
        if scope[SHOWN] or scope["path"] in OPENLY or scope["path"].startswith(HOOKS):
            return None
        if self._door.open_here and scope["path"].startswith(ASKED_AGAIN):
            return None
        if scope["path"].startswith(TELEMETRY) and self._shows(headers, self._door.telemetry_token):
            return None
        return 401, "the token is missing or another one", "no_token"

    def _shows(self, headers: Headers, token: str) -> bool:
        """True where the caller shows this token; nobody shows one that there is not."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        is_same = hmac.compare_digest(given.strip().encode(), token.encode())
        return kind.lower() == "bearer" and is_same and token != ""


_REMEDIES = {
    "foreign_host": "ask for localhost; other names are set by LIGNIN_HTTP_HOSTS",
    "foreign_origin": "ask from a program, or from a page of this server",
    "no_token": "send `Authorization: Bearer TOKEN`; it is in http.token in the data folder",
}


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def _is_same(origin: str, host: str) -> bool:
    return urlsplit(origin).netloc.lower() == host.lower() if "://" in origin else False


async def _body(headers: Headers, receive: Receive) -> list[Message] | None:
    """The messages of a request's body; None where it is too large."""
    said = headers.get("content-length", "")
    if said.isdecimal() and int(said) > MAX_BODY_BYTES:
        return None
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            return None
        if message["type"] != "http.request" or not message.get("more_body", False):
            return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    rest = iter(messages)

    async def again() -> Message:
        for message in rest:
            return message
        return await receive()

    return again

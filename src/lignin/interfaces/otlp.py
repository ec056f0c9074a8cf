"""The OTLP/HTTP server: POST /v1/traces, /v1/logs, /v1/metrics; beside them web hooks (`hooks`), and those
of loops, POST /loops/NAME.

Owns HTTP: addresses, status codes, content types, who may send, how much at once. Each request is
handed to `operations.telemetry` on a thread, because everything below is synchronous. It listens on
this machine only unless a token is set, and answers nobody who came by a foreign name.
"""

import contextlib
import hmac
from collections.abc import Awaitable, Callable, Iterator

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
)
from lignin.interfaces.hooks import hook_routes
from lignin.interfaces.listening import parse_address, serve_app
from lignin.interfaces.refusals import Refusals
from lignin.operations.context import Context
from lignin.operations.looplooking import MAX_GIVEN_BYTES, hear_webhook
from lignin.operations.telemetry import take_request
from lignin.traces.otlp import (
    MAX_BODY_BYTES,
    Encoding,
    Signal,
    unpack,
    write_answer,
    write_refusal,
)
from lignin.traces.resent import Recent

TOKEN = "LIGNIN_OTLP_TOKEN"  # noqa: S105 - the name of a variable
DEFAULT_PORT = 4318
_DELIVERIES = ("idempotency-key", "webhook-id", "x-github-delivery", "x-gitea-delivery")
"""Headers by which senders name a delivery: the same one again is the same occurrence."""
MAX_AT_ONCE = 8
MAX_WAITING = 64
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_TYPES: dict[str, Encoding] = {
    "application/x-protobuf": "protobuf",
    "application/protobuf": "protobuf",
    "application/json": "json",
}
_RPC = {400: 3, 401: 16, 403: 7, 413: 11, 415: 3, 429: 8, 503: 14}  # HTTP to google.rpc.Code


def build_app(context: Context, token: str = "") -> Starlette:
    """Return the server's application.

    Args:
        token: What a sender must show as `Authorization: Bearer`; empty for nothing.
    """
    return Starlette(routes=_routes(_Inbox(context, token)))


def guarded_routes(context: Context) -> list[BaseRoute]:
    """The same routes for an application whose guard has asked already who sends."""
    return _routes(_Inbox(context, None))


def _routes(inbox: "_Inbox") -> list[BaseRoute]:
    names: tuple[Signal, ...] = ("traces", "logs", "metrics")
    routes = [Route(f"/v1/{name}", inbox.answering(name), methods=["POST"]) for name in names]
    return [
        *routes,
        *hook_routes(inbox.context, inbox.refusals),
        Route("/loops/{name}", inbox.hear, methods=["POST"]),
    ]


class _Inbox:
    def __init__(self, context: Context, token: str | None) -> None:
        self.context = context
        self.refusals = Refusals(context)
        self._token = token
        self._recent = Recent()
        self._threads = anyio.CapacityLimiter(MAX_AT_ONCE)
        self._inside = 0

    def answering(self, signal: Signal) -> Callable[[Request], Awaitable[Response]]:
        """What answers the requests of one signal."""

        async def answer(request: Request) -> Response:
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            encoding = _TYPES.get(kind)
            try:
                self._require_allowed(request)
                if encoding is None:
                    return _refused("json", 415, f"content type {kind!r}; send protobuf or JSON")
                return await self._take(signal, encoding, request)
            except ClientDisconnect:
                return Response(status_code=400)
            except LigninError as error:
                self.refusals.tell(f"/v1/{signal}", error)
                return _refused(encoding or "json", _status(error), error.message)

        return answer

    async def hear(self, request: Request) -> Response:
        """A webhook of a loop: taken, and answered with its run; what comes again starts nothing."""
        try:
            self._require_allowed(request)
            body = await _read(request, MAX_GIVEN_BYTES)
            delivery = next((h for name in _DELIVERIES if (h := request.headers.get(name))), "")
            heard = await run_sync(
                hear_webhook,
                self.context,
                request.path_params["name"],
                body,
                delivery[:200],
                limiter=self._threads,
            )
            return JSONResponse(heard, status_code=202)
        except ClientDisconnect:
            return Response(status_code=400)
        except LigninError as error:
            self.refusals.tell(f"/loops/{request.path_params['name']}", error)
            code = 404 if isinstance(error, NotFoundError) else _status(error)
            return JSONResponse({"error": error.code, "message": error.message}, status_code=code)

    def _require_allowed(self, request: Request) -> None:
        if self._token is None:
            return
        host = request.headers.get("host", "")
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        if self._token:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                raise DeniedError("the token is missing or another one")
        elif name.lower() not in _LOCAL:
            # A page in a browser may reach this port by a name of its own that points here.
            raise DeniedError(f"asked for as {name!r}", hint="send to localhost")
        if request.headers.get("origin"):
            raise DeniedError("a page in a browser may not send here")

    async def _take(self, signal: Signal, encoding: Encoding, request: Request) -> Response:
        if self._inside >= MAX_WAITING:
            raise LimitedError("too many requests at once", hint="try again in a second")
        self._inside += 1
        try:
            body = await _read(request)
            packed = request.headers.get("content-encoding", "").strip().lower()
            content = await run_sync(
                self._answer, signal, encoding, body, packed, limiter=self._threads
            )
        finally:
            self._inside -= 1
        return Response(content, media_type=_media(encoding))

    def _answer(self, signal: Signal, encoding: Encoding, body: bytes, packed: str) -> bytes:
        content = unpack(body, packed)
        taken = take_request(self.context, signal, encoding, content, self._recent)
        return write_answer(signal, encoding, taken.rejected, taken.why)


async def _read(request: Request, most: int = MAX_BODY_BYTES) -> bytes:
    """The body, bounded while it comes in."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise LimitedError(f"a body of over {most} bytes", hint="send less at once")
        parts.append(part)
    return b"".join(parts)


def _status(error: LigninError) -> int:
    """How the protocol says it: 429 and 503 are tried again by the sender, all others are not."""
    if isinstance(error, LimitedError):
        return 429 if "at once" in error.message else 413
    if isinstance(error, DeniedError):
        return 403
    return 400 if isinstance(error, InvalidRequestError) else 503


def _refused(encoding: Encoding, status: int, message: str) -> Response:
    headers = {"retry-after": "1"} if status in (429, 503) else {}
    body = write_refusal(encoding, _RPC[status], message)
    return Response(body, status_code=status, media_type=_media(encoding), headers=headers)


def _media(encoding: Encoding) -> str:
    return "application/json" if encoding == "json" else "application/x-protobuf"


@contextlib.contextmanager
def listen(context: Context, address: str) -> Iterator[str]:
    """Serve on an address until the block ends; yields where, as a URL.

    Args:
        address: `HOST:PORT`, `PORT` or empty for the protocol's own port on this machine. Port 0
            takes a free one.

    Raises:
        InvalidRequestError: It is no address.
        DeniedError: It can be reached from other machines and no token is set.
        UnavailableError: The port is taken.
    """
    host, port = parse_address(address, DEFAULT_PORT)
    token = context.environment.get(TOKEN, "")
    if host not in _LOCAL and not token:
        raise DeniedError(
            f"{host} can be reached from other machines", hint=f"set {TOKEN} to listen there"
        )
    with serve_app(build_app(context, token), host, port, lifespan="off") as url:
        yield url

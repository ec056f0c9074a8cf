"""Web hooks over HTTP: POST /hooks/NAME, on the server of `lignin up`.

Owns HTTP alone: sizes, status codes, how many at once. Who may send is decided by the signature, so the
server's own token is not asked for here. What is refused is told in as few words as a sender needs; why it
was, whoever runs the server is told.
"""

from collections.abc import Mapping

import anyio
from anyio.to_thread import run_sync
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
)
from lignin.interfaces.refusals import Refusals
from lignin.operations.context import Context
from lignin.operations.hooking import MAX_BODY_BYTES, take_hook

MAX_AT_ONCE = 4
MAX_WAITING = 32
READ_S = 20.0


def hook_routes(context: Context, refusals: Refusals) -> list[Route]:
    """The routes of a server that take web hooks in."""
    return [Route("/hooks/{name}", _Hooks(context, refusals).answer, methods=["POST"])]


class _Hooks:
    def __init__(self, context: Context, refusals: Refusals) -> None:
        self._context = context
        self._refusals = refusals
        self._threads = anyio.CapacityLimiter(MAX_AT_ONCE)
        self._inside = 0

    async def answer(self, request: Request) -> Response:
        """Take one in: 200 where it is kept, now or before."""
        name = str(request.path_params["name"])[:100]
        if self._inside >= MAX_WAITING:
            return self._refuse(name, LimitedError("too many at once"))
        self._inside += 1
        try:
            if request.headers.get("origin"):
                raise DeniedError("a page in a browser may not send here")
            with anyio.fail_after(READ_S):
                body = await _read(request)
            headers: Mapping[str, str] = {
                name.lower(): value for name, value in request.headers.items()
            }
            await run_sync(take_hook, self._context, name, headers, body, limiter=self._threads)
        except ClientDisconnect:
            return Response(status_code=400)
        except TimeoutError:
            return Response(status_code=408)
        except LigninError as error:
            return self._refuse(name, error)
        finally:
            self._inside -= 1
        return Response(status_code=200)

    def _refuse(self, name: str, error: LigninError) -> Response:
        self._refusals.tell(f"/hooks/{name}", error)
        return _told(error)


async def _read(request: Request) -> bytes:
    """The body, bounded while it comes in."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise InvalidRequestError(f"a body of over {MAX_BODY_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def _told(error: LigninError) -> Response:
    """A status, and no word of ours about keys, files or settings."""
    if isinstance(error, LimitedError):
        return Response(status_code=429, headers={"retry-after": "1"})
    if isinstance(error, DeniedError):
        return Response(status_code=403)
    if isinstance(error, NotFoundError):
        return Response(status_code=404)
    return Response(status_code=413 if "body of over" in error.message else 503)

"""The application behind the port: where routers are put together."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from lignin import __version__
from lignin.interfaces.calls import Calls
from lignin.interfaces.http.guard import GOVERNS, Door, Guard
from lignin.interfaces.http.openapi import install
from lignin.interfaces.http.problems import answer_error, problem
from lignin.interfaces.http.routes import PREFIX, operations_router
from lignin.operations.registry import Operation

CODES = {404: "not_found", 405: "wrong_method"}
Lifespan = Any
MCP_PATH = "/mcp"


def build_app(
    operations: Mapping[str, Operation],
    calls: Calls,
    door: Door,
    *,
    routers: Sequence[APIRouter] = (),
    routes: Sequence[BaseRoute] = (),
    mcp: ASGIApp | None = None,
    governing_mcp: ASGIApp | None = None,
    lifespans: Sequence[Lifespan] = (),
) -> ASGIApp:
    """The guarded application.

    Args:
        routers: More routers; all stand behind the same guard.
        routes: More plain routes, such as those of the telemetry intake.
        mcp: What answers at `/mcp`.
        governing_mcp: What answers there instead to who shows the token that governs.
        lifespans: Of what is mounted.
    """
    app = FastAPI(
        title="Lignin",
        version=__version__,
        description="The operations of Lignin, as the command line has them.",
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        lifespan=_together(lifespans),
    )
    app.include_router(operations_router(operations, calls, govern=bool(door.govern_token)))
    for router in routers:
        app.include_router(router)
    app.router.routes.extend(routes)
    app.add_api_route("/health", _health, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(Exception, _fault)
    install(app)
    if mcp is None:
        return Guard(app, door)
    return Guard(_Switch(app, mcp, governing_mcp or mcp), door)


def _together(lifespans: Sequence[Lifespan]) -> Lifespan:
    @contextlib.asynccontextmanager
    async def lasting(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for lifespan in lifespans:
                await stack.enter_async_context(lifespan(app))
            yield

    return lasting


class _Switch:
    """Hands one path to another application; as a mount it would swallow what the rest refuses."""

    def __init__(self, app: ASGIApp, mcp: ASGIApp, governing: ASGIApp) -> None:
        self._app, self._mcp, self._governing = app, mcp, governing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and scope["path"] == MCP_PATH:
            app = self._governing if scope[GOVERNS] else self._mcp
        await app(scope, receive, send)


async def _health() -> Response:
    return JSONResponse({"status": "up"})


async def _refuse(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, HTTPException)
    answer = problem(
        error.status_code,
        str(error.detail),
        CODES.get(error.status_code, "refused"),
        f"{PREFIX}/openapi.json lists what there is",
    )
    answer.headers.update(error.headers or {})
    return answer


async def _fault(request: Request, error: Exception) -> Response:  # noqa: ARG001
    from lignin.interfaces.errors import explain_fault

    return answer_error(explain_fault(error))

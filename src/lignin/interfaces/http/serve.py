"""What stands behind the port, and the file of its token."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from starlette.types import ASGIApp

from lignin.domain.errors import (
    DeniedError,
    IntegrityError,
    UnavailableError,
)
from lignin.interfaces import otlp
from lignin.interfaces.calls import Calls, OpenContext
from lignin.interfaces.http.app import build_app
from lignin.interfaces.http.guard import LOOPBACK, Door
from lignin.interfaces.listening import parse_address, serve_app
from lignin.operations.context import Context, Serving
from lignin.operations.registry import load_operations

DEFAULT_PORT = 4320
TOKEN_FILE = "http.token"  # noqa: S105 - the name of a file
HOSTS = "LIGNIN_HTTP_HOSTS"
TOKEN_BYTES = 32
_LEAST_CHARS = 32


def load_token(home: Path) -> str:
    """The server's token, made and kept on first use, readable by its owner only.

    Raises:
        DeniedError: Others may read the file.
        IntegrityError: It holds no token.
        UnavailableError: It cannot be kept.
    """
    path = home / TOKEN_FILE
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(TOKEN_BYTES) + "\n")
        if path.stat().st_mode & 0o077:
            raise DeniedError(f"others may read {path}", hint=f"chmod 600 {path}")
        token = path.read_text().strip()
    except OSError as error:
        raise UnavailableError(
            f"cannot keep the token in {home}: {error.strerror}", hint="check the folder's rights"
        ) from error
    if len(token) < _LEAST_CHARS:
        raise IntegrityError(f"{path} holds no token", hint="remove it: a new one is made")
    return token


def make_app(context: Context, serving: Serving, open_copy: OpenContext, host: str) -> ASGIApp:
    """Everything behind one port: operations, telemetry intake, and MCP where it is installed.

    Raises:
        DeniedError: Without the token it would be open to other machines.
    """
    here = host in LOOPBACK
    if not here and not serving.token:
        raise DeniedError(f"{host} can be reached from other machines", hint="leave out --no-token")
    named = context.environment.get(HOSTS, "")
    hosts = LOOPBACK | {name.strip().lower() for name in named.split(",") if name.strip()}
    door = Door(
        token=load_token(context.home),
        telemetry_token=context.environment.get(otlp.TOKEN, ""),
        hosts=hosts | ({host} if host not in {"0.0.0.0", "::"} else set()),  # noqa: S104
        open_here=not serving.token,
    )
    calls, operations = Calls(context, open_copy), load_operations()
    try:
        from lignin.interfaces.mcp.server import http_app
    except ImportError:
        context.progress("no MCP at /mcp: pip install 'lignin[mcp]'", 0, None)
        return build_app(operations, calls, door, routes=otlp.guarded_routes(context))
    mcp = http_app(operations, calls, serving, sorted(door.hosts))
    return build_app(
        operations,
        calls,
        door,
        routes=otlp.guarded_routes(context),
        mcp=mcp.app,
        lifespan=mcp.lifespan,
    )


@contextlib.contextmanager
def serve(context: Context, serving: Serving, open_copy: OpenContext) -> Iterator[str]:
    """Serve on an address until the block ends; yields where, as a URL.

    Raises:
        DeniedError: It can be reached from other machines without the token.
        InvalidRequestError: It is no address.
        UnavailableError: The port is taken.
    """
    host, port = parse_address(serving.address, DEFAULT_PORT)
    with serve_app(make_app(context, serving, open_copy, host), host, port) as url:
        yield url

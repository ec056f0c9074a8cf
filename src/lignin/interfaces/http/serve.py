"""What stands behind the port, and the files of its tokens."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
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
from lignin.interfaces.http.guard import GOVERN_TOKEN_FILE, LOOPBACK, TOKEN_FILE, Door
from lignin.interfaces.listening import parse_address, serve_app
from lignin.operations.context import Context, Serving
from lignin.operations.registry import load_operations

DEFAULT_PORT = 4320
HOSTS = "LIGNIN_HTTP_HOSTS"
TOKEN_BYTES = 32
_LEAST_CHARS = 32


def load_token(home: Path, name: str = TOKEN_FILE) -> str:
    """A token of the server, made and kept on first use, readable by its owner only.

    Raises:
        DeniedError: Others may read the file.
        IntegrityError: It holds no token.
        UnavailableError: It cannot be kept.
    """
    path = home / name
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
        govern_token=load_token(context.home, GOVERN_TOKEN_FILE) if serving.govern else "",
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
    names = sorted(door.hosts)
    mcp = http_app(operations, calls, replace(serving, govern=False), names)
    governing = http_app(operations, calls, serving, names) if serving.govern else None
    return build_app(
        operations,
        calls,
        door,
        routes=otlp.guarded_routes(context),
        mcp=mcp.app,
        governing_mcp=governing.app if governing else None,
        lifespans=[each.lifespan for each in (mcp, governing) if each],
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

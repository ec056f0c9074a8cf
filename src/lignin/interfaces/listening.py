"""Listening on an address: what the servers of this machine share.

Owns the address, the socket and the thread; who may ask is each server's own affair.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from lignin.domain.errors import InvalidRequestError, UnavailableError


def parse_address(address: str, default_port: int) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `PORT`, or nothing.

    Raises:
        InvalidRequestError: It is no address.
    """
    host, _, port = address.rpartition(":")
    if not address:
        return "127.0.0.1", default_port
    if not port.isdecimal() or int(port) > 65535:
        raise InvalidRequestError(f"{address!r} is no address", hint="HOST:PORT, or a port")
    return host.strip("[]") or "127.0.0.1", int(port)


@contextlib.contextmanager
def serve_app(
    app: ASGIApp, host: str, port: int, lifespan: Literal["auto", "off"] = "auto"
) -> Iterator[str]:
    """Serve an application on a thread until the block ends; yields where, as a URL.

    Args:
        port: 0 takes a free one.

    Raises:
        UnavailableError: The port is taken.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UnavailableError(
            f"cannot listen on {host}:{port}: {error}", hint="name another port"
        ) from error
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan=lifespan
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        bound.close()

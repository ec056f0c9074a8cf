"""MCP on the standard streams: what a client starts as a process of its own."""

import contextlib
import os
import sys
from collections.abc import Iterator

import anyio

from lignin.interfaces.calls import Calls, OpenContext
from lignin.interfaces.mcp.server import make_server
from lignin.operations.context import Context, Serving
from lignin.operations.registry import load_operations


@contextlib.contextmanager
def serve(context: Context, serving: Serving, open_copy: OpenContext) -> Iterator[str]:
    """Serve until the client closes stdin, then yield.

    Afterwards stdout leads to stderr, so that nothing but the protocol was ever on it.
    """
    server = make_server(load_operations(), Calls(context, open_copy), serving)
    try:
        anyio.run(lambda: server.run_stdio_async(show_banner=False, log_level="ERROR"))
    finally:
        sys.stdout.flush()
        os.dup2(2, 1)
    yield "stdio"

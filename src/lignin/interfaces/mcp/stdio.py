"""MCP on the standard streams: what a client starts as a process of its own."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping

import anyio

from lignin.interfaces.calls import Calls, OpenContext
from lignin.interfaces.mcp.server import make_server
from lignin.interfaces.mcp.teaching import FEW
from lignin.operations.context import Context, Serving
from lignin.operations.registry import Operation, load_noun, load_operations


@contextlib.contextmanager
def serve(context: Context, serving: Serving, open_copy: OpenContext) -> Iterator[str]:
    """Serve until the client closes stdin, then yield.

    Afterwards stdout leads to stderr, so that nothing but the protocol was ever on it.
    """
    server = make_server(_operations(serving), Calls(context, open_copy), serving)
    try:
        anyio.run(lambda: server.run_stdio_async(show_banner=False, log_level="ERROR"))
    except* (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass  # the client left in the middle of an answer
    finally:
        sys.stdout.flush()
        os.dup2(2, 1)
    yield "stdio"


def _operations(serving: Serving) -> Mapping[str, Operation]:
    """All operations, or the nouns of the few tools alone: a client waits for the start."""
    if serving.every or serving.govern:
        return load_operations()
    nouns = dict.fromkeys([*(name.partition(".")[0] for name in FEW), "session"])
    return {name: each for noun in nouns for name, each in load_noun(noun).items()}

"""Tool calls answered by a real MCP server, over stdin and stdout of a command or Streamable HTTP.

Owns the connection and its bounds: one session for all runs, on a thread of its own, since the SDK
is asynchronous and the broker is not. What a server says of its tools is taken at its word (the user
chose it), within bounds on their names, number and schemas. Its stderr is dropped. What it answers
may be as large as it likes on its own pipe; what is handed on is bounded.
"""

import asyncio
import os
import re
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_json
from lignin.domain.errors import CodecError, UnavailableError
from lignin.ports.broker import ToolServer
from lignin.ports.tools import Observation, ToolSpec, result_of_text

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, Tool

MAX_TOOLS: Final = 500
MAX_PAGES: Final = 20
MAX_SCHEMA_BYTES: Final = 64 * 2**10
MAX_RESULT_BYTES: Final = 2**20
MAX_MESSAGE: Final = 2000
TOOL_ERROR: Final = "tool_error"
"""Whatever a tool says went wrong; it may have come halfway, so no contract names it as a refusal."""
REFUSED_ARGUMENTS: Final = "bad_arguments"
"""The server's protocol refused the arguments: no tool has seen them."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}")
_CLOSING_S = 10.0
_INVALID_PARAMS = -32602
Made = TypeVar("Made")


class ServerBinding:
    """See `lignin.ports.broker.Binding`. Thread-safe; `close` ends the server.

    Args:
        server: How it is reached.
        environment: Where the variables are read that it is given.
        reads_only: Calls of tools that may change something are not made, and have no answer.

    Raises:
        UnavailableError: It does not start or answer in time, or the SDK is not installed.
    """

    def __init__(
        self, server: ToolServer, environment: Mapping[str, str], *, reads_only: bool
    ) -> None:
        self.name = f"server:{server.name}"
        self.reads_only = reads_only
        self._server = server
        self._environment = environment
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._client: Client | None = None
        self._tools: Mapping[str, ToolSpec] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        started_at = time.monotonic()
        if not self._ready.wait(server.timeout_s + _CLOSING_S) or self._client is None:
            self.close()
            is_late = time.monotonic() - started_at >= server.timeout_s
            how = f"did not start within {server.timeout_s:g} s" if is_late else "ended at once"
            raise UnavailableError(
                f"the tool server {server.name!r} {how}",
                hint="run its command by hand, or see the servers of your grants file",
            )

    @property
    def digest(self) -> Digest:
        """Digest of its name and its tools' contracts: what it answers cannot be known."""
        specs = sorted(spec.digest for spec in self._tools.values())
        return digest_json([self.name, self.reads_only, specs])

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """Its tools by name."""
        return self._tools

    def begin(self) -> "ServerBinding":
        """The same session: a server's state is its own, and no run puts it back."""
        return self

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        """Call one tool; None where it may change something and only reads are made.

        Raises:
            UnavailableError: No answer in time, one too large, or the server is gone.
        """
        if self.reads_only and self._tools[tool].effect == "write":
            return None
        client = self._client
        if client is None:
            raise UnavailableError(f"the tool server {self._server.name!r} was ended")
        with _translated(self._server.name):
            return _observation(self._wait(self._asked(client, tool, arguments)))

    def close(self) -> None:
        """End the session and the server's process."""
        if not self._loop.is_closed() and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_CLOSING_S)

    async def _asked(
        self, client: "Client", tool: str, arguments: Mapping[str, Json]
    ) -> "CallToolResult | None":
        """The server's answer; None where it refused the arguments."""
        from mcp import MCPError

        try:
            return await client.call_tool(tool, dict(arguments))
        except MCPError as error:
            if error.code == _INVALID_PARAMS:
                return None
            raise

    def _wait(self, work: Coroutine[Any, Any, Made]) -> Made:
        made = asyncio.run_coroutine_threadsafe(
            asyncio.wait_for(work, self._server.timeout_s), self._loop
        )
        return made.result(self._server.timeout_s + _CLOSING_S)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException:  # noqa: S110 -- of the SDK's tasks; whoever waits finds no client
            pass
        finally:
            self._client = None
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        from mcp import Client

        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 -- a file, as the SDK asks for one
            transport = _transport(self._server, self._environment, nowhere)
            client = Client(transport, read_timeout_seconds=self._server.timeout_s)
            async with asyncio.timeout(self._server.timeout_s) as starting, client:
                self._tools = await _listed(client)
                starting.reschedule(None)
                self._client = client
                self._ready.set()
                await self._stop.wait()


def require_sdk() -> None:
    """Raise where the extra is not installed.

    Raises:
        UnavailableError: It is not.
    """
    try:
        import mcp  # noqa: F401
    except ImportError:
        raise UnavailableError(
            "tool servers need the extra `mcp`", hint="pip install 'lignin[mcp]'"
        ) from None


def _transport(server: ToolServer, environment: Mapping[str, str], nowhere: Any) -> Any:
    if server.url:
        from mcp.client.streamable_http import streamable_http_client

        return streamable_http_client(server.url)
    from mcp import StdioServerParameters
    from mcp.client.stdio import stdio_client

    given = {name: environment[name] for name in server.variables if name in environment}
    command = StdioServerParameters(
        command=server.command[0], args=list(server.command[1:]), env=given
    )
    return stdio_client(command, errlog=nowhere)


async def _listed(client: "Client") -> dict[str, ToolSpec]:
    """The tools whose name and schema are within bounds; the others are as if not there."""
    found: dict[str, ToolSpec] = {}
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            spec = _spec(tool)
            if spec is not None and len(found) < MAX_TOOLS:
                found.setdefault(spec.name, spec)
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def _spec(tool: "Tool") -> ToolSpec | None:
    if not _NAME.fullmatch(tool.name):
        return None
    try:
        if len(canonical_bytes(tool.input_schema)) > MAX_SCHEMA_BYTES:
            return None
    except CodecError:
        return None
    hints = tool.annotations
    reads = bool(hints and hints.read_only_hint)
    return ToolSpec(
        name=tool.name,
        description=(tool.description or "")[:MAX_MESSAGE],
        input=tool.input_schema,
        effect="read" if reads else "write",
        idempotent=reads or bool(hints and hints.idempotent_hint),
        errors=(REFUSED_ARGUMENTS,),
    )


def _observation(answer: "CallToolResult | None") -> Observation:
    if answer is None:
        return Observation(error=REFUSED_ARGUMENTS, message="the server refused the arguments")
    texts = [part.text for part in answer.content if part.type == "text"]
    if answer.is_error:
        return Observation(error=TOOL_ERROR, message="\n".join(texts)[:MAX_MESSAGE])
    result: Json = answer.structured_content
    if result is None:
        if len(texts) < len(answer.content):
            raise UnavailableError("the tool answered with something else than text or JSON")
        result = result_of_text("\n".join(texts))
    try:
        size = len(canonical_bytes(result))
    except CodecError as error:
        raise UnavailableError("the tool's answer has no canonical JSON") from error
    if size > MAX_RESULT_BYTES:
        raise UnavailableError(f"the tool's answer has {size} bytes, of {MAX_RESULT_BYTES}")
    return Observation(result=result)


@contextmanager
def _translated(server: str) -> Iterator[None]:
    try:
        yield
    except (TimeoutError, asyncio.CancelledError):
        raise UnavailableError(f"the tool server {server!r} gave no answer in time") from None
    except UnavailableError:
        raise
    except Exception:  # its text could hold anything
        raise UnavailableError(f"the tool server {server!r} failed or is gone") from None

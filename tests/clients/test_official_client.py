"""The official MCP client for Python, on the standard streams and over HTTP, in both eras."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult

from clients.conftest import ROOT, Running

ERAS = {"auto": "2026-07-28", "legacy": "2025-11-25"}
WHY = {"rationale": "a test wants it"}


async def agree(_context: Any, params: Any) -> ElicitResult:
    """The person says yes, whatever the question's field is called."""
    name = next(iter(params.requested_schema["properties"]))
    return ElicitResult(action="accept", content={name: True})


@pytest.mark.parametrize("mode", ERAS)
def test_over_http_it_calls_reads_and_is_asked(running: Running, mode: Any) -> None:
    told: list[tuple[float, str | None]] = []

    async def listen(progress: float, _total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async def work() -> Any:
        async with AsyncExitStack() as stack:
            headers = {"Authorization": f"Bearer {running.token}"}
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
            transport = streamable_http_client(f"{running.url}/mcp", http_client=http)
            client = await stack.enter_async_context(
                Client(transport, mode=mode, elicitation_callback=agree)
            )
            given = {"name": "double", "input": {"number": 21}, **WHY}
            called = await client.call_tool("artifact_call", given)
            head = {"name": f"other-{mode}", **WHY}
            made = await client.call_tool("head_create", head)
            await client.call_tool("trace_lessons", WHY, progress_callback=listen)
            skill = await client.read_resource("skill://double/SKILL.md")
            tools = (await client.list_tools()).tools
            return client.protocol_version, called, made, skill, tools

    version, called, made, skill, tools = asyncio.run(work())
    assert version == ERAS[mode]
    assert called.structured_content["output"] == 42
    assert not made.is_error
    assert made.structured_content["name"] == f"other-{mode}"
    assert "# double" in skill.contents[0].text
    assert all(tool.annotations is not None and tool.output_schema for tool in tools)


@pytest.mark.parametrize("mode", ERAS)
def test_it_starts_our_server_on_the_standard_streams(tmp_path: Path, mode: Any) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "lignin", "mcp"],
        env={"LIGNIN_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "src")},
    )

    async def work() -> Any:
        async with Client(server, mode=mode) as client:
            files = {"double.py": "def double(number: int) -> int:\n    return number * 2\n"}
            captured = await client.call_tool("artifact_capture", {"files": files, **WHY})
            given = {"name": "double", "input": {"number": 4}, **WHY}
            return client.protocol_version, captured, await client.call_tool("artifact_call", given)

    version, captured, called = asyncio.run(work())
    assert version == ERAS[mode]
    assert captured.structured_content["state"] == "draft"
    assert called.structured_content["output"] == 8

"""Calls that take long become tasks, for clients that take tasks."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from lignin.interfaces.mcp.tasks import Tasks


def test_a_call_that_takes_long_becomes_a_task_for_clients_that_take_tasks() -> None:
    async def run() -> Any:
        tasks, gate = Tasks(grace_s=0.0), asyncio.Event()
        from fastmcp.tools import ToolResult

        async def work() -> ToolResult:
            await gate.wait()
            return ToolResult(content="done", structured_content={"ok": True})

        hints = SimpleNamespace(read_only_hint=False, destructive_hint=False)

        async def get_tool(name: str) -> Any:
            return SimpleNamespace(annotations=hints)

        meta = {
            "io.modelcontextprotocol/clientCapabilities": {"extensions": {Tasks.identifier: {}}}
        }
        wire = SimpleNamespace(
            request_context=SimpleNamespace(meta=meta), fastmcp=SimpleNamespace(get_tool=get_tool)
        )
        made: Any = await tasks.intercept_tool_call(SimpleNamespace(name="t"), wire, work)  # type: ignore[arg-type]
        params: Any = SimpleNamespace(task_id=made.task_id)
        before = await tasks._get(None, params)
        gate.set()
        while (after := await tasks._get(None, params)).status == "working":
            await asyncio.sleep(0)
        return made, before, after

    made, before, after = asyncio.run(run())
    assert (made.result_type, made.status, before.status, after.status) == (
        "task", "working", "working", "completed",
    )  # fmt: skip
    assert after.result["structuredContent"] == {"ok": True}


def test_an_unknown_task_is_refused() -> None:
    params: Any = SimpleNamespace(task_id="guessed")
    with pytest.raises(Exception, match="no such task"):
        asyncio.run(Tasks()._get(None, params))

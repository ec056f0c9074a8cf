"""A tool of any MCP server as a loop's action, through the broker, as the grants file names the server."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.adapters.broker.exits import UserExits
from lignin.domain.codec import Json
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.operations.conftest import Desk, open_desk

pytest.importorskip("mcp")
PROGRAM = Path(__file__).with_name("stock_server.py")


@pytest.fixture
def stocked(tmp_path: Path) -> Iterator[Desk]:
    sandbox = ProcessSandbox()
    with open_desk(tmp_path, sandbox) as desk:
        path = desk.context.home / "grants.toml"
        command = [sys.executable, str(PROGRAM), str(tmp_path / "changes")]
        path.write_text(f"[servers.stock]\ncommand = {json.dumps(command)}\n")
        path.chmod(0o600)
        exits = UserExits({}, desk.context.person_home, path)
        yield Desk(replace(desk.context, open_exits=lambda: exits))
    sandbox.close()


def run(desk: Desk, tool: str, server: str = "stock", **request: Json) -> Any:
    value = {
        "loop": "stock",
        "trigger": {"kind": "message"},
        "context": [],
        "action": {"kind": "tool", "server": server, "name": tool, "with": request},
        "gate": {"kind": "nothing"},
        "stop": {"budget": {"time_s": 60}},
    }
    added = desk("loop.add", file=desk.write("stock.json", json.dumps(value)))
    assert bool(added.warnings()) == (server != "stock")
    return desk("loop.run", name="stock", given={"item": "nut"})


def test_a_tool_is_called_with_what_came_and_what_it_says_is_found(stocked: Desk) -> None:
    assert run(stocked, "count", item="$given.item").state == "landed"
    assert [item.title for item in stocked("inbox.list").items] == ['{"count":9,"item":"nut"}']


def test_what_a_tool_refuses_and_a_server_that_is_not_granted_fail_the_run(stocked: Desk) -> None:
    assert run(stocked, "count", item="moon").state == "failed"
    assert run(stocked, "no_such_tool").state == "failed"
    assert run(stocked, "count", server="other", item="nut").state == "failed"
    told = [stocked("inbox.show", item=i.item).evidence for i in stocked("inbox.list").items]
    for why in ("Error executing tool count", "Unknown tool", "no tool server 'other'"):
        assert any(why in text for each in told for text in each), (why, told)

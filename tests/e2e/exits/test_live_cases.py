"""Eval cases tried live at a real MCP server that can be put back, and never at one that cannot."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lignin.app import load_settings, open_context
from lignin.operations.context import Context
from lignin.operations.trace import TraceImport, import_
from lignin.operations.trace_cases import TraceCases, cases

pytest.importorskip("mcp")
PROGRAM = Path(__file__).with_name("shelf_server.py")


def run(trial: int, value: int, *, told: str = '{"done":true}', prefix: str = "") -> dict[str, Any]:
    call = {"name": f"{prefix}put", "arguments": json.dumps({"name": "b", "value": value})}
    return {
        "lignin_run": 1,
        "task_id": "shelf",
        "trial": trial,
        "outcome": "success" if value == 2 else "failure",
        "environment": {} if prefix else {"name": "server:shelf"},
        "messages": [
            {"role": "user", "content": "Put 2 on the shelf under b."},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": call}]},
            {"role": "tool", "tool_call_id": "c", "content": told},
            {"role": "assistant", "content": "It is there."},
        ],
    }


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Context, Path]]:
    environment = {"LIGNIN_HOME": str(tmp_path), "HOME": str(tmp_path), "LIGNIN_ACTOR": "user:t"}
    with open_context(load_settings({**os.environ, **environment}, tmp_path)) as context:
        yield context, tmp_path


def grant(home: Path, *lines: str) -> None:
    command = json.dumps([sys.executable, str(PROGRAM)])
    path = home / "grants.toml"
    path.write_text("\n".join(["[servers.shelf]", f"command = {command}", *lines]) + "\n")
    path.chmod(0o600)


def taken(context: Context, home: Path, runs: list[dict[str, Any]]) -> Any:
    (home / "runs.jsonl").write_text("".join(json.dumps(each) + "\n" for each in runs))
    import_(context, TraceImport(paths=[str(home / "runs.jsonl")]))
    return cases(context, TraceCases()).items


RIGHT_AND_WRONG = [(0, 2), (1, 2), (2, 9)]
BOTH = ('reset_tool = "reset"', 'state_tool = "dump"')


@pytest.mark.parametrize("prefix", ["", "mcp__shelf__"])
def test_server_that_can_be_put_back_proves_a_case_twenty_times(
    opened: tuple[Context, Path], prefix: str
) -> None:
    context, home = opened
    grant(home, *BOTH)
    items = taken(context, home, [run(*each, prefix=prefix) for each in RIGHT_AND_WRONG])
    assert [each.kind for each in items] == ["live"]
    assert items[0].proof == {"faulty": 20, "failed": 20, "passing": 20, "passed": 20}


def test_server_that_cannot_be_put_back_is_never_called(opened: tuple[Context, Path]) -> None:
    context, home = opened
    grant(home)
    items = taken(context, home, [run(*each) for each in RIGHT_AND_WRONG])
    assert [each.kind for each in items] == ["recorded"]


def test_server_that_answers_otherwise_than_recorded_is_not_the_same_world(
    opened: tuple[Context, Path],
) -> None:
    context, home = opened
    grant(home, *BOTH)
    items = taken(context, home, [run(*each, told='{"seen":7}') for each in RIGHT_AND_WRONG])
    assert [each.kind for each in items] == ["recorded"]

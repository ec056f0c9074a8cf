"""The MCP Inspector reads our tools and skills in both eras."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clients.conftest import Clients, Running


def inspect(
    clients: Clients, running: Running, era: str, *words: str
) -> subprocess.CompletedProcess[str]:
    return clients.run(
        "mcp-inspector", "--cli", "--transport", "http", "--server-url", f"{running.url}/mcp",
        "--header", running.header, "--protocol-era", era, *words,
    )  # fmt: skip


def test_node_and_the_packages_are_the_ones_asked_for(clients: Clients) -> None:
    found = subprocess.run(
        [str(clients.node), "--version"], capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith("v24.")


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_every_tool_has_a_portable_schema(clients: Clients, running: Running, era: str) -> None:
    done = inspect(clients, running, era, "--strict", "--method", "tools/list")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["tools"]) > 100
    assert "Error: tool" not in done.stderr


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_a_tool_is_called(clients: Clients, running: Running, era: str) -> None:
    done = inspect(
        clients, running, era, "--method", "tools/call", "--tool-name", "artifact_call",
        "--tool-arg", "name=double", 'input={"number": 21}', "rationale=a test",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["structuredContent"]["output"] == 42


def test_skills_verify_with_a_digest_for_every_file(clients: Clients, running: Running) -> None:
    done = inspect(
        clients, running, "modern", "--method", "skills/list", "--verify", "--require-digests"
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[0])
    assert (report["name"], report["outcome"]) == ("double", "verified")
    assert report["conformance"] == []


def test_the_token_is_asked_for(clients: Clients, running: Running) -> None:
    done = clients.run(
        "mcp-inspector", "--cli", "--transport", "http", "--server-url", f"{running.url}/mcp",
        "--header", "Authorization: Bearer wrong", "--method", "tools/list",
    )  # fmt: skip
    assert done.returncode != 0


def test_it_starts_our_server_on_the_standard_streams(clients: Clients, tmp_path: Path) -> None:
    given = {"LIGNIN_HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH")}
    handed = [word for name, text in given.items() if text for word in ("-e", f"{name}={text}")]
    done = clients.run(
        "mcp-inspector", "--cli", "--protocol-era", "modern", "--connect-timeout", "90000", *handed,
        "--method", "tools/list", sys.executable, "-m", "lignin", "mcp",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["tools"]) == 7

"""What `init` and `plugin write` leave is what the real clients read."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clients.agents import codex_program, open_workshop
from clients.conftest import CODE, EXAMPLES, HERE, Clients
from clients.model_server import Said, Turn, serve_model

BIN = HERE / "node_modules" / ".bin"


class Machine:
    """A person's machine: home folder, store, and the clients on it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        (self.home / ".codex").mkdir(parents=True)
        self.project = folder / "project"
        self.project.mkdir()
        self._environment = {
            **os.environ,
            "HOME": str(self.home),
            "CODEX_HOME": str(self.home / ".codex"),
            "CLAUDE_CONFIG_DIR": str(self.home / ".claude"),
            "LIGNIN_HOME": str(folder / "data"),
            "LIGNIN_ACTOR": "user:tester",
            "DISABLE_AUTOUPDATER": "1",
        }
        trust = f"[projects.{json.dumps(str(self.project))}]\ntrust_level = 'trusted'\n"
        (self.home / ".codex/config.toml").write_text(trust)
        self("git", "init", "-q", ".")

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            list(words), cwd=self.project, env=self._environment, capture_output=True, text=True,
            check=False, timeout=180,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def lignin(self, *words: str) -> Any:
        return json.loads(self(sys.executable, "-m", "lignin", *words, "--compact", "--quiet"))


@pytest.fixture
def machine(clients: Clients, tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_claude_code_and_codex_find_the_server_that_init_wrote(machine: Machine) -> None:
    machine.lignin("init", "--client", "claude-code", "--client", "codex", "--yes")
    found = machine(str(BIN / "codex"), "mcp", "get", "lignin", "--json")
    assert json.loads(found)["transport"]["args"][-1] == "mcp"
    assert "lignin" in machine(str(BIN / "claude"), "mcp", "list")
    machine.lignin("init", "--undo", "--yes")
    assert "lignin" not in machine(str(BIN / "codex"), "mcp", "list")
    assert "lignin: " not in machine(str(BIN / "claude"), "mcp", "list")


def test_codex_has_our_tools_in_its_first_request_by_what_init_wrote(
    clients: Clients, tmp_path: Path
) -> None:
    if codex_program() is None:
        pytest.skip("npm brought no program of @openai/codex for this machine")
    offered: list[str] = []

    def first(turn: Turn) -> Said:
        offered.extend(turn.tools)
        return "done"

    with serve_model({"first": [first]}) as model, open_workshop(tmp_path, model) as shop:
        asked = {"folder": str(shop.project), "client": ["codex"], "yes": True}
        command = f"{sys.executable} -m lignin"
        shop.do("init", **asked, hooks=False, telemetry=False, command=command)
        shop.codex("first", served=False)
    assert "mcp__lignin__artifact_search" in offered


def test_the_plugin_passes_the_validator_and_both_clients_install_it(
    machine: Machine, tmp_path: Path
) -> None:
    source = tmp_path / "double.py"
    source.write_text(CODE)
    machine.lignin("artifact", "capture", str(source), "--examples", EXAMPLES)
    machine.lignin("artifact", "promote", "double", "--approve", "--yes")
    folder = tmp_path / "market"
    written = machine.lignin("plugin", "write", str(folder), "--command", "lignin")
    assert written["skills"] == ["double"]
    claude, codex = str(BIN / "claude"), str(BIN / "codex")
    assert "Validation passed" in machine(claude, "plugin", "validate", "--strict", str(folder))
    plugin = str(folder / "plugins/lignin")
    told = machine(claude, "plugin", "validate", "--strict", plugin)
    assert "Validation passed" in told and "lignin:double" in told
    machine(claude, "plugin", "marketplace", "add", str(folder))
    machine(claude, "plugin", "install", "lignin@lignin")
    assert "lignin@lignin" in machine(claude, "plugin", "list")
    machine(codex, "plugin", "marketplace", "add", str(folder))
    machine(codex, "plugin", "add", "lignin@lignin")
    (installed,) = json.loads(machine(codex, "plugin", "list", "--json"))["installed"]
    assert installed["enabled"] and installed["version"] == written["version"]
    assert "lignin" in machine(codex, "mcp", "list")

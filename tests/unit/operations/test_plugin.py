"""`plugin write`: one folder for Claude Code and Codex, written anew, never over somebody else's files."""

import json
from pathlib import Path

import pytest

from lignin.artifacts.projects.plugin import MARKETPLACE
from lignin.domain.errors import ConflictError, InvalidRequestError
from unit.operations.conftest import Desk


def test_the_plugin_holds_server_hooks_and_the_skills_of_the_head(desk: Desk) -> None:
    desk.double(promote=True)
    written = desk("plugin.write", folder="market", command="lignin")
    root = desk.context.cwd / "market/plugins/lignin"
    assert written.skills == ["double"]
    assert (root / "skills/double/SKILL.md").is_file()
    assert (root / "skills/using-lignin/SKILL.md").is_file()
    claude = json.loads((root / ".claude-plugin/plugin.json").read_text())
    codex = json.loads((root / ".codex-plugin/plugin.json").read_text())
    assert claude["version"] == codex["version"] == written.version
    for name, client in (("hooks.json", "claude-code"), ("codex.json", "codex")):
        assert f"lignin hook {client} stop" in (root / "hooks" / name).read_text()
    server = json.loads((root / ".mcp.json").read_text())["mcpServers"]["lignin"]
    assert server == {"command": "lignin", "args": ["mcp"]}


def test_writing_again_changes_nothing_and_follows_the_head(desk: Desk) -> None:
    first = desk("plugin.write", folder="market", command="lignin")
    assert first.skills == []
    folder = desk.context.cwd / "market"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert desk("plugin.write", folder="market", command="lignin") == first
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    desk.double(promote=True)
    second = desk("plugin.write", folder="market", command="lignin")
    assert second.version != first.version
    assert second.skills == ["double"]


def test_a_revoked_skill_changes_the_version_so_that_copies_are_renewed(desk: Desk) -> None:
    desk.double(promote=True)
    before = desk("plugin.write", folder="market", command="lignin")
    desk("artifact.quarantine", name="double", reason="it was wrong")
    after = desk("plugin.write", folder="market", command="lignin")
    assert (before.skills, after.skills) == (["double"], [])
    assert after.version != before.version


@pytest.mark.parametrize("name", ["README.md", MARKETPLACE])
def test_a_folder_of_somebody_else_is_left_alone(name: str, desk: Desk) -> None:
    desk.write(f"theirs/{name}", '{"name": "theirs"}')
    with pytest.raises(ConflictError):
        desk("plugin.write", folder="theirs")
    assert [path.name for path in (desk.context.cwd / "theirs").rglob("*") if path.is_file()] == [
        Path(name).name
    ]


def test_links_in_the_folder_are_not_followed(desk: Desk) -> None:
    desk("plugin.write", folder="market", command="lignin")
    path = desk.context.cwd / "market/plugins/lignin/.mcp.json"
    outside = desk.context.cwd / "outside.json"
    outside.write_text("mine")
    path.unlink()
    path.symlink_to(outside)
    with pytest.raises(ConflictError, match="link"):
        desk("plugin.write", folder="market", command="lignin")
    assert outside.read_text() == "mine"


def test_words_that_cannot_be_told_apart_are_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="--command"):
        desk("plugin.write", folder="market", command='"lignin')

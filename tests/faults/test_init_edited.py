"""The undo of `lignin init` where files were edited, removed or made links since, or are shared by projects."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faults.projects import ALL, Prepared, tree
from lignin.domain.errors import InvalidRequestError


def test_two_runs_for_two_clients_are_undone_together(stands: Any) -> None:
    stand = stands(Prepared({"AGENTS.md": b"# Rules\n", ".mcp.json": b"{}"}))
    before = stand.tree()
    for client in ALL:
        stand.init(client=[client])
    stand.undo()
    assert stand.tree() == before


def test_what_a_person_added_since_stays_and_ours_goes(stands: Any) -> None:
    stand = stands(Prepared({".mcp.json": b'{\n  "mcpServers": {}\n}\n', "AGENTS.md": b"a\n"}))
    stand.init(client=["claude-code", "codex"])
    servers = stand.project / ".mcp.json"
    mine = b'"mcpServers": {\n    "mine": {"command": "x"}, // note'
    servers.write_bytes(servers.read_bytes().replace(b'"mcpServers": {', mine))
    for name in ("AGENTS.md", ".codex/config.toml"):
        path = stand.project / name
        path.write_bytes(b"# before\n" + path.read_bytes() + b"# after\n")
    done = stand.undo()
    assert done.exit_code() == 0
    left = servers.read_bytes()
    assert left == b'{\n  "mcpServers": {\n    "mine": {"command": "x"} // note\n  }\n}\n'
    assert (stand.project / "AGENTS.md").read_bytes() == b"# before\na\n# after\n"
    assert (stand.project / ".codex/config.toml").read_bytes() == b"# before\n# after\n"
    assert not (stand.project / ".claude").exists()


def test_what_a_person_changed_of_ours_stays_and_is_told(stands: Any) -> None:
    stand = stands(Prepared({}))
    stand.init(client=["claude-code", "codex"])
    edits = {
        ".mcp.json": (b'"mcp"', b'"mcp", "--tools", "all"'),
        ".claude/settings.local.json": (b'"timeout": 20', b'"timeout": 5'),
        "AGENTS.md": (b"Before a task", b"Always before a task"),
        ".codex/config.toml": (b'["mcp"]', b'["mcp", "--govern"]'),
    }
    for name, (old, new) in edits.items():
        path = stand.project / name
        path.write_bytes(path.read_bytes().replace(old, new))
    done = stand.undo()
    assert done.exit_code() == 8
    assert {Path(left.path).name for left in done.left_alone} == {Path(n).name for n in edits}
    for name, (_, new) in edits.items():
        assert new in (stand.project / name).read_bytes()
    kept = (stand.project / ".claude/settings.local.json").read_bytes()
    assert b"hook claude-code stop" not in kept  # of the file, only what was changed stays
    assert b"OTEL" not in kept
    assert not (stand.project / ".codex/hooks.json").exists()


def test_what_was_edited_is_not_put_in_a_second_time(stands: Any) -> None:
    stand = stands(Prepared({}))
    stand.init(client=["claude-code"])
    path = stand.project / ".claude/settings.local.json"
    path.write_bytes(path.read_bytes().replace(b'"timeout": 20', b'"timeout": 5'))
    edited = path.read_bytes()
    told = stand.init(client=["claude-code"])
    assert path.read_bytes() == edited
    assert [left.part for left in told.left_alone] == ["hooks"]


def test_files_that_a_person_removed_since_are_not_brought_back(stands: Any) -> None:
    stand = stands(Prepared({"AGENTS.md": b"a\n"}))
    stand.init(client=["codex"])
    (stand.project / "AGENTS.md").unlink()
    stand.undo()
    assert stand.tree() == {}


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_undo_follows_what_has_become_a_link_inside_the_project(linked: str, stands: Any) -> None:
    stand = stands(Prepared({"AGENTS.md": b"a\n", ".mcp.json": b"{}", ".codex/config.toml": b""}))
    stand.init(client=["codex"])
    name = "AGENTS.md" if linked == "file" else ".codex"
    was = stand.project / name
    (stand.project / "docs").mkdir()
    was.rename(stand.project / "docs" / name)
    was.symlink_to(f"docs/{name}")
    assert stand.undo().exit_code() == 0
    assert was.is_symlink()
    assert (stand.project / "AGENTS.md").read_bytes() == b"a\n"
    assert (stand.project / ".codex/config.toml").read_bytes() == b""
    assert not list((stand.context.home / "projects").iterdir())


def test_undo_of_two_files_of_which_one_has_become_a_link_to_the_other(stands: Any) -> None:
    stand = stands(Prepared({"AGENTS.md": b"a\n", "CLAUDE.md": b"b\n"}))
    stand.init(client=["codex", "claude-code"])
    (stand.project / "CLAUDE.md").unlink()
    (stand.project / "CLAUDE.md").symlink_to("AGENTS.md")
    assert stand.undo().exit_code() == 0
    assert (stand.project / "AGENTS.md").read_bytes() == b"a\n"


@pytest.mark.parametrize("name", ["AGENTS.md", ".codex"])
def test_undo_writes_through_no_link_that_leads_out_and_can_be_run_again(
    name: str, stands: Any
) -> None:
    stand = stands(Prepared({"in/AGENTS.md": b"a\n"}, below="in"))
    stand.init(client=["codex"])
    path, outside = stand.project / name, stand.root / "outside"
    path.rename(outside)
    path.symlink_to(outside)
    before = tree(stand.root)
    shown = stand.undo(yes=False)
    assert stand.tree() == before
    done = stand.undo()
    assert done.exit_code() == shown.exit_code() == 8
    assert all("outside" in left.why for left in done.left_alone)
    after = stand.tree()
    assert {path: after[path] for path in after if path.startswith("outside")} == {
        path: before[path] for path in before if path.startswith("outside")
    }
    path.unlink()
    outside.rename(path)
    assert stand.undo().exit_code() == 0
    assert stand.tree().keys() == {"in", "in/AGENTS.md"}


def test_undo_of_a_file_that_was_broken_since_names_it_and_changes_nothing(stands: Any) -> None:
    stand = stands(Prepared({"AGENTS.md": b"a\n"}))
    stand.init(client=["claude-code"])
    path = stand.project / ".mcp.json"
    path.write_bytes(path.read_bytes() + b"}")
    before = stand.tree()
    with pytest.raises(InvalidRequestError, match=r"/\.mcp\.json: ") as raised:
        stand.undo()
    assert raised.value.hint
    assert stand.tree() == before


def test_what_two_projects_need_in_the_home_folder_goes_with_the_last(stands: Any) -> None:
    first, second = stands(Prepared({})), stands(Prepared({}))
    second.context = replace(first.context)
    config = first.context.person_home / ".codex/config.toml"
    config.parent.mkdir()
    config.write_bytes(b'model = "m"\n')
    for stand in (first, second):
        stand.init(client=["codex"], personal=True)
    again = second.init(client=["codex"], personal=True)
    assert not [file for file in again.files if file.how != "as before"]
    undone = first.undo()
    assert undone.exit_code() == 8
    (left,) = undone.left_alone
    assert left.path == str(config) and str(second.project) in left.why
    assert first.tree() == {}
    assert b"[otel]" in config.read_bytes()
    assert second.undo().exit_code() == 0
    assert first.undo().exit_code() == 0
    assert config.read_bytes() == b'model = "m"\n'
    assert not list((first.context.home / "projects").iterdir())


def test_a_project_that_is_gone_needs_nothing_in_the_home_folder(stands: Any) -> None:
    first, second = stands(Prepared({})), stands(Prepared({}))
    second.context = replace(first.context)
    (first.context.person_home / ".codex").mkdir()
    for stand in (first, second):
        stand.init(client=["codex"], personal=True)
    second.root.rename(second.root.with_name("gone"))
    assert first.undo().exit_code() == 0
    assert not (first.context.person_home / ".codex/config.toml").exists()


def test_what_two_projects_each_put_into_the_home_folder_is_taken_out_by_the_last(
    stands: Any,
) -> None:
    first, second = stands(Prepared({})), stands(Prepared({}))
    second.context = replace(first.context)
    config = first.context.person_home / ".codex/config.toml"
    config.parent.mkdir()
    first.init(client=["codex"], personal=True)
    config.unlink()
    second.init(client=["codex"], personal=True)
    assert first.undo().exit_code() == 8
    assert b"[otel]" in config.read_bytes()
    assert second.undo().exit_code() == 0
    assert not config.exists()

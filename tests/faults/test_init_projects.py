"""`lignin init` and its undo over prepared projects: no byte is lost, whatever it finds."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faults.projects import PROJECTS, Prepared
from faults.stands import is_within
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.operations.context import Context
from lignin.operations.init import init
from lignin.operations.init_models import Init

GOOD = {name: each for name, each in PROJECTS.items() if each.refused is None}


def test_there_are_at_least_forty_projects() -> None:
    assert len(PROJECTS) >= 40
    assert len(GOOD) >= 40


@pytest.mark.parametrize("name", GOOD)
def test_undo_restores_byte_for_byte_and_twice_changes_nothing(name: str, stands: Any) -> None:
    stand = stands(name)
    before = stand.tree()
    shown = stand.init(yes=False)
    assert stand.tree() == before
    done = stand.init()
    after = stand.tree()
    assert after != before
    assert done.files == shown.files
    assert {left.part for left in done.left_alone} == GOOD[name].kept
    for path, (mode, content) in before.items():
        assert after[path][0] == mode
        assert isinstance(content, str) or is_within(content, after[path][1])
    again = stand.init()
    assert stand.tree() == after
    assert not [file for file in again.files if file.how != "as before"]
    assert not stand.undo(yes=False).written
    assert stand.tree() == after
    undone = stand.undo()
    assert undone.exit_code() == 0
    assert stand.tree() == before
    assert not list((stand.context.home / "projects").iterdir())


@pytest.mark.parametrize("name", [name for name in PROJECTS if name not in GOOD])
def test_what_cannot_be_done_whole_is_refused_before_anything_is_written(
    name: str, stands: Any
) -> None:
    stand = stands(name)
    before = stand.tree()
    refused = PROJECTS[name].refused
    assert refused is not None
    for yes in (False, True):
        with pytest.raises(refused) as raised:
            stand.init(yes=yes)
        assert raised.value.hint
        assert stand.tree() == before
    assert not (stand.context.home / "projects").exists()


def test_undo_without_a_record_says_how_to_do_it_by_hand(stands: Any) -> None:
    stand = stands(Prepared({"AGENTS.md": b"a\n"}))
    with pytest.raises(NotFoundError, match="nothing was put"):
        stand.undo()


def test_where_no_client_is_used_one_must_be_named(stands: Any) -> None:
    stand = stands(Prepared({"README.md": b"a\n"}))
    with pytest.raises(NotFoundError, match="no agent client"):
        stand.init()
    with pytest.raises(NotFoundError, match="no client 'emacs'"):
        stand.init(client=["emacs"])


def test_the_home_folder_is_no_project_and_is_written_only_where_asked(stands: Any) -> None:
    stand = stands(Prepared({}))
    home = stand.context.person_home
    with pytest.raises(InvalidRequestError, match="home folder"):
        init(stand.context, Init(folder=str(home), yes=True))
    (home / ".codex").mkdir()
    (home / ".codex/config.toml").write_bytes(b'model = "m"')
    stand.init(client=["codex"])
    assert (home / ".codex/config.toml").read_bytes() == b'model = "m"'
    stand.init(client=["codex"], personal=True)
    assert b"[otel]" in (home / ".codex/config.toml").read_bytes()
    stand.undo()
    assert (home / ".codex/config.toml").read_bytes() == b'model = "m"'


def test_no_secret_of_a_file_reaches_the_record_the_answer_or_the_store(
    stands: Any, prepared_store: Context
) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
    text = f'{{\n  "env": {{\n    "KEY": "{secret}"\n  }}\n}}\n'
    stand = stands(Prepared({".claude/settings.local.json": text.encode()}))
    done = stand.init(client=["claude-code"])
    assert "hooks" in done.model_dump_json()
    assert secret not in done.model_dump_json()
    for path in (stand.context.home / "projects").iterdir():
        assert secret.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
    with prepared_store.view() as view:
        events = [event for event in view.log(limit=1000) if event.type == "project.prepared"]
    assert events and secret not in str(events)


TEAM = (
    b'{"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://t", "OTEL_EXPORTER_OTLP_HEADERS": "k=s3c"}}'
)


@pytest.mark.parametrize(
    ("client", "where", "said"),
    [
        ("claude-code", "moved/settings.json", TEAM),
        ("claude-code", "moved/settings.json", b'{"otelHeadersHelper": "sign.sh"}'),
        (
            "claude-code",
            "moved/settings.json",
            b'{"env": {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://t"}}',
        ),
        ("gemini-cli", "home/.gemini/settings.json", b'{"telemetry": {"enabled": false}}'),
    ],
)
def test_telemetry_that_a_file_of_the_client_sends_elsewhere_is_left_alone_and_told(
    client: str, where: str, said: bytes, stands: Any, tmp_path: Path
) -> None:
    stand = stands(Prepared({}))
    path = stand.root.parent / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(said)
    moved = str(stand.root.parent / "moved")
    stand.context = replace(stand.context, environment={"PATH": "", "CLAUDE_CONFIG_DIR": moved})
    Path(moved).mkdir(exist_ok=True)
    done = stand.init(client=[client], personal=True)
    assert [(left.path, left.part) for left in done.left_alone] == [(str(path), "telemetry")]
    assert "s3c" not in done.model_dump_json()
    assert path.read_bytes() == said
    for written in ("settings.local.json", "settings.json"):
        for found in stand.project.rglob(written):
            assert b"127.0.0.1" not in found.read_bytes()
            assert b"hook" in found.read_bytes()
    stand.undo()
    assert path.read_bytes() == said


def test_telemetry_of_claude_code_goes_into_the_home_folder_alone_and_only_where_asked(
    stands: Any,
) -> None:
    stand = stands(Prepared({}))
    home = stand.context.person_home / ".claude"
    home.mkdir()
    said = b'{"env": {"CLAUDE_CODE_ENABLE_TELEMETRY": "1"}}'
    (home / "settings.json").write_bytes(said)
    told = stand.init(client=["claude-code"])
    assert any("Claude Code" in each and "--personal" in each for each in told.to_do)
    assert (home / "settings.json").read_bytes() == said
    for path in (stand.project / ".claude").rglob("settings*"):
        assert b"OTEL" not in path.read_bytes()  # Claude Code ignores it there
    assert stand.init(client=["claude-code"], personal=True).left_alone == []
    assert b"OTEL_EXPORTER_OTLP_ENDPOINT" in (home / "settings.json").read_bytes()
    stand.undo()
    assert (home / "settings.json").read_bytes() == said


def test_a_file_of_a_persons_under_the_name_of_a_temporary_one_is_not_touched(stands: Any) -> None:
    names = ("AGENTS.md.lignin-part", "AGENTS.md.mine.lignin-part", "AGENTS.md.12345678.lignin")
    stand = stands(Prepared({"AGENTS.md": b"a\n", **dict.fromkeys(names, b"mine\n")}))
    before = stand.tree()
    stand.init(client=["codex"])
    stand.undo()
    assert stand.tree() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator gives files away")
def test_the_owner_of_a_file_stays(stands: Any) -> None:
    stand = stands(Prepared({"AGENTS.md": b"a\n"}))
    path = stand.project / "AGENTS.md"
    os.chown(path, 12345, 23456)
    stand.init(client=["codex"])
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)
    stand.undo()
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)

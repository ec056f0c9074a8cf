"""`lignin init` and its undo over prepared projects: no byte is lost, whatever it finds or is cut off at."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faults.projects import ALL, PROJECTS, Prepared, prepare, tree
from lignin.app import load_settings, open_context
from lignin.artifacts.disk import Disk
from lignin.domain.errors import ConflictError, InvalidRequestError, LigninError, NotFoundError
from lignin.operations.context import Context
from lignin.operations.init import init
from lignin.operations.init_models import Init, ProjectSet

GOOD = {name: each for name, each in PROJECTS.items() if each.refused is None}
LARGE, SMALL = "every client at once, each with its files", "CLAUDE.md is a link to AGENTS.md"
CUT_OFF = [SMALL, pytest.param(LARGE, marks=pytest.mark.slow)]


class Quick(Disk):
    """A disk that does not wait until what it wrote is durable."""

    def _sync(self, handle: int) -> None:
        pass


class CutOff(BaseException):
    """The process dies here."""


class Dying(Quick):
    """A disk whose process dies, or that is full, at one of its calls; a write is half done then."""

    def __init__(self, at: int, full: bool = False) -> None:
        self.left, self.full = at, full

    def _step(self) -> bool:
        self.left -= 1
        return self.left == 0

    def _end(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise CutOff

    def _write(self, handle: int, content: bytes) -> None:
        if self._step():
            os.write(handle, content[: len(content) // 2])
            self._end()
        super()._write(handle, content)

    def make_folder(self, path: Path) -> None:
        if self._step():
            self._end()
        super().make_folder(path)

    def rename(self, source: Path, target: Path) -> None:
        if self._step():
            self._end()
        super().rename(source, target)

    def remove_file(self, path: Path) -> None:
        if self._step():
            self._end()
        super().remove_file(path)

    def remove_folder(self, path: Path) -> None:
        if self._step():
            self._end()
        super().remove_folder(path)

    def sync_folder(self, path: Path) -> None:
        if self._step():
            self._end()
        super().sync_folder(path)


class Stand:
    """One project with a data folder of its own, on a store that all share."""

    def __init__(self, shared: Context, folder: Path, prepared: Prepared) -> None:
        self.root = folder / "tree"
        self.root.mkdir(parents=True)
        self.project = prepare(prepared, self.root)
        self.clients = list(prepared.clients)
        (folder / "home").mkdir()
        (folder / "data").mkdir()
        self.context = replace(
            shared, home=folder / "data", person_home=folder / "home", environment={"PATH": ""}
        )

    def init(self, disk: Disk | None = None, **asked: Any) -> ProjectSet:
        """Write, unless something else is asked for."""
        context = replace(self.context, disk=disk or Quick())
        named = {"client": self.clients, "yes": True, "command": "lignin", **asked}
        return init(context, Init(folder=str(self.project), **named))

    def undo(self, disk: Disk | None = None, **asked: Any) -> ProjectSet:
        """Take out."""
        return self.init(disk, **{"client": [], "undo": True, **asked})

    def tree(self) -> Any:
        """Every path of the tree."""
        return tree(self.root)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    home = tmp_path_factory.mktemp("store")
    settings = load_settings({"LIGNIN_HOME": str(home), "LIGNIN_ACTOR": "user:t"}, home)
    with open_context(settings) as context:
        yield context


@pytest.fixture
def stands(shared: Context, tmp_path: Path) -> Any:
    made: list[Stand] = []

    def stand(prepared: Prepared | str) -> Stand:
        prepared = PROJECTS[prepared] if isinstance(prepared, str) else prepared
        made.append(Stand(shared, tmp_path / str(len(made)), prepared))
        return made[-1]

    yield stand
    for each in made:
        for path in each.root.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)


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
        assert isinstance(content, str) or _is_within(content, after[path][1])
    again = stand.init()
    assert stand.tree() == after
    assert not [file for file in again.files if file.how != "as before"]
    assert not stand.undo(yes=False).written
    assert stand.tree() == after
    undone = stand.undo()
    assert undone.exit_code() == 0
    assert stand.tree() == before
    assert not list((stand.context.home / "projects").iterdir())


def _is_within(old: bytes, new: Any) -> bool:
    """True where all of the old bytes are there, in their order."""
    left = iter(new)
    return all(byte in left for byte in old)


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


@pytest.mark.parametrize("name", CUT_OFF)
@pytest.mark.parametrize("then", ["init", "undo"])
def test_a_run_that_is_cut_off_at_any_write_loses_nothing(
    name: str, then: str, stands: Any
) -> None:
    number = 0
    while True:
        number += 1
        stand = stands(name)
        before = stand.tree()
        try:
            stand.init(Dying(number))
        except CutOff:
            pass
        else:
            break
        for path, (_, content) in before.items():
            now = stand.tree()[path][1]
            assert isinstance(content, str) or _is_within(content, now), (number, path)
        if then == "init":
            stand.init()
        _undo_whatever(stand)
        assert stand.tree() == before, number
    assert number > 15


def _undo_whatever(stand: Stand) -> None:
    with suppress(NotFoundError):  # cut off before anything was noted, so before it was written
        stand.undo()


@pytest.mark.parametrize("name", CUT_OFF)
def test_a_full_disk_at_any_write_leaves_the_project_as_it_was(name: str, stands: Any) -> None:
    number = 0
    while True:
        number += 1
        stand = stands(name)
        before = stand.tree()
        try:
            stand.init(Dying(number, full=True))
        except LigninError as error:
            assert error.hint
            assert stand.tree() == before, number
        else:
            break
    assert number > 15


@pytest.mark.parametrize("name", CUT_OFF)
def test_an_undo_that_is_cut_off_at_any_write_is_finished_by_the_next(
    name: str, stands: Any
) -> None:
    number = 0
    while True:
        number += 1
        stand = stands(name)
        before = stand.tree()
        stand.init()
        try:
            stand.undo(Dying(number))
        except CutOff:
            _undo_whatever(stand)
            assert stand.tree() == before, number
        else:
            break
    assert number > 15


def test_a_run_that_was_cut_off_is_told_and_not_passed_over(stands: Any) -> None:
    stand = stands(LARGE)
    with pytest.raises(CutOff):
        stand.init(Dying(12))
    with pytest.raises(InvalidRequestError, match="cut off"):
        stand.init(yes=False)
    assert stand.init().recovered


def test_a_file_that_changes_under_the_run_is_left_to_who_changed_it(stands: Any) -> None:
    stand = stands(LARGE)
    instructions = stand.project / "AGENTS.md"

    class Meddling(Quick):
        def make_folder(self, path: Path) -> None:
            super().make_folder(path)
            instructions.write_bytes(b"quicker\n")

        def rename(self, source: Path, target: Path) -> None:
            super().rename(source, target)
            if target.parent == stand.project:
                instructions.write_bytes(b"quicker\n")

    before = stand.tree()
    with pytest.raises(ConflictError):
        stand.init(Meddling())
    assert instructions.read_bytes() == b"quicker\n"
    del before["AGENTS.md"]
    after = stand.tree()
    del after["AGENTS.md"]
    assert after == before


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
    stands: Any, shared: Context
) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
    text = f'{{\n  "env": {{\n    "KEY": "{secret}"\n  }}\n}}\n'
    stand = stands(Prepared({".claude/settings.local.json": text.encode()}))
    done = stand.init(client=["claude-code"])
    assert "OTEL" in done.model_dump_json()
    assert secret not in done.model_dump_json()
    for path in (stand.context.home / "projects").iterdir():
        assert secret.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600
    with shared.view() as view:
        events = [event for event in view.log(limit=1000) if event.type == "project.prepared"]
    assert events and secret not in str(events)


TEAM = (
    b'{"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://t", "OTEL_EXPORTER_OTLP_HEADERS": "k=s3c"}}'
)


@pytest.mark.parametrize(
    ("client", "where", "said"),
    [
        ("claude-code", "tree/.claude/settings.json", TEAM),
        ("claude-code", "tree/.claude/settings.json", b'{"otelHeadersHelper": "sign.sh"}'),
        ("claude-code", "home/.claude/settings.json", TEAM),
        ("claude-code", "moved/settings.json", TEAM),
        ("claude-code", "home/.claude/settings.json", b'{"env": {'),
        (
            "claude-code",
            "tree/.claude/settings.local.json",
            b'{"env": {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://t"}}',
        ),
        ("gemini-cli", "home/.gemini/settings.json", b'{"telemetry": {"enabled": false}}'),
    ],
)
def test_telemetry_that_another_file_of_the_client_sends_elsewhere_is_left_alone_and_told(
    client: str, where: str, said: bytes, stands: Any, tmp_path: Path
) -> None:
    stand = stands(Prepared({}))
    path = stand.root.parent / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(said)
    moved = str(stand.root.parent / "moved")
    stand.context = replace(stand.context, environment={"PATH": "", "CLAUDE_CONFIG_DIR": moved})
    Path(moved).mkdir(exist_ok=True)
    done = stand.init(client=[client])
    assert [(left.path, left.part) for left in done.left_alone] == [(str(path), "telemetry")]
    assert "s3c" not in done.model_dump_json()
    for written in ("settings.local.json", "settings.json"):
        for found in stand.project.rglob(written):
            assert b"127.0.0.1" not in found.read_bytes()
            assert b"hook" in found.read_bytes() or found == path
    stand.undo()
    assert path.read_bytes() == said


def test_the_same_telemetry_in_another_file_is_no_reason_to_leave_ours_out(stands: Any) -> None:
    stand = stands(
        Prepared({".claude/settings.json": b'{"env": {"CLAUDE_CODE_ENABLE_TELEMETRY": "1"}}'})
    )
    assert stand.init(client=["claude-code"]).left_alone == []
    assert b"OTEL" in (stand.project / ".claude/settings.local.json").read_bytes()


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

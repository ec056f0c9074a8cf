"""Serving into a real folder: what is written, what is left alone, what is kept."""

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import skills_ref.validator

from lignin.artifacts.disk import Disk
from lignin.artifacts.serve import (
    ServingResult,
    apply_plan,
    read_state,
    recover_folder,
    serve_folder,
)
from lignin.artifacts.serving_plan import RECEIPT_PATH, Retirement, Served, plan_serving
from lignin.artifacts.skillmd import SkillDocument, parse_skill, render_skill
from lignin.domain.artifacts import File
from lignin.domain.codec import digest_bytes
from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    IntegrityError,
    InvalidRequestError,
    UnavailableError,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class QuickDisk(Disk):
    """Leaves out the syncing, which a test of content does not need."""

    def _sync(self, handle: int) -> None:
        pass


class SwaplessDisk(QuickDisk):
    """A system without renameat2."""

    def exchange(self, first: Path, second: Path) -> bool:
        return False


def skill(name: str, text: str = "v1", **extra: str) -> Served:
    doc = SkillDocument(name=name, description=f"{name} for tests.", body=f"{text}\n")
    files = {"SKILL.md": File(content=render_skill(doc))}
    files |= {path.replace("__", "/"): File(content=t.encode()) for path, t in extra.items()}
    return Served(digest=digest_bytes(text.encode()), files=files)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def serve(folder: Path, *skills: str, text: str = "v1", **options: object) -> ServingResult:
    desired = {name: skill(name, text) for name in skills}
    return serve_folder(folder, desired, now=NOW, disk=QuickDisk(), **options)  # type: ignore[arg-type]


def test_a_first_run_writes_and_a_second_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / ".claude" / "skills"
    desired = {"one": skill("one", scripts__run="echo hi"), "two": skill("two")}
    first = serve_folder(folder, desired, now=NOW, disk=QuickDisk())
    assert first.plan.names("write") == ("one", "two")
    before = snapshot(folder)
    assert before["one/scripts/run"] == b"echo hi"
    second = serve_folder(folder, desired, now=NOW + timedelta(days=90), disk=QuickDisk())
    assert second.plan.is_empty
    assert snapshot(folder) == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".lignin-tmp")]


def test_the_executable_bit_is_written(tmp_path: Path) -> None:
    served = Served(
        digest=digest_bytes(b"x"),
        files={**skill("one").files, "scripts/run.sh": File(content=b"true", mode="0755")},
    )
    serve_folder(tmp_path, {"one": served}, now=NOW)
    assert os.access(tmp_path / "one/scripts/run.sh", os.X_OK)
    assert not os.access(tmp_path / "one/SKILL.md", os.X_OK)


@pytest.mark.parametrize("disk", [QuickDisk(), SwaplessDisk()], ids=["exchange", "two renames"])
def test_a_new_version_replaces_and_keeps_what_a_person_added(tmp_path: Path, disk: Disk) -> None:
    serve_folder(tmp_path, {"one": skill("one", old="gone")}, now=NOW, disk=disk)
    (tmp_path / "one/notes").mkdir()
    (tmp_path / "one/notes/mine.md").write_text("mine")
    (tmp_path / "one/empty").mkdir()
    (tmp_path / "one/link").symlink_to("notes/mine.md")
    inode = (tmp_path / "one/notes/mine.md").stat().st_ino
    result = serve_folder(tmp_path, {"one": skill("one", "v2")}, now=NOW, disk=disk)
    assert result.plan.names("replace") == ("one",)
    assert (tmp_path / "one/notes/mine.md").stat().st_ino == inode
    assert (tmp_path / "one/link").read_text() == "mine"
    assert (tmp_path / "one/empty").is_dir()
    assert not (tmp_path / "one/old").exists()
    assert b"v2" in (tmp_path / "one/SKILL.md").read_bytes()


def test_a_folder_that_is_not_ours_is_a_conflict_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one/SKILL.md").write_text("theirs")
    (tmp_path / "two").write_text("a file")
    (tmp_path / "three").symlink_to("one")
    result = serve_folder(
        tmp_path, {n: skill(n) for n in ("one", "two", "three", "four")}, now=NOW, force=True
    )
    assert {c.name for c in result.plan.conflicts} == {"one", "two", "three"}
    assert (tmp_path / "one/SKILL.md").read_text() == "theirs"
    assert (tmp_path / "two").read_text() == "a file"
    assert (tmp_path / "four/SKILL.md").exists()


def test_an_edited_skill_is_left_and_with_force_the_edit_is_kept(tmp_path: Path) -> None:
    serve(tmp_path, "one")
    (tmp_path / "one/SKILL.md").write_text("my words")
    left = serve(tmp_path, "one", text="v2")
    (conflict,) = left.plan.conflicts  # type: ignore[attr-defined]
    assert conflict.edited
    assert conflict.paths == ("SKILL.md",)
    assert (tmp_path / "one/SKILL.md").read_text() == "my words"
    forced = serve(tmp_path, "one", text="v2", force=True)
    assert forced.set_aside == ("one/SKILL.md.edited-1",)  # type: ignore[attr-defined]
    assert (tmp_path / "one/SKILL.md.edited-1").read_text() == "my words"
    assert b"v2" in (tmp_path / "one/SKILL.md").read_bytes()
    (tmp_path / "one/SKILL.md").write_text("again")
    serve(tmp_path, "one", text="v3", force=True)
    assert (tmp_path / "one/SKILL.md.edited-1").read_text() == "my words"
    assert (tmp_path / "one/SKILL.md.edited-2").read_text() == "again"


def test_a_persons_file_where_a_new_version_writes_is_a_conflict(tmp_path: Path) -> None:
    serve(tmp_path, "one")
    (tmp_path / "one/Guide.md").write_text("mine")
    newer = {"one": skill("one", "v2", **{"guide.md": "ours"})}
    result = serve_folder(tmp_path, newer, now=NOW, disk=QuickDisk())
    assert [c.paths for c in result.plan.conflicts] == [("Guide.md",)]
    forced = serve_folder(tmp_path, newer, now=NOW, disk=QuickDisk(), force=True)
    assert forced.set_aside == ("one/Guide.md.edited-1",)
    assert (tmp_path / "one/guide.md").read_text() == "ours"


def test_retirement_leaves_a_valid_note_which_is_later_removed(tmp_path: Path) -> None:
    serve(tmp_path, "one", "two")
    (tmp_path / "one/mine.md").write_text("mine")
    retired = {
        "one": Retirement(revision="sha256:ab", reason="wrong <totals>", successor="two"),
    }
    result = serve(tmp_path, "two", retired=retired)
    assert result.plan.names("forward") == ("one",)  # type: ignore[attr-defined]
    assert skills_ref.validator.validate(tmp_path / "one") == []
    note = parse_skill((tmp_path / "one/SKILL.md").read_bytes())
    assert "two" in note.description
    assert "sha256:ab" in note.body and "wrong ‹totals›" in note.body
    assert note.metadata["lignin-successor"] == "two"
    assert (tmp_path / "one/mine.md").read_text() == "mine"
    desired = {"two": skill("two")}
    early = serve_folder(tmp_path, desired, now=NOW + timedelta(days=29), disk=QuickDisk())
    assert early.plan.is_empty
    late = serve_folder(tmp_path, desired, now=NOW + timedelta(days=30), disk=QuickDisk())
    assert late.plan.names("remove") == ("one",)
    assert snapshot(tmp_path / "one") == {"mine.md": b"mine"}
    assert "one" not in json.loads((tmp_path / RECEIPT_PATH).read_text())["skills"]


def test_a_note_is_dropped_on_request_and_a_returning_skill_replaces_it(tmp_path: Path) -> None:
    serve(tmp_path, "one", "two")
    serve(tmp_path)
    serve(tmp_path, "two", drop_notes=("one",))
    assert not (tmp_path / "one").exists()
    assert parse_skill((tmp_path / "two/SKILL.md").read_bytes()).body == "v1\n"


def test_a_deleted_skill_folder_is_written_again_or_forgotten(tmp_path: Path) -> None:
    serve(tmp_path, "one", "two")
    for name in ("one", "two"):
        (tmp_path / name / "SKILL.md").unlink()
        (tmp_path / name).rmdir()
    result = serve(tmp_path, "one")
    assert result.plan.names("write") == ("one",)  # type: ignore[attr-defined]
    assert result.plan.names("forget") == ("two",)  # type: ignore[attr-defined]


def test_a_plan_for_another_state_is_refused(tmp_path: Path) -> None:
    plan = plan_serving({"one": skill("one")}, read_state(tmp_path), now=NOW)
    (tmp_path / "one").mkdir()
    with pytest.raises(ConflictError, match="changed"):
        apply_plan(plan, tmp_path)
    assert snapshot(tmp_path) == {}


def test_two_runs_at_once_do_not_interleave(tmp_path: Path) -> None:
    class Nested(QuickDisk):
        def make_folder(self, path: Path) -> None:
            with pytest.raises(UnavailableError, match="another run"):
                serve(tmp_path, "two")
            super().make_folder(path)

    serve_folder(tmp_path, {"one": skill("one")}, now=NOW, disk=Nested())
    assert (tmp_path / "one").is_dir() and not (tmp_path / "two").exists()


@pytest.mark.parametrize(
    "raw", [b"{", b"[]", b'{"skills": {"../x": {"digest": "d", "files": {}}}}', b"\xff"]
)
def test_a_damaged_receipt_stops_everything(tmp_path: Path, raw: bytes) -> None:
    serve(tmp_path, "one")
    (tmp_path / RECEIPT_PATH).write_bytes(raw)
    before = snapshot(tmp_path)
    with pytest.raises(IntegrityError) as caught:
        serve(tmp_path, "one", text="v2", force=True)
    assert "move it away" in caught.value.hint
    assert snapshot(tmp_path) == before


def test_a_skills_folder_that_is_a_file_or_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(InvalidRequestError):
            serve(tmp_path / name, "one")
    with pytest.raises(InvalidRequestError):
        serve(tmp_path / "file" / "skills", "one")


def test_a_persons_folder_where_a_new_file_goes_is_set_aside_whole(tmp_path: Path) -> None:
    serve(tmp_path, "one")
    (tmp_path / "one/guide.md").mkdir()
    (tmp_path / "one/guide.md/mine").write_text("mine")
    (tmp_path / "one/scripts").write_text("not a folder")
    newer = {"one": skill("one", "v2", **{"guide.md": "ours", "scripts__run": "ours"})}
    result = serve_folder(tmp_path, newer, now=NOW, disk=QuickDisk(), force=True)
    assert set(result.set_aside) == {"one/guide.md-mine.edited-1", "one/scripts.edited-1"}
    assert (tmp_path / "one/guide.md-mine.edited-1").read_text() == "mine"
    assert (tmp_path / "one/scripts/run").read_text() == "ours"


class FailingDisk(QuickDisk):
    """Fails the n-th change, and all later ones where `stays` is set."""

    def __init__(self, at: int, code: int, stays: bool) -> None:
        self._left, self._code, self._stays = at, code, stays
        self.reached = False

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0 or (self._stays and self._left < 0):
            self.reached = True
            raise OSError(self._code, os.strerror(self._code), "somewhere")

    def make_folder(self, path: Path) -> None:
        self._count()
        super().make_folder(path)

    def _write(self, handle: int, content: bytes) -> None:
        super()._write(handle, content[: len(content) // 2])
        self._count()
        super()._write(handle, content[len(content) // 2 :])

    def link(self, source: Path, target: Path) -> None:
        self._count()
        super().link(source, target)

    def exchange(self, first: Path, second: Path) -> bool:
        self._count()
        return super().exchange(first, second)


@pytest.mark.parametrize("stays", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize(
    ("code", "error"),
    [(errno.ENOSPC, UnavailableError), (errno.EROFS, DeniedError), (errno.EIO, UnavailableError)],
)
def test_a_failing_disk_gives_a_clear_error_and_loses_nothing(
    tmp_path: Path, code: int, error: type[Exception], stays: bool
) -> None:
    for at in range(1, 60):
        folder = tmp_path / str(at)
        serve(folder, "one", "two")
        (folder / "one/mine.md").write_text("mine")
        old = snapshot(folder)
        disk = FailingDisk(at, code, stays)
        desired = {"one": skill("one", "v2"), "three": skill("three", "v2")}
        try:
            serve_folder(folder, desired, now=NOW, disk=disk)
        except error as caught:
            assert caught.hint  # type: ignore[attr-defined]
        if not disk.reached:
            assert at > 8
            break
        assert (folder / "one/mine.md").read_text() == "mine"
        assert snapshot(folder)["one/SKILL.md"] in (
            old["one/SKILL.md"],
            desired["one"].files["SKILL.md"].content,
        )
        serve_folder(folder, desired, now=NOW, disk=QuickDisk())
        assert b"v2" in (folder / "one/SKILL.md").read_bytes()
        assert not [p for p in folder.iterdir() if p.name.startswith(".lignin-tmp")]
    else:
        pytest.fail("the disk failed in every round; the last one should have passed")


def test_an_edit_made_while_folders_are_swapped_is_rescued(tmp_path: Path) -> None:
    class Meddler(QuickDisk):
        def exchange(self, first: Path, second: Path) -> bool:
            (second / "SKILL.md").write_text("late words")
            (second / "late.md").write_text("late file")
            return super().exchange(first, second)

    serve(tmp_path, "one")
    result = serve_folder(tmp_path, {"one": skill("one", "v2")}, now=NOW, disk=Meddler())
    assert set(result.set_aside) == {"one/SKILL.md.edited-1", "one/late.md"}
    assert (tmp_path / "one/SKILL.md.edited-1").read_text() == "late words"
    assert (tmp_path / "one/late.md").read_text() == "late file"
    assert b"v2" in (tmp_path / "one/SKILL.md").read_bytes()


def test_recovering_a_folder_with_nothing_unfinished_does_nothing(tmp_path: Path) -> None:
    serve(tmp_path, "one")
    before = snapshot(tmp_path)
    assert recover_folder(tmp_path) == ()
    assert recover_folder(tmp_path / "absent") == ()
    assert snapshot(tmp_path) == before


def test_skills_of_another_head_stay_and_clash_only_where_names_meet(tmp_path: Path) -> None:
    serve(tmp_path, "alpha", "beta", origin="home:main@one")
    before = snapshot(tmp_path)
    result = serve(tmp_path, "beta", "gamma", text="v2", origin="team:main@two")
    assert result.plan.names("write") == ("gamma",)
    assert [conflict.name for conflict in result.plan.conflicts] == ["beta"]
    assert "home:main@one" in result.plan.conflicts[0].reason
    after = snapshot(tmp_path)
    assert {path: after[path] for path in before if path != RECEIPT_PATH} == {
        path: text for path, text in before.items() if path != RECEIPT_PATH
    }
    forced = serve(tmp_path, "beta", "gamma", text="v2", origin="team:main@two", force=True)
    assert forced.plan.names("replace") == ("beta",)

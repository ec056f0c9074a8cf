"""kill -9 at every step of serving: each skill folder is the old one or the new one."""

import os
import shutil
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lignin.artifacts.disk import Disk
from lignin.artifacts.serve import read_state, serve_folder
from lignin.artifacts.serving_plan import Served
from lignin.artifacts.skillmd import SkillDocument, render_skill
from lignin.domain.artifacts import File
from lignin.domain.codec import digest_bytes

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
LATER = FIRST + timedelta(days=40)
OURS = ("SKILL.md", "scripts/run.py", "dropped.md", "added.md")


class CrashDisk(Disk):
    """Kills its own process at the n-th moment: before, after and in the middle of each step."""

    def __init__(self, at: int, swaps: bool) -> None:
        self._left, self._swaps = at, swaps

    def _moment(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _sync(self, handle: int) -> None:
        """The kernel outlives the process, so nothing has to reach the platter here."""

    def _write(self, handle: int, content: bytes) -> None:
        self._moment()
        super()._write(handle, content[: len(content) // 2])
        self._moment()
        super()._write(handle, content[len(content) // 2 :])
        self._moment()

    def make_folder(self, path: Path) -> None:
        super().make_folder(path)
        self._moment()

    def link(self, source: Path, target: Path) -> None:
        super().link(source, target)
        self._moment()

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self._moment()

    def rename_new(self, source: Path, target: Path) -> None:
        self._moment()
        super().rename_new(source, target)
        self._moment()

    def exchange(self, first: Path, second: Path) -> bool:
        self._moment()
        swapped = super().exchange(first, second) if self._swaps else False
        self._moment()
        return swapped

    def remove_file(self, path: Path) -> None:
        super().remove_file(path)
        self._moment()

    def remove_folder(self, path: Path) -> None:
        super().remove_folder(path)
        self._moment()


def skill(name: str, text: str, **extra: str) -> Served:
    doc = SkillDocument(name=name, description=f"{name} for tests.", body=text)
    files = {"SKILL.md": File(content=render_skill(doc))}
    files["scripts/run.py"] = File(content=text.encode() * 50, mode="0755")
    files |= {f"{stem}.md": File(content=body.encode()) for stem, body in extra.items()}
    return Served(digest=digest_bytes(text.encode()), files=files)


OLD = {
    "changed": skill("changed", "old", dropped="old"),
    "same": skill("same", "same"),
    "leaving": skill("leaving", "old"),
    "edited": skill("edited", "old"),
    "shrinking": skill("shrinking", "same", dropped="old"),
}
NEW = {
    "changed": skill("changed", "new", added="new"),
    "same": skill("same", "same"),
    "edited": skill("edited", "new"),
    "fresh": skill("fresh", "new"),
    "shrinking": skill("shrinking", "same"),
}


def prepare(folder: Path) -> None:
    gone = {"expired": skill("expired", "old")}
    quick = CrashDisk(0, True)
    serve_folder(folder, gone, now=FIRST, disk=quick)
    serve_folder(folder, OLD, now=FIRST, disk=quick)
    for name in ("changed", "leaving"):
        (folder / name / "mine").mkdir()
        (folder / name / "mine/notes.md").write_text("a person's notes")
    (folder / "edited/SKILL.md").write_text("a person's words")
    (folder / "theirs").mkdir()
    (folder / "theirs/SKILL.md").write_text("not ours")


def serve_new(folder: Path, disk: Disk) -> None:
    serve_folder(folder, NEW, now=LATER, disk=disk, force=True)


def ours_in(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in OURS if (folder / path).is_file()}


def contents(served: Served) -> dict[str, bytes]:
    return {path: file.content for path, file in served.files.items()}


def run_and_die(folder: Path, at: int, swaps: bool) -> bool:
    """Serve in a child that dies at moment `at`; False where it finished before."""
    child = os.fork()
    if child == 0:
        try:
            serve_new(folder, CrashDisk(at, swaps))
        except BaseException:
            os._exit(3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def require_old_or_new(folder: Path, swaps: bool) -> None:
    changed = folder / "changed"
    if not swaps and not changed.exists():
        changed = folder / ".lignin-tmp-old-changed"  # between the two renames
    assert ours_in(changed) in (contents(OLD["changed"]), contents(NEW["changed"]))
    assert (changed / "mine/notes.md").read_text() == "a person's notes"
    leaving = folder / "leaving"
    if not swaps and not leaving.exists():
        leaving = folder / ".lignin-tmp-old-leaving"
    found = ours_in(leaving)
    assert found == contents(OLD["leaving"]) or (
        set(found) == {"SKILL.md"} and b"is withdrawn" in found["SKILL.md"]
    )
    assert (leaving / "mine/notes.md").read_text() == "a person's notes"
    fresh = folder / "fresh"
    assert not fresh.exists() or ours_in(fresh) == contents(NEW["fresh"])
    assert ours_in(folder / "same") == contents(OLD["same"])
    assert (folder / "theirs/SKILL.md").read_text() == "not ours"
    assert any(p.read_bytes() == b"a person's words" for p in folder.rglob("SKILL.md*"))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("swaps", [True, False], ids=["exchange", "two renames"])
@pytest.mark.parametrize(
    "stride", [3, pytest.param(1, marks=pytest.mark.slow)], ids=["every third", "every moment"]
)
def test_a_killed_run_leaves_old_or_new_and_the_next_run_finishes(
    tmp_path: Path, swaps: bool, stride: int
) -> None:
    ready = tmp_path / "ready"
    prepare(ready)
    wanted = tmp_path / "wanted"
    shutil.copytree(ready, wanted)
    serve_new(wanted, CrashDisk(0, swaps))
    points = 0
    while True:
        folder = tmp_path / "run"
        shutil.copytree(ready, folder)
        died = run_and_die(folder, points + 1, swaps)
        if not died:
            assert tree(folder) == tree(wanted)
            break
        points += stride
        require_old_or_new(folder, swaps)
        # A second run may be killed as well, in the middle of cleaning up after the first.
        run_and_die(folder, 1 + points % 7, swaps)
        require_old_or_new(folder, swaps)
        serve_new(folder, CrashDisk(0, swaps))
        assert tree(folder) == tree(wanted)
        assert read_state(folder).receipt.intents == {}
        shutil.rmtree(folder)
    assert points > 60

"""Reading folders from disk, writing them, and which skills folder may be used."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

from lignin.artifacts.disk import Disk
from lignin.artifacts.folder import read_tree, resolve_skills_folder, write_tree
from lignin.domain.artifacts import MAX_FILES, MAX_TREE_BYTES, File
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LimitedError,
    NotFoundError,
    UnavailableError,
)


def test_a_written_tree_reads_back(tmp_path: Path) -> None:
    files = {
        "SKILL.md": File(content=b"text"),
        "scripts/run.sh": File(content=b"\x00\xff", mode="0755"),
        "a/b/c/ünïcode.txt": File(content=b""),
    }
    write_tree(tmp_path / "out", files)
    assert read_tree(tmp_path / "out") == files
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_tree_is_not_written_over_something(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidRequestError, match="File exists"):
        write_tree(tmp_path / "out", {"a": File(content=b"x")})
    assert list(tmp_path.rglob("*")) == [tmp_path / "out"]


def test_a_full_disk_leaves_no_half_written_tree(tmp_path: Path) -> None:
    class Full(Disk):
        def _write(self, handle: int, content: bytes) -> None:
            super()._write(handle, content[:1])
            raise OSError(28, "No space left on device")

    with pytest.raises(UnavailableError, match="No space"):
        write_tree(tmp_path / "out", {"a/b": File(content=b"xyz")}, Full())
    assert list(tmp_path.iterdir()) == []


def test_links_and_special_files_are_refused(tmp_path: Path) -> None:
    makers = {
        "symbolic link": lambda folder: (folder / "x").symlink_to("/etc/passwd"),
        "folder link": lambda folder: (folder / "x").symlink_to(tmp_path),
        "hard links": lambda folder: (folder / "x").hardlink_to(folder / "ok"),
        "pipe": lambda folder: os.mkfifo(folder / "x"),
    }
    for name, make in makers.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "ok").write_text("fine")
        make(folder)
        with pytest.raises(InvalidRequestError, match=r"link|pipe"):
            read_tree(folder)


def test_a_socket_is_refused() -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/s")
        with pytest.raises(InvalidRequestError, match="socket"):
            read_tree(Path(short))


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).write_text("x")
    with pytest.raises(InvalidRequestError, match="not UTF-8"):
        read_tree(tmp_path)


def test_a_tree_that_is_a_link_absent_or_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(NotFoundError):
        read_tree(tmp_path / "absent")
    for name in ("file", "link"):
        with pytest.raises(InvalidRequestError):
            read_tree(tmp_path / name)


def test_too_many_or_too_large_files_are_refused(tmp_path: Path) -> None:
    many, large, deep = tmp_path / "many", tmp_path / "large", tmp_path / "deep"
    for folder in (many, large):
        folder.mkdir()
    for number in range(MAX_FILES + 1):
        (many / str(number)).touch()
    with (large / "hole").open("wb") as file:
        file.truncate(MAX_TREE_BYTES + 1)
    deep.joinpath(*["d"] * 30).mkdir(parents=True)
    for folder in (many, large, deep):
        with pytest.raises(LimitedError):
            read_tree(folder)


def test_a_skills_folder_is_followed_inside_the_project_only(tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    (project / ".agents/skills").mkdir(parents=True)
    (project / ".claude").mkdir()
    outside.mkdir()
    assert resolve_skills_folder(project, ".codex/skills") == project / ".codex/skills"
    (project / ".claude/skills").symlink_to("../.agents/skills")
    found = resolve_skills_folder(project, ".claude/skills")
    assert found == (project / ".agents/skills").resolve()
    for target in (outside, tmp_path, Path("/")):
        (project / ".claude/skills").unlink()
        (project / ".claude/skills").symlink_to(target)
        with pytest.raises(DeniedError, match="outside"):
            resolve_skills_folder(project, ".claude/skills")


def test_a_dangling_or_circular_link_or_a_file_on_the_way_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / ".a").symlink_to("nowhere")
    (tmp_path / ".b").symlink_to(".b")
    (tmp_path / ".c").write_text("x")
    for name in (".a", ".b", ".c"):
        with pytest.raises(InvalidRequestError) as caught:
            resolve_skills_folder(tmp_path, f"{name}/skills")
        assert caught.value.hint
    with pytest.raises(NotFoundError):
        resolve_skills_folder(tmp_path / "absent", ".a")

"""What a run left is found, read back and removed, whatever it did to it."""

import os
from pathlib import Path

import pytest

from lignin.adapters.sandbox import remains


def _deep(root: Path, levels: int, name: str) -> None:
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(root)
        for _ in range(levels):
            Path(name).mkdir()
            os.chdir(name)
        Path("x").write_bytes(b"deep")
    finally:
        os.fchdir(before)
        os.close(before)


def test_what_may_not_be_listed_or_read_is_read_back(tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir()
    (shut / "x").write_bytes(b"1")
    (shut / "x").chmod(0)
    shut.chmod(0)
    found, lost = remains.look(str(tmp_path))
    assert (list(found), lost) == ([str(shut / "x")], [])
    assert remains.read_back(found.items(), 9) == ([(str(shut / "x"), b"1")], [])


def test_a_path_beyond_what_the_kernel_takes_is_named(tmp_path: Path) -> None:
    _deep(tmp_path, 30, "a" * 200)
    found, lost = remains.look(str(tmp_path))
    assert (found, len(lost)) == ({}, 1)
    assert lost[0].startswith(f"{tmp_path}/aaa")


@pytest.mark.parametrize(("levels", "name"), [(1200, "d"), (30, "a" * 200)])
def test_any_depth_is_removed(tmp_path: Path, levels: int, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    _deep(root, levels, name)
    remains.remove_tree(str(root))
    assert list(tmp_path.iterdir()) == []


def test_removal_follows_no_link(tmp_path: Path) -> None:
    kept, root = tmp_path / "kept", tmp_path / "root"
    kept.mkdir()
    root.mkdir()
    (kept / "x").touch()
    (root / "link").symlink_to(kept)
    remains.remove_tree(str(root))
    assert list(tmp_path.iterdir()) == [kept]
    assert list(kept.iterdir()) == [kept / "x"]


def test_what_is_too_much_is_told(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(b"12345")
    found, _ = remains.look(str(tmp_path))
    for bound, most in ((5, 9), (99, 1)):
        contents, trouble = remains.read_back(found.items(), bound, most)
        assert (len(contents), trouble) == (1, [["overflow", "write"]])
    many = [["delete", str(number)] for number in range(remains.MAX_EFFECTS)]
    told = remains.bounded([*many, ["write", "x"], ["write", "y"]])
    assert told[-1] == ["overflow", "write"]
    assert len(told) == remains.MAX_EFFECTS + 1

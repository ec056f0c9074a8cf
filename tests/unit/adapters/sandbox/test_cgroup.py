"""Memory groups: where they can be made, that they hold, and that nothing stays behind."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.adapters.sandbox import cgroup


@pytest.fixture
def groups() -> Iterator[cgroup.Groups]:
    opened = cgroup.open_groups()
    if opened is None:
        pytest.skip("this machine lets nobody make a memory group")
    yield opened
    cgroup.remove_tree(opened.path)


def test_a_full_group_ends_who_is_in_it(groups: cgroup.Groups) -> None:
    group = groups.add("one")
    group.bound(0)
    child = os.fork()
    if child == 0:
        group.enter()
        held = bytearray(b"x") * (256 << 20)
        os._exit(len(held) & 1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == 9
    assert group.overflowed()
    group.close()
    groups.remove("one")
    assert not (Path(groups.path) / "one").exists()


def test_a_group_with_room_says_that_nothing_was_ended(groups: cgroup.Groups) -> None:
    group = groups.add("one")
    group.bound(64 << 20)
    child = os.fork()
    if child == 0:
        group.enter()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert not group.overflowed()
    group.close()


def test_what_a_killed_spawner_left_is_removed_by_the_next(
    groups: cgroup.Groups, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = Path(groups.path).with_name("lignin-0")
    for folder in (left, left / "spawner", left / "7"):
        folder.mkdir()
    monkeypatch.setattr(os, "getpid", lambda: 2**30)  # another spawner's name
    again = cgroup.open_groups()
    assert again is not None and left.exists()  # it may be one that is just starting
    cgroup.remove_tree(again.path)
    monkeypatch.setattr(time, "time", lambda: time.monotonic() + 2e9)
    again = cgroup.open_groups()
    assert again is not None
    cgroup.remove_tree(again.path)
    assert not left.exists()


def test_a_folder_in_use_is_left_alone(
    groups: cgroup.Groups, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready, go_on = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        groups.move_in()
        os.write(ready[1], b"x")
        os.read(go_on[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    monkeypatch.setattr(os, "getpid", lambda: 2**30)
    monkeypatch.setattr(time, "time", lambda: time.monotonic() + 2e9)
    again = cgroup.open_groups()
    assert again is not None
    cgroup.remove_tree(again.path)
    assert Path(groups.path).exists()
    os.write(go_on[1], b"x")
    os.waitpid(child, 0)
    for descriptor in (*ready, *go_on):
        os.close(descriptor)


def test_where_no_group_can_be_made_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "_places", lambda: [(1, "/proc"), (2, "/nonexistent")])
    assert cgroup.open_groups() is None

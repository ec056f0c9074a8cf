"""Memory groups: where they can be made, that they hold, and that nothing stays behind."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.adapters.sandbox import cgroup
from lignin.adapters.sandbox.ns import open_namespace_sandbox
from lignin.testing.conformance.sandbox import call


@pytest.fixture
def groups() -> Iterator[cgroup.Groups]:
    opened = cgroup.open_groups()
    if opened is None:
        pytest.skip("this machine lets nobody make a memory group")
    yield opened
    opened.remove_all()


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


def test_what_a_killed_spawner_left_is_removed_by_the_next_at_once(groups: cgroup.Groups) -> None:
    left = Path(groups.path).with_name("lignin-0")
    for folder in (left, left / "spawner", left / "7"):
        folder.mkdir()
    again = cgroup.open_groups()
    assert again is not None
    again.remove_all()
    assert not left.exists()


def test_one_that_is_just_starting_is_left_alone(groups: cgroup.Groups) -> None:
    again = cgroup.open_groups()
    assert again is not None
    assert Path(groups.path).exists()  # nobody is in it yet: its maker holds it
    again.remove_all()
    assert not Path(again.path).exists()


def test_a_folder_in_use_is_left_alone(groups: cgroup.Groups) -> None:
    ready, go_on = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        groups.move_in()
        os.write(ready[1], b"x")
        os.read(go_on[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    for descriptor in groups.descriptors:  # its maker is gone, the lock with it
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    again = cgroup.open_groups()
    assert again is not None
    again.remove_all()
    assert Path(groups.path).exists()
    os.write(go_on[1], b"x")
    os.waitpid(child, 0)
    for descriptor in (*ready, *go_on):
        os.close(descriptor)


def test_where_no_group_can_be_made_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "_places", lambda: [(1, "/proc"), (2, "/nonexistent")])
    assert cgroup.open_groups() is None


def test_a_sandbox_that_was_closed_leaves_no_group(
    groups: cgroup.Groups,
) -> None:
    place = Path(groups.path).parent
    before = set(place.glob("lignin-*"))
    with open_namespace_sandbox() as sandbox:
        made = set(place.glob("lignin-*")) - before
        assert call(sandbox, "def f():\n    return 1").result == 1
    assert made
    assert not [folder for folder in made if folder.exists()]

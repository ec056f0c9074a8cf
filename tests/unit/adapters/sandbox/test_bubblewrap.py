"""Which outer wall is tried, and that doing without one is told."""

from pathlib import Path

import pytest

from lignin.adapters.sandbox import bubblewrap
from lignin.adapters.sandbox.bubblewrap import (
    OuterWall,
    closed_to_others,
    find_outer_wall,
    outer_wall_with,
)
from lignin.adapters.sandbox.ns import open_namespace_sandbox


def test_without_the_program_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = find_outer_wall()
    assert found.argv == ()
    assert found.without == "bubblewrap is not installed"
    assert "apt install bubblewrap" in found.remedies[0]


def test_a_wall_that_does_not_start_is_done_without_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    tmp_path.chmod(0o755)
    wall = OuterWall(argv=(str(program),))
    monkeypatch.setattr("lignin.adapters.sandbox.ns.find_outer_wall", lambda: wall)
    with open_namespace_sandbox() as opened:
        assert "is installed and does not start" in opened.walls


def test_a_folder_on_the_way_that_others_may_not_pass_is_named(tmp_path: Path) -> None:
    place = tmp_path / "closed" / "bin" / "python"
    place.parent.mkdir(parents=True)
    place.write_text("")
    for folder in [*place.parents][:-1]:
        if tmp_path in folder.parents or folder == tmp_path:
            folder.chmod(0o755)
    (tmp_path / "closed").chmod(0o700)
    assert closed_to_others(str(place)) in {str(tmp_path / "closed"), *map(str, tmp_path.parents)}
    assert closed_to_others("/usr") == ""


def test_it_is_never_started_as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap.os, "geteuid", lambda: 0)
    found = find_outer_wall()
    assert found.user == bubblewrap.world.NOBODY or not found.argv


def test_the_command_ends_where_the_spawners_begins_and_shows_the_groups() -> None:
    wall = OuterWall(argv=("bwrap", "--unshare-net"))
    assert wall.command("") == ("bwrap", "--unshare-net", "--")
    assert wall.command("/g")[2:] == ("--bind", "/g", "/g", "--")
    assert OuterWall(without="none").command("/g") == ()


def test_packages_are_shown_inside_where_the_user_there_can_read_them(tmp_path: Path) -> None:
    wall = OuterWall(argv=("bwrap", "--unshare-net"), user=65534)
    assert outer_wall_with(wall, "") is wall
    assert outer_wall_with(wall, "/usr").argv[-3:] == ("--ro-bind", "/usr", "/packages")
    tmp_path.chmod(0o700)
    assert outer_wall_with(wall, str(tmp_path)).argv == ()
    own = OuterWall(argv=("bwrap",))
    assert outer_wall_with(own, str(tmp_path)).argv[-2:] == (str(tmp_path), "/packages")

"""Bubblewrap as the outer wall of the tier `ns`: a second one, by somebody else, around our own.

Owns the command that the spawner is started with, and the reasons for doing without; and the wall around
a program that needs a network, which no run of an artifact ever has. The spawner
builds its own world inside, so what breaks out of that one still stands in an empty root with no
network, as nobody. Bubblewrap is never run as root, where what is inside would be root outside: the
user is given up first, which needs an interpreter that anybody may start.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lignin.adapters.sandbox import kernel, world

NAME = "bubblewrap"
# Not the namespace of control groups: runs are moved between groups from inside, and may not be
# moved out of such a namespace.
_INSTALL = ("apt install bubblewrap, or your system's like of it",)
_OWN = ("user", "pid", "net", "ipc", "uts")
_NETWORK = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/ssl",
    "/etc/ca-certificates",
    "/etc/pki",
    "/etc/passwd",
    "/etc/group",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OuterWall:
    """How to start the spawner. `argv` goes before its command; `user` is the one to become first,
    None to stay. Where `without` says why there is no such wall, `argv` is empty.
    """

    argv: tuple[str, ...] = ()
    user: int | None = None
    without: str = ""
    remedies: tuple[str, ...] = ()

    def command(self, groups: str) -> tuple[str, ...]:
        """What goes before the spawner's command; `groups` is a folder to show inside, writable."""
        if not self.argv:
            return ()
        return (*self.argv, *(("--bind", groups, groups) if groups else ()), "--")


NO_OUTER_WALL = OuterWall(without="left out")


def find_outer_wall() -> OuterWall:
    """The wall as it can be tried here; whether it stands shows when the spawner says it is ready."""
    return _wall(_OWN, _shown())


def find_open_wall(read: Sequence[str], write: Sequence[str], home: str) -> OuterWall:
    """A wall with a network: around a program of the user's that cannot do without one.

    It sees the system's programs, what a network needs of `/etc`, what is named here, and nothing else: not
    our interpreter either, where that lies outside of `/usr`.

    Args:
        read, write: What it also sees, and may change.
        home: Its home folder, empty but for what is named.
    """
    place = next((each for each in read if not Path(each).exists()), "")
    if place:
        return OuterWall(without=f"{place} is not there")
    network = [each for each in _NETWORK if Path(each).exists()]
    own = tuple(name for name in _OWN if name != "net")
    usual = [each for each in ("/usr", *world.ETC) if Path(each).exists()]
    found = _wall(own, [*usual, *network], ("--tmpfs", home))
    if not found.argv:
        return found
    if found.user is not None and (closed := next(filter(None, map(closed_to_others, read)), "")):
        return OuterWall(
            without=f"{NAME} may not be run as root, and another user cannot read {closed}"
        )
    binds = [word for each in read for word in ("--ro-bind", each, each)]
    binds += [word for each in write for word in ("--bind", each, each)]
    alone = ("--unshare-cgroup-try", "--die-with-parent", "--new-session")
    argv = (*found.argv, *alone, *binds, "--remount-ro", "/")
    return replace(found, argv=argv)


def _wall(own: Sequence[str], shown: Sequence[str], first: Sequence[str] = ()) -> OuterWall:
    """An empty root with some places in it, and namespaces of its own; `first` goes before the places."""
    program = shutil.which("bwrap")
    if program is None:
        return OuterWall(without=f"{NAME} is not installed", remedies=_INSTALL)
    user = None
    if os.geteuid() == 0:
        if not kernel.is_mapped(world.NOBODY):
            return OuterWall(without=f"{NAME} may not be run as root, and there is no other user")
        closed = next(filter(None, map(closed_to_others, shown)), None)
        if closed:
            return OuterWall(
                without=f"{NAME} may not be run as root, and another user cannot read {closed}",
                remedies=(f"use a Python outside of {closed}, or run as an ordinary user",),
            )
        user = world.NOBODY
    argv = [program, *(f"--unshare-{name}" for name in own)]
    for name in world.LINKS:
        folder = Path("/", name)
        if folder.is_symlink():
            argv += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            argv += ["--ro-bind", str(folder), str(folder)]
    argv += first
    for place in shown:
        argv += ["--ro-bind", place, place]
    argv += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - the inner one
    return OuterWall(argv=(*argv, "--chdir", "/"), user=user)


def outer_wall_with(wall: OuterWall, packages: str) -> OuterWall:
    """The wall that also shows a folder of packages, where the runs inside expect it.

    Without one where the user who is inside it could not get at the folder: it lies in the home of
    whoever runs this, who may be root.
    """
    if not packages or not wall.argv:
        return wall
    if wall.user is not None and (closed := closed_to_others(packages)):
        return OuterWall(without=f"another user cannot read {closed}")
    return replace(wall, argv=(*wall.argv, "--ro-bind", packages, world.PACKAGES))


def _shown() -> list[str]:
    places = ("/usr", *world.interpreter_folders(), *world.ETC)
    return [place for place in places if Path(place).exists()]


def closed_to_others(place: str) -> str:
    """The folder on the way to a place that others may not pass, or the place if not to be read."""
    for way in (*reversed(Path(place).parents), Path(place)):
        bits = way.stat().st_mode
        needed = (stat.S_IXOTH if stat.S_ISDIR(bits) else 0) | (
            stat.S_IROTH if way == Path(place) else 0
        )
        if bits & needed != needed:
            return str(way)
    return ""

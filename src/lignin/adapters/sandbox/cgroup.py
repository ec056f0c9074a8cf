"""Memory groups of the kernel: one per run, so that what the kernel holds for it counts too.

Buffers of sockets and pipes belong to no process's memory; only a group bounds them. Owns the
finding of a place where groups can be made (version 1, or version 2 where it was delegated), their
names, and their removal. Decides no bound. Where there is no such place, there are no groups.
Standard library only.
"""

import contextlib
import fcntl
import itertools
import os
import time

_MARGIN_BYTES = 64 << 20  # on top of what the supervisor allows: it ends a run in better order
_PREFIX, _OWNER = "lignin-", "spawner"
_numbers = itertools.count(1)  # one process may ask for several
_SWAPS = {1: "memory.swappiness", 2: "memory.swap.max"}
# Version 1 lets a thread move itself by `tasks` at once; by `cgroup.procs` every move waits until
# all processors have passed through the kernel, which takes 10 ms.
_FILES = {
    1: ("tasks", "memory.limit_in_bytes", "memory.oom_control"),
    2: ("cgroup.procs", "memory.max", "memory.events"),
}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FLAGS = (os.O_WRONLY, os.O_WRONLY, os.O_RDONLY)


class Group:
    """One run's group, as its init sees it: a way in, its bound, and whether the kernel had to kill."""

    def __init__(self, entrance: int, events: int, most: int, cpu: int = -1) -> None:
        self.entrance = entrance
        self.events = events
        self.most = most
        self.cpu = cpu

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that the kernel is spoken to through."""
        return tuple(
            each for each in (self.entrance, self.events, self.most, self.cpu) if each >= 0
        )

    def bound(self, memory_bytes: int) -> None:
        """Set what the group may hold beyond the margin."""
        os.write(self.most, str(memory_bytes + _MARGIN_BYTES).encode())

    def enter(self) -> None:
        """Put the calling process, and all it will start, in."""
        os.write(self.entrance, b"0")
        os.close(self.entrance)

    def overflowed(self) -> bool:
        """Whether the kernel killed a process because the group was full."""
        lines = os.pread(self.events, 4096, 0).decode().splitlines()
        return any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in lines)

    def cpu_s(self) -> float:
        """Processor time of all that has ever been in it; 0 where this kind does not count it."""
        if self.cpu < 0:
            return 0.0
        words = os.pread(self.cpu, 4096, 0).split()
        return int(words[words.index(b"usage_usec") + 1]) / 1e6

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in self.descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)


class Groups:
    """A folder of groups that one spawner makes and removes.

    Who has made it holds a lock on it: one that can be locked has nobody to remove it any more.
    """

    def __init__(self, path: str, version: int, *, made: bool = False) -> None:
        """Make the folder; raises OSError where that or a group in it cannot be made.

        `made` takes one that somebody else has made, tried, and will remove.
        """
        self.path = path
        self.version = version
        self.made_before = made
        if made:
            self._folder = os.open(path, _FOLDER)
            return
        # Held open: whoever removes it may have another root by then.
        self._place = os.open(os.path.dirname(path), _FOLDER)
        try:
            os.mkdir(path)
            self._folder = os.open(path, _FOLDER)
        except OSError:
            os.close(self._place)
            raise
        try:
            fcntl.flock(self._folder, fcntl.LOCK_SH)
            if version == 2:
                self._write("cgroup.subtree_control", "+memory")
            os.mkdir(_OWNER, dir_fd=self._folder)
            trial = self.add("trial")
            trial.bound(1 << 30)
            trial.close()
            self.remove("trial")
        except OSError:
            self.remove_all()
            raise

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What has to stay open for the removal."""
        return self._folder, self._place

    def remove_all(self) -> None:
        """Remove the folder and let go of it; its processes have all ended or are just ending."""
        _remove_tree(self._place, os.path.basename(self.path))
        os.close(self._folder)
        os.close(self._place)

    def give_to(self, user: int, group: int) -> None:
        """Let the user that the caller is about to become make groups here."""
        for name in (
            "",
            _OWNER,
            f"{_OWNER}/{_FILES[self.version][0]}",
            "cgroup.procs",
            "cgroup.subtree_control",
        ):
            with contextlib.suppress(FileNotFoundError):
                os.chown(f"{self.path}/{name}", user, group)

    def move_in(self) -> None:
        """Put the calling process in: it shows that the folder is in use.

        Version 2 also lets an ordinary user move only what is in the folder already.
        """
        self._write(f"{_OWNER}/{_FILES[self.version][0]}", "0")

    def add(self, name: str) -> Group:
        """Make a group; swap, where there is any, is not on top. Raises OSError."""
        os.mkdir(name, dir_fd=self._folder)
        with contextlib.suppress(OSError):
            self._write(f"{name}/{_SWAPS[self.version]}", "0")
        entrance, most, events = (
            os.open(f"{name}/{file}", flags, dir_fd=self._folder)
            for file, flags in zip(_FILES[self.version], _FLAGS, strict=True)
        )
        count = f"{name}/cpu.stat"  # in version 2 every group has one
        cpu = os.open(count, os.O_RDONLY, dir_fd=self._folder) if self.version == 2 else -1
        return Group(entrance, events, most, cpu)

    def remove(self, name: str) -> None:
        """Remove an empty group; raises OSError."""
        os.rmdir(name, dir_fd=self._folder)

    def _write(self, name: str, text: str) -> None:
        descriptor = os.open(name, os.O_WRONLY, dir_fd=self._folder)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def open_groups() -> Groups | None:
    """A new folder of groups, or None where none can be made. To be asked outside of the world."""
    for version, place in _places():
        _sweep(place)
        with contextlib.suppress(OSError):
            return Groups(f"{place}/{_PREFIX}{os.getpid()}-{next(_numbers)}", version)
    return None


def _remove_tree(place: int, name: str) -> None:
    for _ in range(200):
        try:
            folder = os.open(name, _FOLDER, dir_fd=place)
        except OSError:  # it is gone
            return
        with contextlib.suppress(OSError):
            try:
                for below in [entry.name for entry in os.scandir(folder) if entry.is_dir()]:
                    os.rmdir(below, dir_fd=folder)
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=place)
            return
        time.sleep(0.001)


def _sweep(place: str) -> None:
    """Remove folders whose spawner is gone: whoever should have done so was killed."""
    with contextlib.suppress(OSError):
        held = os.open(place, _FOLDER)
        try:
            for name in [each for each in os.listdir(held) if each.startswith(_PREFIX)]:
                with contextlib.suppress(OSError):
                    _sweep_one(held, name)
        finally:
            os.close(held)


def _sweep_one(place: int, name: str) -> None:
    """Remove one folder unless its maker holds it, or a spawner is in it. Raises OSError."""
    folder = os.open(name, _FOLDER, dir_fd=place)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        owner = os.open(f"{_OWNER}/cgroup.procs", os.O_RDONLY, dir_fd=folder)
        with open(owner) as file:
            in_use = bool(file.read())
        if not in_use:
            _remove_tree(place, name)
    finally:
        os.close(folder)


def _places() -> list[tuple[int, str]]:
    """Where a folder might be made: beside or below the group of this process."""
    own: dict[int, str] = {}
    found = []
    with contextlib.suppress(OSError):
        with open("/proc/self/cgroup", errors="surrogateescape") as file:
            for line in file:
                number, controllers, path = line.rstrip("\n").split(":", 2)
                if number == "0":
                    own[2] = path
                elif "memory" in controllers.split(","):
                    own[1] = path
        with open("/proc/self/mountinfo", errors="surrogateescape") as file:
            mounts = [line.split() for line in file]
        for words in mounts:
            kind, options = words[words.index("-") + 1], words[-1].split(",")
            version = {"cgroup": 1 if "memory" in options else 0, "cgroup2": 2}.get(kind, 0)
            if version not in own:
                continue
            below = os.path.relpath(own[version], words[3])
            if below.startswith(".."):
                continue
            place = os.path.normpath(f"{words[4]}/{below}")
            found.append((version, place))
            if below != ".":
                found.append((version, os.path.dirname(place)))
    return found

"""Machines that are folders and processes here: what the stand-ins of every service are made of.

Commands really run, without network where none was allowed, in mounts of their own where the host's
files can be read and a machine's own folder alone can be written. A machine's processes are found by
its name, which every path in it holds; `end` leaves neither process nor folder.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER = Path("/tmp")
_GROWS_S = 0.05
_NAME = re.compile(rf"{FOLDER}/(lignin-[0-9a-z-]+)")
_ALONE = """
test -d "$1" || exit 126
mount --bind "$1" "$1"
while read -r _ at _; do
  case $at in "$1"|/proc|/proc/*|/sys|/sys/*|/dev|/dev/*) ;; *) mount -o remount,bind,ro "$at" || exit 126 ;; esac
done < /proc/self/mounts
mount -t tmpfs none /dev/shm || exit 126
shift
exec "$@"
"""


def interpreter() -> str:
    """An interpreter that also an unprivileged user may start."""
    if os.getuid() != 0:
        return sys.executable
    return f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def begin(name: str) -> None:
    """Make a machine's folder, all that it can write to."""
    (FOLDER / name).mkdir()


def command(argv: list[str], *, network: bool) -> list[str]:
    """How a command is run in the machine that it names."""
    words = [interpreter() if word == "python3" else word for word in argv]
    named = _NAME.search(" ".join(argv))
    assert named is not None, "a command that names no machine"
    rights = () if os.getuid() == 0 else ("--user", "--map-current-user", "--keep-caps")
    walls = ["unshare", *rights, "--mount", *(() if network else ("--net",))]
    return [*walls, "/bin/sh", "-c", _ALONE, "sh", named[0], *words]


def end(name: str) -> None:
    """End a machine's processes and take its folder away."""
    while family := _family(name):
        for pid in family:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(FOLDER / name, ignore_errors=True)


def traces(name: str) -> list[str]:
    """What is left of a machine: its folder, its processes."""
    folder = [str(FOLDER / name)] if (FOLDER / name).exists() else []
    return [*folder, *map(str, _family(name))]


def _family(name: str) -> set[int]:
    parents, known = {}, set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if fields[0] == "Z":
                    continue
                parents[int(entry.name)] = int(fields[1])
                if f"{FOLDER}/{name}/".encode() in (entry / "cmdline").read_bytes():
                    known.add(int(entry.name))
    while more := {pid for pid, parent in parents.items() if parent in known} - known:
        known |= more
    return known


class Cloud:
    """Every machine of one service, and the faults it is to show.

    `faults[operation]` are raised one by one, before anything is done; `spoil` changes what is read.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.asked: list[dict[str, object]] = []
        self.faults: dict[str, list[BaseException]] = {}
        self.spoil: Callable[[bytes], bytes] = lambda raw: raw
        self.paths: set[str] = set()
        self._ended: set[str] = set()
        self._lock = threading.Lock()

    def fail(self, operation: str) -> None:
        if self.faults.get(operation):
            raise self.faults[operation].pop(0)

    def run(self, argv: list[str], timeout: float | None, *, network: bool) -> int:
        """Run a command; raises subprocess.TimeoutExpired."""
        self.fail("run")
        words = command(argv, network=network)
        return subprocess.run(words, capture_output=True, timeout=timeout, check=False).returncode

    def write(self, path: str, content: bytes) -> None:
        self.fail("write")
        assert path.startswith(f"{FOLDER}/lignin-")
        with self._lock:
            if (name := Path(path).parent.name) in self._ended:
                raise ConnectionError("no such machine")
            self.paths.add(name)
            Path(path).parent.mkdir(exist_ok=True)
            with Path(path).open("wb", buffering=0) as file:
                for part in (
                    content[:5],
                    content[5:],
                ):  # what grows can be seen: longer than a courier's tick
                    file.write(part)
                    time.sleep(_GROWS_S if Path(path).name.startswith("in-") else 0)

    def read(self, path: str) -> bytes:
        self.fail("read")
        return self.spoil(Path(path).read_bytes())

    def stream(self, path: str) -> Iterator[bytes]:
        raw = self.read(path)
        yield from (raw[place : place + 1000] for place in range(0, len(raw), 1000))

    def make(self, name: str) -> None:
        """Begin a machine that a service names before anything is written to it."""
        begin(name)
        self.paths.add(name)

    def destroy(self) -> None:
        self.fail("destroy")
        with self._lock:
            self._ended |= self.paths
            for name in self.paths:
                end(name)

    @property
    def left(self) -> list[str]:
        return [trace for name in sorted(self.paths) for trace in traces(name)]

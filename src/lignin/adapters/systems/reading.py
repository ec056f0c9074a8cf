"""Which files of its folder a function reads while it runs, seen by Python's own audit events.

It sees what is opened through Python in the thread of the run; a library that opens files by itself, another
process or thread are not seen. What the function writes is its own: that may change.
"""

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from lignin.adapters.systems.surroundings import COVERED, sha256_of
from lignin.domain.trials import CHANGED

MAX_FILES = 64
MAX_BYTES = 256 * 2**20
_DIGITS = 16
_LEFT_OUT = frozenset({"__pycache__", "node_modules", "site-packages"})
_WRITES = frozenset("wax+")


class Reading:
    """The files of one folder that a system read, with what they held when it first did."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.realpath(folder)
        self._read: dict[str, None] = {}
        self._written: set[str] = set()
        self._first: dict[str, str] = {}
        self._digests: dict[str, tuple[tuple[int, int], str]] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note what is opened while a block lasts."""
        _listen()
        token = _WATCHED.set(self)
        try:
            yield
        finally:
            _WATCHED.reset(token)

    def take(self, opened: object, *, is_written: bool) -> None:
        """Note a file that was opened, by whatever was handed to `open`."""
        if isinstance(opened, bytes | str | os.PathLike):
            path = os.path.realpath(os.fsdecode(opened))
            if path.startswith(self._folder + os.sep) and not path.endswith(".pyc"):
                (self._written.add if is_written else self._read.setdefault)(path)

    def data(self) -> Mapping[str, str]:
        """What the files hold now that its digest does not cover, by path; of those that it covers the ones that
        changed since they were first read."""
        found: dict[str, str] = {}
        for path in list(self._read)[:MAX_FILES]:
            name = os.path.relpath(path, self._folder)
            if path in self._written or self._is_left_out(name):
                continue
            digest = self._digest(path)
            first = self._first.setdefault(path, digest)
            if Path(name).suffix.casefold() not in COVERED:
                found[name] = digest
            elif digest != first:
                found[name] = CHANGED
        return found

    def held(self, paths: Iterable[str]) -> Mapping[str, str]:
        """What files of the folder hold now, by path, told as `data` does."""
        return {name: self._digest(str(Path(self._folder, name))) for name in paths}

    def _is_left_out(self, name: str) -> bool:
        parts = Path(name).parts
        return any(part.startswith(".") or part in _LEFT_OUT for part in parts)

    def _digest(self, path: str) -> str:
        with suppress(OSError):
            now = Path(path).stat()
            seen = (now.st_mtime_ns, now.st_size)
            if not stat.S_ISREG(now.st_mode):
                return ""  # to read a pipe would be to wait for it
            if path not in self._digests or self._digests[path][0] != seen:
                told = sha256_of(Path(path))[:_DIGITS] if now.st_size <= MAX_BYTES else f"{seen}"
                self._digests[path] = (seen, told)
            return self._digests[path][1]
        return ""


_WATCHED: ContextVar[Reading | None] = ContextVar("reading", default=None)


@cache
def _listen() -> None:
    """Hear of every file that Python opens, from now on: such a hook cannot be taken back."""
    sys.addaudithook(_heard)


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if event not in ("open", "os.rename"):
        return
    reading = _WATCHED.get()
    if reading is None:
        return
    with suppress(Exception):  # nothing that is noted may disturb what runs
        if event == "open":
            path, mode, flags = args
            is_written = (
                bool(_WRITES & set(mode)) if mode else bool(flags & (os.O_WRONLY | os.O_RDWR))
            )
            reading.take(path, is_written=is_written)
        else:
            reading.take(args[1], is_written=True)

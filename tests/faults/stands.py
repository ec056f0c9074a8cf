"""A prepared project with a data folder of its own, and disks that die or are full at one of their calls."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from faults.projects import Prepared, prepare, tree
from lignin.artifacts.disk import Disk
from lignin.operations.context import Context
from lignin.operations.init import init
from lignin.operations.init_models import Init, ProjectSet


class Quick(Disk):
    """A disk that does not wait until what it wrote is durable."""

    def _sync(self, handle: int) -> None:
        pass


class CutOff(BaseException):
    """The process dies here."""


class Dying(Quick):
    """A disk whose process dies, or that is full, at one of its calls; a write is half done then."""

    def __init__(self, at: int, full: bool = False) -> None:
        self.left, self.full = at, full

    def _step(self) -> bool:
        self.left -= 1
        return self.left == 0

    def _end(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise CutOff

    def _write(self, handle: int, content: bytes) -> None:
        if self._step():
            os.write(handle, content[: len(content) // 2])
            self._end()
        super()._write(handle, content)

    def make_folder(self, path: Path) -> None:
        if self._step():
            self._end()
        super().make_folder(path)

    def rename(self, source: Path, target: Path) -> None:
        if self._step():
            self._end()
        super().rename(source, target)

    def remove_file(self, path: Path) -> None:
        if self._step():
            self._end()
        super().remove_file(path)

    def remove_folder(self, path: Path) -> None:
        if self._step():
            self._end()
        super().remove_folder(path)

    def sync_folder(self, path: Path) -> None:
        if self._step():
            self._end()
        super().sync_folder(path)


class Stand:
    """One project with a data folder of its own, on a store that all share."""

    def __init__(self, shared: Context, folder: Path, prepared: Prepared) -> None:
        self.root = folder / "tree"
        self.root.mkdir(parents=True)
        self.project = prepare(prepared, self.root)
        self.clients = list(prepared.clients)
        (folder / "home").mkdir()
        (folder / "data").mkdir()
        self.context = replace(
            shared, home=folder / "data", person_home=folder / "home", environment={"PATH": ""}
        )

    def init(self, disk: Disk | None = None, **asked: Any) -> ProjectSet:
        """Write, unless something else is asked for."""
        context = replace(self.context, disk=disk or Quick())
        named = {"client": self.clients, "yes": True, "command": "lignin", **asked}
        return init(context, Init(folder=str(self.project), **named))

    def undo(self, disk: Disk | None = None, **asked: Any) -> ProjectSet:
        """Take out."""
        return self.init(disk, **{"client": [], "undo": True, **asked})

    def tree(self) -> Any:
        """Every path of the tree."""
        return tree(self.root)


def is_within(old: bytes, new: Any) -> bool:
    """True where all of the old bytes are there, in their order."""
    left = iter(new)
    return all(byte in left for byte in old)

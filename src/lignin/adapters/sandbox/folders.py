"""The folders on disk that a run has where there are no namespaces: made, held, removed.

Owns that nothing stays behind. Each is locked by the process that has made it for as long as that
lives, so one that can be locked is nobody's: it was left by a process that was killed. Nothing is
concluded from process numbers, which are used again and differ between containers.
"""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lignin.adapters.sandbox import remains

PREFIX = "lignin-run-"
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@contextmanager
def run_folder() -> Iterator[Path]:
    """A new folder among the temporary ones, removed at the end whatever was left in it."""
    root, lock = _make()
    try:
        yield root.resolve()
    finally:
        remains.remove_tree(str(root))
        os.close(lock)


def _make() -> tuple[Path, int]:
    while True:
        root = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            lock = os.open(root, _FLAGS)
        except FileNotFoundError:  # it was swept before it could be opened
            continue
        with contextlib.suppress(OSError):  # a file system without locks: then none is swept
            fcntl.flock(lock, fcntl.LOCK_EX)
        if root.exists():
            return root, lock
        os.close(lock)  # it was swept before it could be locked


def sweep() -> None:
    """Remove what this user's processes that have ended have left."""
    with contextlib.suppress(OSError):
        entries = [
            each for each in os.scandir(tempfile.gettempdir()) if each.name.startswith(PREFIX)
        ]
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                    _sweep_one(entry.path)


def _sweep_one(path: str) -> None:
    lock = os.open(path, _FLAGS)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remains.remove_tree(path)
    finally:
        os.close(lock)

"""What a run has left in its folders: found and read back once all of it has ended.

Owns the walk. Code can leave a folder that may not be listed, a file that may not be read, a path
longer than the kernel takes or a name that is no text: the first two are opened by their owner, which
whoever looks is; what still cannot be read is named, for it is the code's doing and no fault of the
sandbox. Decides nothing. Standard library only: it is also sent into the spawner.
"""

import contextlib
import itertools
import os
import stat
from collections.abc import Iterable

MAX_FILES = 1000
MAX_EFFECTS = 1000
_MAX_NAME = 300
_OPENED = stat.S_IRWXU


def look(root: str) -> tuple[dict[str, os.stat_result], list[str]]:
    """Every entry below a folder that is no folder, by its full path, and what cannot be reached."""
    found: dict[str, os.stat_result] = {}
    lost: list[str] = []
    waiting = [root]
    while waiting:
        folder, inner = waiting.pop(), []
        try:
            _open_up(folder)
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=_name)
            for entry in entries:
                info = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(info.st_mode):
                    inner.append(entry.path)
                else:
                    found[entry.path] = info
        except OSError:
            lost.append(folder)
        waiting += reversed(inner)
    return found, lost


def _name(entry: "os.DirEntry[str]") -> str:
    return entry.name


def _open_up(folder: str) -> None:
    mode = os.lstat(folder).st_mode
    if mode & _OPENED != _OPENED:
        os.chmod(folder, stat.S_IMODE(mode) | _OPENED)


def read_back(
    files: Iterable[tuple[str, os.stat_result]], bound: int, most: int = MAX_FILES
) -> tuple[list[tuple[str, bytes]], list[list[str]]]:
    """The bytes of regular files, at most `most` and `bound` bytes, and as effects what is not."""
    contents: list[tuple[str, bytes]] = []
    trouble: list[list[str]] = []
    for path, info in files:
        if len(contents) == most or info.st_size > bound:  # a sparse file can claim more
            trouble.append(["overflow", "write"])
            break
        try:
            raw = _read(path, bound)
        except OSError:
            trouble.append(["unreadable", path])
            continue
        bound -= len(raw)
        contents.append((path, raw))
    return contents, trouble


def _read(path: str, bound: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        os.chmod(path, 0o600)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        return file.read(bound)


def remove_tree(root: str) -> None:
    """Remove a folder as far as it can be, whatever its modes and however deep it is.

    Inner folders are moved up before they are entered, so that no path grows.
    """
    places = (f"{root}/.{number}" for number in itertools.count())
    folders, waiting = [], [root]
    while waiting:
        folder = waiting.pop()
        folders.append(folder)
        with contextlib.suppress(OSError):
            _open_up(folder)
            with os.scandir(folder) as listed:
                entries = list(listed)
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _open_up(entry.path)
                    os.rename(entry.path, place := next(places))
                    waiting.append(place)
                else:
                    os.unlink(entry.path)
    for folder in reversed(folders):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def bounded(effects: list[list[str]]) -> list[list[str]]:
    """The first effects, in names that are text; an effect of its own says of what kinds there were more."""
    kept = [[kind, as_text(target)[:_MAX_NAME]] for kind, target in effects[:MAX_EFFECTS]]
    more = dict.fromkeys(kind for kind, _ in effects[MAX_EFFECTS:])
    return [*kept, *(["overflow", kind] for kind in more)]


def as_text(path: str) -> str:
    """A path whose bytes need not be text, as text."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")

"""Folders on disk to files in memory and back, and which skills folder may be used.

Owns the refusal of everything that a tree cannot hold: symbolic and hard links, devices, names
that are not UTF-8, too many or too large files. Everything is opened relative to its parent's
descriptor and without following links, so nobody can swap a folder under the reader.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from lignin.artifacts.disk import Disk, explained, parts_of
from lignin.domain.artifacts import MAX_FILES, MAX_TREE_BYTES, File, Mode, make_tree
from lignin.domain.errors import DeniedError, InvalidRequestError, LimitedError, NotFoundError

STAGE_PREFIX = ".lignin-tmp-"
MAX_DEPTH = 20
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_tree(path: Path) -> dict[str, File]:
    """Return the files of a folder by relative path, with mode 0755 where the owner may execute.

    Raises:
        NotFoundError: No such folder.
        InvalidRequestError: It is no folder, or holds a link, a device, a hard-linked file, a name
            that is not UTF-8 or not safe.
        LimitedError: More than `MAX_FILES` files or `MAX_TREE_BYTES` bytes.
        DeniedError: A file may not be read.
    """
    if not os.path.lexists(path):
        raise NotFoundError(f"there is no folder {path}", hint="name one that exists")
    reader = _TreeReader()
    with explained(f"cannot read {path}"):
        handle = os.open(path, _FOLDER_FLAGS)
        try:
            reader.read_folder(handle, "", 0)
        finally:
            os.close(handle)
    return dict(make_tree(reader.files).files)


class _TreeReader:
    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self._bytes = 0

    def read_folder(self, folder: int, prefix: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise LimitedError(f"{prefix!r:.80} is deeper than {MAX_DEPTH} folders")
        for name in sorted(os.listdir(folder)):
            path = prefix + name
            try:
                path.encode()
            except UnicodeEncodeError as error:
                raise InvalidRequestError(f"the name {path!r:.120} is not UTF-8") from error
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                inner = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
                try:
                    self.read_folder(inner, f"{path}/", depth + 1)
                finally:
                    os.close(inner)
            elif stat.S_ISREG(mode):
                self.files[path] = self._read_file(folder, name, path)
            else:
                what = "a symbolic link" if stat.S_ISLNK(mode) else "a device, pipe or socket"
                raise InvalidRequestError(f"{path!r} is {what}; only regular files are taken")

    def _read_file(self, folder: int, name: str, path: str) -> File:
        if len(self.files) >= MAX_FILES:
            raise LimitedError(f"more than {MAX_FILES} files")
        handle = os.open(name, _FILE_FLAGS, dir_fd=folder)
        with os.fdopen(handle, "rb") as file:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise InvalidRequestError(f"{path!r} changed its nature while it was read")
            if facts.st_nlink > 1:
                raise InvalidRequestError(
                    f"{path!r} has {facts.st_nlink} hard links", hint="copy it to a file of its own"
                )
            content = file.read(MAX_TREE_BYTES - self._bytes + 1)
        self._bytes += len(content)
        if self._bytes > MAX_TREE_BYTES:
            raise LimitedError(f"more than {MAX_TREE_BYTES} bytes, reached at {path!r}")
        mode: Mode = "0755" if facts.st_mode & stat.S_IXUSR else "0644"
        return File(content=content, mode=mode)


def write_tree(path: Path, files: Mapping[str, File], disk: Disk | None = None) -> None:
    """Write files as the new folder `path`, which appears whole or not at all.

    Raises:
        InvalidRequestError: `path` exists, or a file's path is not safe.
        DeniedError, UnavailableError: The disk says no; what was staged is taken away again.
    """
    disk = disk or Disk()
    make_tree(files)
    stage = path.with_name(f"{STAGE_PREFIX}out-{path.name}")
    with explained(f"cannot write {path}"):
        disk.make_folder(stage)
        try:
            stage_files(stage, files, disk)
            disk.rename_new(stage, path)
        except OSError:
            discard_files(stage, files, disk)
            raise
        disk.sync_folder(path.parent)


def stage_files(stage: Path, files: Mapping[str, File], disk: Disk) -> None:
    """Write vetted files into an existing folder and make them durable. Raises OSError."""
    for path in sorted(files):
        target = stage / path
        make_parents(stage, target, disk)
        disk.write_new(target, files[path].content, int(files[path].mode, 8))
    for folder, _, _ in os.walk(stage, topdown=False):
        disk.sync_folder(Path(folder))


def make_parents(root: Path, target: Path, disk: Disk) -> None:
    """Make the folders between `root`, which exists, and `target`."""
    missing = []
    parent = target.parent
    while parent != root and not parent.is_dir():
        missing.append(parent)
        parent = parent.parent
    for folder in reversed(missing):
        disk.make_folder(folder)


def discard_files(stage: Path, files: Mapping[str, File], disk: Disk) -> None:
    """Take a staging folder of ours away, with the files that may be in it and nothing else."""
    for path in files:
        target = stage / path
        for each in (target, *parts_of(target)):
            if os.path.lexists(each):
                disk.remove_file(each)
    for folder, _, _ in os.walk(stage, topdown=False):
        disk.remove_folder(Path(folder))


def resolve_skills_folder(base: Path, relative: str) -> Path:
    """Return the real skills folder of a client below a project or a home.

    A symbolic link on the way is followed only where it stays inside `base`; two clients may so
    resolve to one folder, which should then be served once. The folder need not exist.

    Raises:
        NotFoundError: `base` is no folder.
        DeniedError: A link leads out of `base`.
        InvalidRequestError: Something on the way is not a folder, or a link leads in circles.
    """
    if not base.is_dir():
        raise NotFoundError(f"there is no folder {base}", hint="make it, or name another")
    with explained(f"cannot find the skills folder {relative} of {base}"):
        root = base.resolve(strict=True)
        path = root
        for part in Path(relative).parts:
            path = _step(root, path / part)
    return path


def _step(root: Path, path: Path) -> Path:
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except (RuntimeError, OSError) as error:
            raise InvalidRequestError(
                f"{path} is a link that leads nowhere", hint="remove the link or mend it"
            ) from error
        if not target.is_relative_to(root):
            raise DeniedError(
                f"{path} is a link to {target}, outside {root}",
                hint="replace the link by a folder, or serve where it leads",
            )
        path = target
    if path.exists() and not path.is_dir():
        raise InvalidRequestError(f"{path} is a file; a folder is needed", hint="move it away")
    return path

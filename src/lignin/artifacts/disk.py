"""Every change that serving makes to a disk, one method each, and what its errors mean.

Owns the system calls and their durability: what a method has returned from is on the disk. Refuses
to know what a skill is. A test passes a subclass that stops between any two of these calls.
"""

import ctypes
import errno
import glob
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lignin.domain.errors import DeniedError, InvalidRequestError, LigninError, UnavailableError

PART_SUFFIX = ".lignin-part"
_PART = re.compile(r"\.[a-z0-9_]{8}" + re.escape(PART_SUFFIX) + r"\Z")
_AT_FDCWD = -100
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2
_NOT_SUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTTY})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NO_LINKS = frozenset({errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV})
_WRONG_PATH = frozenset(
    {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG, errno.EILSEQ}
)


def explain_error(error: OSError, doing: str) -> LigninError:
    """Return the error of ours that says what an operating system's error means for the user."""
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    message = f"{doing}: {error.strerror or error}" + (f" ({where})" if where else "")
    if error.errno in _FULL:
        return UnavailableError(message, hint="free some space, then run it again", path=where)
    if error.errno in _FORBIDDEN:
        return DeniedError(message, hint="make the folder writable for you", path=where)
    if error.errno in _WRONG_PATH:
        return InvalidRequestError(message, hint="name a folder, or move what is there", path=where)
    return UnavailableError(message, hint="check the disk, then run it again", path=where)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn every OSError of the block into an error of ours; `doing` begins its message."""
    try:
        yield
    except OSError as error:
        raise explain_error(error, doing) from error


def is_part(name: str) -> bool:
    """True for the name of a file that was being written when its process died."""
    return _PART.search(name) is not None


def parts_of(path: Path) -> list[Path]:
    """What writes of a file that were cut off left beside it."""
    found = path.parent.glob(f"{glob.escape(path.name)}.*{PART_SUFFIX}")
    rest = len(path.name)
    return sorted(
        part
        for part in found
        if _PART.fullmatch(part.name[rest:]) and part.is_file() and not part.is_symlink()
    )


def _open_part(path: Path) -> tuple[int, Path]:
    """A new file beside another, under a name that nobody has."""
    handle, name = tempfile.mkstemp(PART_SUFFIX, f"{path.name}.", path.parent)
    return handle, Path(name)


def _keep_owner(handle: int, path: Path) -> None:
    try:
        was = path.lstat()
    except FileNotFoundError:
        return
    now = os.fstat(handle)
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        with suppress(PermissionError):  # only an administrator gives files away
            os.fchown(handle, -1, was.st_gid)
            os.fchown(handle, was.st_uid, -1)


class Disk:
    """The real disk. Every method raises OSError."""

    def make_folder(self, path: Path) -> None:
        """Make one folder; it is durable once its parent is synced."""
        path.mkdir()

    def write_new(self, path: Path, content: bytes, permissions: int) -> None:
        """Write a file that is whole under its name or not there; replaces one of that name.

        The owner stays, where the system lets it.
        """
        handle, part = _open_part(path)
        try:
            with os.fdopen(handle, "wb") as file:
                self._write(file.fileno(), content)
                _keep_owner(file.fileno(), path)
                os.fchmod(file.fileno(), permissions)
                self._sync(file.fileno())
            self.rename(part, path)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise

    def _sync(self, handle: int) -> None:
        os.fsync(handle)

    def _write(self, handle: int, content: bytes) -> None:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]

    def link(self, source: Path, target: Path) -> None:
        """Give a person's file or symbolic link a second name; a copy where links are refused."""
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._copy(source, target)

    def _copy(self, source: Path, target: Path) -> None:
        if source.is_symlink():
            target.symlink_to(source.readlink())
            return
        handle, part = _open_part(target)
        os.close(handle)
        shutil.copy2(source, part, follow_symlinks=False)
        with part.open("rb") as file:
            self._sync(file.fileno())
        part.rename(target)

    def rename(self, source: Path, target: Path) -> None:
        """Rename, replacing a file of that name."""
        source.rename(target)

    def rename_new(self, source: Path, target: Path) -> None:
        """Rename to a name that is free.

        Raises:
            FileExistsError: It is not free.
        """
        if not self._rename2(source, target, _RENAME_NOREPLACE):
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
            source.rename(target)

    def exchange(self, first: Path, second: Path) -> bool:
        """Swap two folders in one step; False where the system has no such step."""
        return self._rename2(first, second, _RENAME_EXCHANGE)

    def _rename2(self, source: Path, target: Path, flags: int) -> bool:
        call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
        if call is None:
            return False
        paths = (os.fsencode(source), os.fsencode(target))
        if call(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], ctypes.c_uint(flags)) == 0:
            return True
        code = ctypes.get_errno()
        if code in _NOT_SUPPORTED:
            return False
        raise OSError(code, os.strerror(code), str(target))

    def remove_file(self, path: Path) -> None:
        """Remove one file or symbolic link."""
        path.unlink()

    def remove_folder(self, path: Path) -> None:
        """Remove one empty folder."""
        path.rmdir()

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # Some network and user-space file systems cannot sync a folder; nothing better exists.
            with suppress(OSError):
                self._sync(handle)
        finally:
            os.close(handle)

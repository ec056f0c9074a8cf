"""Which real file a client's name leads to, and whether it may be written. Reads only.

Links: one is written through where it leads to a file or folder inside the same base (the project, or the
home folder); one that leads out, or nowhere, is refused. The link itself always stays.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from lignin.artifacts.disk import explained
from lignin.artifacts.projects.jsonc import MAX_BYTES
from lignin.domain.errors import DeniedError, InvalidRequestError, LimitedError

NEW_FILE = 0o644
_WRITABLE = 0o222


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A real file: its bytes (None where there is none), its permissions, folders it still needs."""

    path: Path
    before: bytes | None
    permissions: int = NEW_FILE
    folders: tuple[Path, ...] = ()


def read_target(base: Path, name: str) -> Target:
    """The file that a name below a base leads to.

    Raises:
        DeniedError: A link leads out of the base, or what is there may not be written.
        InvalidRequestError: A link leads nowhere, or no regular file is there.
        LimitedError: It is larger than settings are.
    """
    with explained(f"cannot read {name}"):
        path = _real(base.resolve(), name)
        try:
            facts = path.stat()
        except FileNotFoundError:
            missing = missing_folders(path.parent)
            _require_place_for(missing, path)
            return Target(path=path, before=None, folders=missing)
        if not stat.S_ISREG(facts.st_mode):
            raise InvalidRequestError(f"{path} is no regular file", hint="move it away")
        if not facts.st_mode & _WRITABLE or not os.access(path, os.W_OK):
            raise DeniedError(f"{path} is read-only", hint=f"make it writable: chmod u+w {path}")
        _require_writable(path.parent)
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise LimitedError(f"{path} has more than {MAX_BYTES} bytes", hint="settings are smaller")
    return Target(path=path, before=content, permissions=stat.S_IMODE(facts.st_mode))


def follow(base: Path, path: Path) -> Path:
    """Where a file that a record names is now, links below the base followed.

    Raises:
        DeniedError: A link leads out of the base.
        InvalidRequestError: A link leads nowhere.
    """
    with explained(f"cannot follow {path}"):
        return _real(base, str(path.relative_to(base)))


def read_known(path: Path) -> bytes | None:
    """The bytes of a file that a record names; None where no regular file is there."""
    with explained(f"cannot read {path}"):
        try:
            if path.is_symlink() or not path.is_file():
                return None
            with path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None


def _real(base: Path, name: str) -> Path:
    path = base
    target: Path | None
    for part in Path(name).parts:
        path = path / part
        if not path.is_symlink():
            continue
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            target = None
        if target is None:
            raise InvalidRequestError(
                f"{path} is a link that leads nowhere", hint="remove the link or mend it"
            )
        if not target.is_relative_to(base):
            raise DeniedError(
                f"{path} is a link to {target}, outside {base}: it is not written through",
                hint="replace the link by a file of its own, or leave that client out with --client",
            )
        path = target
    return path


def missing_folders(folder: Path) -> tuple[Path, ...]:
    """The folders that are to be made so that one is there, outermost first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    return tuple(reversed(missing))


def _require_place_for(missing: tuple[Path, ...], path: Path) -> None:
    folder = missing[0].parent if missing else path.parent
    if not folder.is_dir():
        raise InvalidRequestError(f"{folder} is a file; a folder is needed", hint="move it away")
    _require_writable(folder)


def _require_writable(folder: Path) -> None:
    if not folder.stat().st_mode & _WRITABLE or not os.access(folder, os.W_OK | os.X_OK):
        raise DeniedError(f"{folder} is read-only", hint=f"make it writable: chmod u+w {folder}")

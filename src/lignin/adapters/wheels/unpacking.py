"""From wheels to one read-only folder that Python can import from. Runs nothing of them.

The folder is put together beside its place and renamed into it: it is there whole or not at all, and
of two processes that make the same one, one wins. Programs and entry points are left out; `.pth` files
are plain files there, because the folder is only ever put on the path.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

from installer import install
from installer.destinations import WheelDestination
from installer.exceptions import InstallerError
from installer.records import RecordEntry
from installer.utils import Scheme

from lignin.adapters.wheels.reading import opened
from lignin.domain.artifacts import require_safe_path
from lignin.domain.errors import IntegrityError, UnavailableError
from lignin.ports.sandbox import PACKAGES_FOLDER

_STAGED = ".staged-"
_STALE_S = 3600.0
_COMPILE_S = 300.0
_IMPORTED = frozenset({"purelib", "platlib"})


def unpack(wheels: Sequence[Path], place: Path) -> None:
    """Make the folder of some wheels, unless it is there; what it holds is noted beside it.

    Raises:
        IntegrityError: Two wheels bring different files of one name, or one is broken.
        UnavailableError: The disk refuses.
    """
    if place.is_dir():
        return
    staged = place.with_name(f"{_STAGED}{secrets.token_hex(8)}")
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clear_stale(place.parent)
        staged.mkdir(mode=0o755)
        for wheel in wheels:
            _add(wheel, staged)
        _compile(staged)
        _shut(staged)
        os.sync()  # what a name promises is on the disk before the name is
        noted = _content_of(staged)
        with contextlib.suppress(FileExistsError):
            staged.rename(place)
            _noted(place).write_text(noted)
    except OSError as error:
        if not place.is_dir():
            raise UnavailableError(f"cannot unpack wheels into {place.parent}: {error}") from error
    finally:
        discard(staged)


def is_unchanged(place: Path) -> bool:
    """Whether a folder still holds what was unpacked into it, byte for byte.

    One that was renamed a moment ago may not be noted yet: whoever did that is about to.
    """
    for _ in range(20):
        try:
            return _noted(place).read_text() == _content_of(place)
        except OSError:
            time.sleep(0.05)
    return False


def _noted(place: Path) -> Path:
    return place.with_suffix(".content")


def _content_of(folder: Path) -> str:
    """One digest over the names and bytes of all files."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return whole.hexdigest()


def discard(folder: Path) -> None:
    """Take away a folder that was shut, if it is there."""
    for parent, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(parent).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _clear_stale(folder: Path) -> None:
    """Take away what a process that was killed has left; one that is at work is left alone."""
    for left in folder.glob(f"{_STAGED}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                discard(left)


def _add(wheel: Path, staged: Path) -> None:
    try:
        with opened(wheel) as source:
            install(source, _Folder(staged, wheel.name), {})
    except (InstallerError, ValueError) as error:
        raise IntegrityError(f"{wheel.name}: {error}"[:500]) from error


class _Folder(WheelDestination):
    """Takes what is imported and drops the rest."""

    def __init__(self, root: Path, wheel: str) -> None:
        self._root = root
        self._wheel = wheel

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,
        is_executable: bool,  # noqa: ARG002 - the protocol's
    ) -> RecordEntry:
        named = os.fspath(path)
        if scheme == "scripts":
            _refuse(self._wheel, f"brings the program {named}")
        if scheme in _IMPORTED:
            require_safe_path(named)
            self._write(self._root / named, stream)
        return RecordEntry(named, None, None)

    def _write(self, target: Path, stream: BinaryIO) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            if target.read_bytes() != stream.read():
                shown = target.relative_to(self._root)
                _refuse(self._wheel, f"and another wheel bring different files {shown}")
            return
        with target.open("xb") as file:
            shutil.copyfileobj(stream, file)

    def write_script(self, name: str, module: str, attr: str, section: str) -> RecordEntry:  # noqa: ARG002
        """No program is made of an entry point."""
        return RecordEntry(name, None, None)

    def finalize_installation(
        self,
        scheme: Scheme,
        record_file_path: str,
        records: Iterable[tuple[Scheme, RecordEntry]],
    ) -> None:
        """Nothing: the folder is never uninstalled from."""


def _refuse(wheel: str, what: str) -> NoReturn:
    raise IntegrityError(f"{wheel} {what}")


def _compile(folder: Path) -> None:
    """Keep bytecode, which saves compiling it in every run; what does not compile is left as it is.

    In a process of its own: foreign text may bring the compiler down. It runs none of it.
    """
    command = [sys.executable, "-I", "-S", "-m", "compileall", "-q", "-f"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", PACKAGES_FOLDER]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603 - our own interpreter and words
            [*command, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_COMPILE_S,
            check=False,
        )


def _shut(folder: Path) -> None:
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            Path(parent, name).chmod(0o444)
        Path(parent).chmod(0o555)

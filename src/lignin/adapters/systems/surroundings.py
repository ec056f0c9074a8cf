"""What lies beside a program that runs as the user, and may be read by it: told in its digest.

A sandboxed program has only the files that came along. One that runs as the user reads what it likes; what
it most likely reads is the code and the texts in its own folder. What it writes there (logs, tables,
databases) is left out, and so is what is hidden or installed.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from lignin.adapters.systems.content import MAX_BYTES, MAX_FILES
from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.errors import LimitedError

_ENDS = """
    py js mjs cjs ts rb pl lua r sh bash zsh ps1 go rs java kt c h cpp so txt md rst html xml
    j2 jinja jinja2 tmpl tpl prompt mustache hbs json yaml yml toml ini cfg conf sql
"""
COVERED = frozenset(f".{end}" for end in _ENDS.split())
"""Ends of file names that a program is made of."""
_LEFT_OUT = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env"})
_MAX_SEEN = 50_000
_BLOCK = 2**20


def digest_folder(folder: Path) -> Digest:
    """Return the digest of the code and texts in a folder.

    Raises:
        LimitedError: There is too much of it; nobody could say then what was tried.
    """
    told: dict[str, Json] = {}
    read = 0
    for path, size in _covered(folder):
        read += size
        if len(told) >= MAX_FILES or read > MAX_BYTES:
            raise _too_much(folder)
        told[path.relative_to(folder).as_posix()] = sha256_of(path)
    return digest_json(["folder", told])


def folder_of(program: Path) -> Path | None:
    """The folder that a program has for itself; None where it shares one with the machine's or the user's."""
    folder = program.resolve().parent
    shared = {Path.home(), Path(tempfile.gettempdir()).resolve(), Path(folder.anchor)}
    installed = (sys.prefix, sys.base_prefix, "/usr", "/bin", "/sbin", "/etc", "/dev", "/proc")
    is_installed = any(folder.is_relative_to(Path(each).resolve()) for each in installed)
    return None if folder in shared or folder.name == "bin" or is_installed else folder


def digest_program(program: Path) -> Digest:
    """Return the digest of a program with its folder, or alone where it has none for itself."""
    folder = folder_of(program)
    alone = sha256_of(program) if program.is_file() else ""
    return digest_json(["program", alone, digest_folder(folder) if folder else ""])


def _covered(folder: Path) -> Iterator[tuple[Path, int]]:
    """Files by name, with their sizes; links are followed to files alone."""
    seen = 0
    for top, folders, files in os.walk(folder):
        here = Path(top)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _LEFT_OUT
            and not (here / name / "pyvenv.cfg").exists()
        )
        seen += len(folders) + len(files)
        if seen > _MAX_SEEN:
            raise _too_much(folder)
        for name in sorted(files):
            if name.startswith(".") or Path(name).suffix.casefold() not in COVERED:
                continue
            try:
                found = (here / name).stat()
            except OSError:
                continue
            if stat.S_ISREG(found.st_mode):
                yield here / name, found.st_size


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; "" where it cannot be read."""
    summed = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                summed.update(block)
    except OSError:
        return ""
    return summed.hexdigest()


def _too_much(folder: Path) -> LimitedError:
    return LimitedError(
        f"{folder} has more than {MAX_FILES} files of code and text, or {MAX_BYTES // 2**20} MiB: "
        "nobody could say what of it was tried",
        hint="put the system into a folder of its own, and run Lignin there",
    )

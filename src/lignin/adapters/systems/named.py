"""What an unconfined system reads besides its own folder, as far as it is named: told in its digest.

Files and folders go in with all that they hold, variables by what they are set to; a value goes nowhere but into
that digest.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from lignin.adapters.systems.surroundings import sha256_of
from lignin.domain.codec import Digest, Json, digest_bytes, digest_json
from lignin.domain.errors import LimitedError, NotFoundError
from lignin.ports.system import SystemAsked

MAX_FILES = 5000
MAX_BYTES = 4 * 2**30
_LEFT_OUT = frozenset({".git", "__pycache__"})


def digest_named(asked: SystemAsked) -> Digest:
    """Return the digest of what is named; "" where nothing is.

    Raises:
        LimitedError: It is too much.
        NotFoundError: A file or folder is not there.
    """
    if not asked.reads and not asked.variables:
        return ""
    files: dict[str, Json] = {}
    for path in asked.reads:
        files[str(path)] = _told(path)
    values: dict[str, Json] = {
        name: None
        if (value := asked.environment.get(name)) is None
        else digest_bytes(value.encode())
        for name in sorted(asked.variables)
    }
    return digest_json(["reads", files, values])


def tell_named(asked: SystemAsked) -> str:
    """What is named, in words."""
    named = [*(path.name for path in asked.reads), *(f"${name}" for name in asked.variables)]
    return ", ".join(named)


def _told(path: Path) -> dict[str, Json]:
    if not path.exists():
        raise NotFoundError(f"{path} is not there", hint="--reads-path FILE or FOLDER")
    told: dict[str, Json] = {}
    left = MAX_BYTES
    for each in _files(path):
        left -= each.stat().st_size
        if left < 0 or len(told) >= MAX_FILES:
            raise LimitedError(
                f"{path} has more than {MAX_FILES} files, or {MAX_BYTES // 2**30} GiB",
                hint="name the files that it really reads",
            )
        told[each.relative_to(path).as_posix()] = sha256_of(each)
    return told


def _files(path: Path) -> Iterator[Path]:
    """The plain files there, by name; links are followed to files alone, and nothing is read from a pipe."""
    if not path.is_dir():
        if stat.S_ISREG(path.stat().st_mode):
            yield path
        return
    for top, folders, files in os.walk(path):
        folders[:] = sorted(set(folders) - _LEFT_OUT)
        for name in sorted(files):
            found = Path(top) / name
            if found.is_file():
                yield found

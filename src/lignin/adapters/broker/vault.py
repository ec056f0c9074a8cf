"""Reads credentials and grants from where their owner keeps them: variables and private files.

Never writes, and keeps nothing. A file counts only where it is a regular one of this user that
nobody else may read.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from lignin.domain.errors import UnavailableError
from lignin.ports.broker import SecretValue

MAX_FILE_BYTES = 64 * 1024


class UserVault:
    """See `lignin.ports.broker.Vault`.

    Args:
        environment: Variables of the process.
        home: What a leading `~/` of a file's path stands for.
    """

    def __init__(self, environment: Mapping[str, str], home: Path) -> None:
        self._environment = environment
        self._home = home

    def read(self, *, variable: str, file: str) -> SecretValue:
        """Return a credential; one newline at the end of a file does not belong to it."""
        if variable:
            text = self._environment.get(variable, "")
            if not text:
                raise UnavailableError(f"the variable {variable} is not set")
            return SecretValue(text)
        path = self._home / file[2:] if file.startswith("~/") else Path(file)
        return SecretValue(read_private(path).removesuffix("\n"))


def read_private(path: Path) -> str:
    """Return the text of a private file.

    Raises:
        UnavailableError: Missing, a link or no plain file, another user's, readable by others, too
            large or no UTF-8. Says nothing of the content.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UnavailableError(f"cannot read {path}: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            raise UnavailableError(f"{path} is no plain file of this user")
        if found.st_mode & 0o077:
            raise UnavailableError(
                f"{path} can be read by others", hint=f"take that right away: chmod 600 {path}"
            )
        raw = os.read(descriptor, MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(raw) > MAX_FILE_BYTES:
        raise UnavailableError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnavailableError(f"{path} is not UTF-8 text") from None

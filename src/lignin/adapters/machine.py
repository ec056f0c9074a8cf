"""Time and entropy of this machine, and the key that is kept on it."""

import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from lignin.domain.errors import IntegrityError, UnavailableError
from lignin.domain.ids import ENTROPY_BYTES, make_id

KEY_FILE = "redaction.key"
KEY_BYTES = 32


class SystemClock:
    """The clock port on the machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SystemIds:
    """The id port on the machine's clock and entropy."""

    def new(self, prefix: str) -> str:
        return make_id(prefix, at=datetime.now(UTC), entropy=secrets.token_bytes(ENTROPY_BYTES))


def redaction_key(home: Path, *, keep: bool) -> bytes:
    """The store's redaction key, made and kept on first use, readable by its owner only."""
    path = home / KEY_FILE
    try:
        if not keep and not path.exists():
            return secrets.token_bytes(KEY_BYTES)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            fresh = home / f".redaction.{secrets.token_hex(8)}"
            handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(fresh, path)  # whoever comes first decides
            fresh.unlink()
        key = path.read_bytes()
    except OSError as error:
        raise UnavailableError(
            f"cannot keep the redaction key in {home}: {error.strerror}",
            hint="check the folder's rights, or set LIGNIN_HOME",
        ) from error
    if len(key) != KEY_BYTES:
        raise IntegrityError(
            f"the redaction key {path} has {len(key)} bytes instead of {KEY_BYTES}",
            hint="restore it from a backup; without it secrets seen before get other tags",
        )
    return key

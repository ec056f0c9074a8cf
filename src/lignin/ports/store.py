"""Care of the store itself, beside what the ledger port does: verify, backup, copy, write for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What a verification of one space found; sound where `faults` is empty."""

    space: str
    events: int
    records: int
    rows: int
    blobs: int
    head: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What a copy did in one space; `resumed_at` is the position it went on from."""

    space: str
    events: int
    resumed_at: int
    head: str


class StoreAdmin(Protocol):
    """Administration of one store."""

    @property
    def url(self) -> str:
        """The store's URL without its password."""
        ...

    def spaces(self) -> Sequence[str]:
        """Every space that any part of the store speaks of, readable or not."""
        ...

    def verify(self, space: str, progress: Progress) -> Audit:
        """Check chains, records, blobs, and that replay gives the stored rows."""
        ...

    def file_faults(self) -> Sequence[str]:
        """What is wrong with the database's file itself, in words."""
        ...

    def backup(self, path: Path) -> None:
        """Write a consistent copy into one new SQLite file, and verify it before it gets its name."""
        ...

    def copy_to(self, url: str, progress: Progress) -> Sequence[Copied]:
        """Copy every space into another store, going on where an interrupted copy stopped."""
        ...

    def require_no_writer(self) -> None:
        """Raise where another process is the resident ordering writer of the store.

        Raises:
            UnavailableError: One is.
        """
        ...

    def serve_writer(self, ready: Callable[[str], None], *, required: bool = True) -> None:
        """Serve the resident ordering writer until interrupted; `ready` gets its address.

        Where not `required`, a store that orders its writers itself only waits for the interrupt.
        """
        ...

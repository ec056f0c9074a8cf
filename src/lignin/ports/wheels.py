"""Other people's Python packages: a cache of wheels by content, and the folders made of them.

What is handed out is complete and exact: every wheel has the hash that the lock names, every
requirement of every wheel is met by the lock, and nothing is in it that nobody asked for. No code of a
package is run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lignin.domain.codec import Digest
from lignin.domain.dependencies import Locked, PackageSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """One wheel of the cache."""

    name: str
    version: str
    file: str
    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A folder that holds a set, ready to be mounted; `digest` names what is in it."""

    folder: Path
    digest: Digest


class Wheels(Protocol):
    """The cache of one user. Several processes may use it at once."""

    def lock(self, requires: tuple[str, ...], folder: Path | None = None) -> tuple[Locked, ...]:
        """Resolve requirements, keep the wheels, and remember the lock for these requirements.

        Args:
            requires: In their normal form.
            folder: A folder of wheels to take them from, instead of the user's index.

        Raises:
            UnavailableError: There is no resolver, or it finds no set of wheels.
            InvalidRequestError, IntegrityError, LimitedError: A wheel is refused.
        """
        ...

    def known_lock(self, requires: tuple[str, ...]) -> tuple[Locked, ...] | None:
        """The lock remembered for requirements, else one from the cache alone; None without."""
        ...

    def fetch(self, wanted: PackageSet, folder: Path | None = None) -> Sequence[str]:
        """Get the wheels of a lock that are not in the cache; the files that came.

        Raises:
            UnavailableError: One cannot be had.
            IntegrityError: One is not what the lock names.
        """
        ...

    def missing(self, wanted: PackageSet) -> Sequence[str]:
        """Which packages of a lock the cache has no wheel of."""
        ...

    def installed(self, wanted: PackageSet) -> Installed:
        """The folder of a set, made on first need.

        Raises:
            UnavailableError: A wheel is not in the cache.
            InvalidRequestError: No wheel of a package is made for this interpreter.
            IntegrityError: A wheel is not what the lock names, or the set is not closed.
        """
        ...

    def wheels(self) -> Sequence[Wheel]:
        """Every wheel, by name and version."""
        ...

    def remove(self, name: str, version: str = "") -> Sequence[Wheel]:
        """Let go of a package's wheels, the sets they are in and the locks that name them."""
        ...

    def close(self) -> None:
        """Take away what was made for the caller alone."""
        ...

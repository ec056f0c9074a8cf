"""What other people's Python an artifact needs: its requirements, and the lock of exact wheels.

Owns their form and bounds. Reads no requirement as PEP 508 does (`artifacts/requirements`) and knows no
wheel (`adapters/wheels`). A lock is part of the manifest and so of an artifact's identity: another
lock is another version, and what was proven was proven with exactly these bytes.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from lignin.domain.errors import InvalidRequestError

MAX_REQUIRES = 50
MAX_LOCKED = 150
MAX_REQUIREMENT_CHARS = 300
_SHA256 = r"^sha256:[0-9a-f]{64}$"
# No sign that an address, a path or an option would need: : / @ \ # or a dash in front.
_PLAIN = r"^[A-Za-z0-9][A-Za-z0-9._\[\],<>=!~*+ ()'\";-]*$"

Requirement = Annotated[
    str, StringConstraints(pattern=_PLAIN, min_length=1, max_length=MAX_REQUIREMENT_CHARS)
]
"""One PEP 508 requirement by name; one that names an address or a path does not fit the form."""


class Locked(BaseModel):
    """One package as it is locked: its normalised name, exact version and the hashes of its wheels.

    Where there are several hashes they are of the same version for several platforms.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)
    version: str = Field(pattern=r"^[0-9a-z]+([.!+][0-9a-z]+)*$", max_length=100)
    wheels: tuple[Annotated[str, StringConstraints(pattern=_SHA256)], ...] = Field(
        min_length=1, max_length=200
    )

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSet:
    """What is mounted for one run: requirements and the lock that meets them."""

    requires: tuple[str, ...]
    lock: tuple[Locked, ...]


def plain_requirement(text: str) -> bool:
    """True where a text could be a requirement by name: no address, path or option is one."""
    return len(text) <= MAX_REQUIREMENT_CHARS and re.match(_PLAIN, text) is not None


def require_one_each(lock: Iterable[Locked]) -> None:
    """Raise where two entries of a lock are of one package.

    Raises:
        InvalidRequestError: Which package is there twice.
    """
    seen: set[str] = set()
    for entry in lock:
        if entry.name in seen:
            raise InvalidRequestError(f"the lock has {entry.name!r} twice")
        seen.add(entry.name)


def joint_set(sets: Sequence[PackageSet]) -> PackageSet:
    """Return the set that several artifacts in one run need together.

    Raises:
        InvalidRequestError: They lock one package differently, or are too many.
    """
    found: dict[str, Locked] = {}
    for each in sets:
        for entry in each.lock:
            twin = found.setdefault(entry.name, entry)
            if twin != entry:
                raise InvalidRequestError(
                    f"two artifacts of one run lock different wheels: {twin} and {entry}",
                    hint="capture one of them again with the lock of the other",
                )
    if len(found) > MAX_LOCKED:
        raise InvalidRequestError(f"{len(found)} packages in one run; at most {MAX_LOCKED}")
    return PackageSet(
        requires=tuple(sorted({text for each in sets for text in each.requires})),
        lock=tuple(found[name] for name in sorted(found)),
    )

"""Which versions lean on a version, as the manifests of its space say.

Owns the walk; refuses to judge: whether a dependant may still run is asked where it is run.
"""

from dataclasses import dataclass

from lignin.artifacts.store import load_manifest
from lignin.domain.codec import Digest
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.ports.ledger import View, every_row

LIVE = (*sorted(PROVEN), "draft")
"""States in which a version can be run, or proven and then run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependant:
    """A version that leans on another; `through` is the name of what it leans on itself."""

    row: Row
    through: str


def find_dependants(view: View, name: str, digest: Digest) -> list[Dependant]:
    """Every live version of a space that leans on a version, nearest first, at whatever remove."""
    leaning: dict[tuple[str, Digest], list[Row]] = {}
    for row in (row for state in LIVE for row in every_row(view, "version", state=state)):
        for pinned in load_manifest(view, row.body["digest"]).dependencies.items():
            leaning.setdefault(pinned, []).append(row)
    found: dict[str, Dependant] = {}
    pending = [(name, digest)]
    while pending:
        at = pending.pop(0)
        for row in leaning.get(at, ()):
            if row.stream not in found:
                found[row.stream] = Dependant(row=row, through=at[0])
                pending.append((row.body["name"], row.body["digest"]))
    return list(found.values())

"""Which versions lean on a version, as the manifests of its space say.

Owns the walk; refuses to judge: whether a dependant may still run is asked where it is run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lignin.artifacts.store import load_manifest
from lignin.domain.codec import Digest
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.ports.ledger import View

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
    for row in _live(view):
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


def _live(view: View) -> Iterator[Row]:
    for state in LIVE:
        after: str | None = None
        while True:
            page = view.page("version", state=state, after=after, limit=1000)
            yield from page.rows
            after = page.next_after
            if after is None:
                break

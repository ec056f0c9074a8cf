"""Releases and sealed cases on the ledger. Owns streams `release/`, `line/`, `seal/` and `opening/`.

A release is what claims to be no worse are compared with, until the next one of its line. Sealed cases are
for releases alone: which ones, nobody chooses; they are opened once for a system's content, and who did so is
on the record before the first of their trials is run. Nothing here commits.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes, digest_json
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.ids import derive_id, drawn
from lignin.domain.states import Row
from lignin.evals.laws.bank import Banked
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, every_row, require_known

NO_HEAD = "no head"
LEAST_TRIALS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """What is to be released.

    Args:
        line: What it is the next release of: `head NAME`, or `NO_HEAD`.
        revision: Digest of the head's revision, "" without a head.
        system, name, simulated: The system with that revision.
        cases: Name, digest and grader of each case of the suite, in order.
        trials: So many trials of each case are to stand.
    """

    line: str
    revision: Digest
    system: Digest
    name: str
    simulated: bool
    cases: Sequence[tuple[str, Digest, str]]
    trials: int

    @property
    def release(self) -> str:
        """The id: the same content, suite and trials are the same release."""
        told: Json = [self.line, self.system, [list(each) for each in self.cases], self.trials]
        return derive_id("rel", told)


def line_of(head: str) -> str:
    """The line of a head's releases; of what has no head without a name."""
    return f"head {head}" if head else NO_HEAD


def last_release(view: View, line: str) -> Row | None:
    """The release that claims of a line are compared with."""
    pinned = view.row(f"line/{line}")
    return require_known(view, f"release/{pinned.body['release']}") if pinned else None


def sealed_cases(view: View) -> frozenset[str]:
    """The cases that are for releases alone."""
    return frozenset(row.key for row in every_row(view, "seal", state="sealed"))


def sealed_sessions(view: View) -> frozenset[str]:
    """The failed runs that sealed cases were made from, those of their doubles too: who proposes does not
    see them either."""
    sealed = sealed_cases(view)
    if not sealed:
        return frozenset()
    return frozenset(
        run["session"]
        for row in every_row(view, "case")
        if row.key in sealed or row.body.get("into") in sealed
        for run in row.body["faulty"]
    )


def sealed_digest(system: Digest) -> Digest:
    """Under which a system's trials of sealed cases are filed: nobody who asks for its trials gets them."""
    return digest_json(["sealed", system])


class Releases:
    """Seals cases, begins and cuts releases."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def draw(
        self, scope: Scope, cases: Sequence[str], share: float, *, others_open: bool
    ) -> Change:
        """The change that draws cases, each once and for all.

        Args:
            cases: Those that were not drawn before.
            share: Of them, so many are sealed, 0 to 1; a part of a case is one by chance.
            others_open: Whether others are open to everybody; else one of these stays so.
        """
        salt = self._ids.new("slt")  # nobody knows it beforehand, so nobody chooses
        most = min(math.floor(share * len(cases) + drawn(salt)), len(cases) - (not others_open))
        first = set(sorted(cases, key=lambda case: drawn(f"{salt}/{case}"))[:most])
        events = [
            self._event(
                f"seal/{case}",
                "case.drawn",
                {"sealed": case in first, "salt": salt, "share": share},
            )
            for case in cases
        ]
        return scope.change(events=tuple(events), expects={each.stream: 0 for each in events})

    def begin(self, scope: Scope, cutting: Cutting) -> Change:
        """The change that begins a release."""
        stream = f"release/{cutting.release}"
        content = canonical_bytes([list(each) for each in cutting.cases])
        payload = {
            "line": cutting.line,
            "revision": cutting.revision,
            "system": cutting.system,
            "name": cutting.name,
            "simulated": cutting.simulated,
            "trials": cutting.trials,
            "suite": digest_bytes(content),
        }
        blob = Blob(stream=stream, digest=digest_bytes(content), content=content)
        event = self._event(stream, "release.begun", payload)
        return scope.change(events=(event,), blobs=(blob,), expects={stream: 0})

    def open_sealed(
        self, scope: Scope, release: str, system: Digest, cases: Sequence[tuple[str, Digest]]
    ) -> Change:
        """The change that opens the sealed cases for a system.

        Raises (when committed):
            ConflictError: They were opened for it before.
        """
        stream = f"opening/{system}"
        content = canonical_bytes([list(each) for each in cases])
        digest = digest_bytes(content)
        payload = {"release": release, "cases": len(cases), "set": digest}
        event = self._event(stream, "sealed.opened", payload)
        blob = Blob(stream=stream, digest=digest, content=content)
        return scope.change(events=(event,), blobs=(blob,), expects={stream: 0})

    def cut(self, view: View, scope: Scope, row: Row, told: Mapping[str, Json]) -> Change:
        """The change that files what a release's trials came to, and makes it the one that stands."""
        content = canonical_bytes(told)
        payload = {"told": digest_bytes(content), "mean": told["mean"]}
        line = f"line/{row.body['line']}"
        pinned = view.row(line)
        events = (
            self._event(row.stream, "release.cut", payload),
            self._event(line, "line.pinned", {"release": row.key}),
        )
        blob = Blob(stream=row.stream, digest=digest_bytes(content), content=content)
        expects = {row.stream: row.seq, line: pinned.seq if pinned else 0}
        return scope.change(events=events, blobs=(blob,), expects=expects)

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def told_bank(told: Mapping[str, Json]) -> dict[tuple[Digest, str], tuple[Banked, int]]:
    """What a release's trials came to by digest of the case and grader: the bank, and the number that
    follows the last of them."""
    return {
        (digest, grader): (Banked(float(scored), int(trials)), int(following))
        for digest, grader, scored, trials, following in told["bank"]
    }

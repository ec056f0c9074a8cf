"""Fixed failures, backslides, sweeps and measured powers on the ledger.

Owns streams `fix/`, `backslide/`, `sweep/`, `power/`. Nothing here commits. A power, a sweep and a
backslide are opened before the first trial with the plan they go by, and what they come to is filed once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.ids import derive_id
from lignin.domain.states import Row
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, every_row

FIXED_MARGIN = 0.7
"""A fixed case may lose so much of its rate where nothing else is declared: more is a break, and is looked
for. Half would cost twice the trials, and find little more."""
Looked = Literal["power", "sweep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedBy:
    """What mended a case.

    Args:
        case, digest: The case, and its content as it was then.
        decision, proposal: What showed it; the proposal may be "".
        system: The system that passed it.
    """

    case: str
    digest: Digest
    decision: str
    proposal: str
    system: Digest
    simulated: bool


def fix_id(case: str, digest: Digest, *, is_stored: bool) -> str:
    """The id of a fix: a stored case keeps its name when its checks are learned anew, one of the user's
    own is what its row says."""
    return derive_id("fix", ["case", case] if is_stored else ["content", digest])


def backslide_id(fix: str, head: str, shown: Digest) -> str:
    """The id of a backslide: which fix, where, and the system that shows it (before one is known: the
    revision at which it is suspected)."""
    return derive_id("bks", [fix, head, shown])


class Regressions:
    """Files what was fixed and what slid back."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def fixed(self, view: View, scope: Scope, fixes: Sequence[FixedBy]) -> Change | None:
        """The change that marks cases as fixed by a decision; None where there are none to mark."""
        events, expects = [], {}
        for each in fixes:
            is_stored = view.row(f"case/{each.case}") is not None
            stream = f"fix/{fix_id(each.case, each.digest, is_stored=is_stored)}"
            row = view.row(stream)
            if row is not None and any(b["decision"] == each.decision for b in row.body["by"]):
                continue
            by = {
                "decision": each.decision,
                "proposal": each.proposal,
                "system": each.system,
                "simulated": each.simulated,
                "digest": each.digest,
            }
            margin = row.body["margin"] if row and row.state == "kept" else FIXED_MARGIN
            payload = {"case": each.case, "stored": is_stored, "margin": margin, "by": by}
            events.append(self._event(stream, "case.fixed", payload))
            expects[stream] = row.seq if row else 0
        return scope.change(events=tuple(events), expects=expects) if events else None

    def let_go(self, scope: Scope, row: Row, reason: str) -> Change:
        """The change by which a person lets a fixed case go."""
        payload = {"by": scope.actor.sub, "reason": reason}
        event = self._event(row.stream, "case.let_go", payload)
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def declare(self, scope: Scope, row: Row, margin: float) -> Change:
        """The change that declares what a fixed case may lose of its rate."""
        event = self._event(row.stream, "case.margin", {"by": scope.actor.sub, "margin": margin})
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def open(
        self,
        scope: Scope,
        kind: Looked,
        name: str,
        plan: Mapping[str, Json],
        facts: Mapping[str, Json],
    ) -> Change:
        """The change that opens a power or a sweep; `facts` hold its head, "" where there is none."""
        event = self._event(f"{kind}/{name}", f"{kind}.opened", facts)
        return _planned(scope, event, plan, 0)

    def reach(self, scope: Scope, row: Row, outcome: str, told: Mapping[str, Json]) -> Change:
        """The change that files what a power, a sweep or a backslide came to, whole in a blob."""
        content = canonical_bytes(told)
        payload = {"outcome": outcome, "told": digest_bytes(content)}
        event = self._event(row.stream, f"{row.kind}.reached", payload)
        blob = Blob(stream=row.stream, digest=digest_bytes(content), content=content)
        return scope.change(events=(event,), blobs=(blob,), expects={row.stream: row.seq})

    def suspect(self, scope: Scope, name: str, facts: Mapping[str, Json]) -> Change:
        """The change that files a backslide that nobody has shown by trials yet."""
        event = self._event(f"backslide/{name}", "backslide.suspected", facts)
        return scope.change(events=(event,), expects={f"backslide/{name}": 0})

    def show(
        self,
        scope: Scope,
        name: str,
        plan: Mapping[str, Json],
        facts: Mapping[str, Json],
        row: Row | None,
    ) -> Change:
        """The change that opens a backslide that trials show, with how the log will be searched."""
        event = self._event(f"backslide/{name}", "backslide.shown", facts)
        return _planned(scope, event, plan, row.seq if row else 0)

    def refute(self, scope: Scope, row: Row, told: Mapping[str, Json]) -> Change:
        """The change that says that trials speak against what was suspected."""
        event = self._event(row.stream, "backslide.refuted", {**told, "outcome": "refuted"})
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def _planned(scope: Scope, event: NewEvent, plan: Mapping[str, Json], seq: int) -> Change:
    content = canonical_bytes(plan)
    planned = replace(event, payload={**event.payload, "plan": digest_bytes(content)})
    blob = Blob(stream=event.stream, digest=digest_bytes(content), content=content)
    return scope.change(events=(planned,), blobs=(blob,), expects={event.stream: seq})


def fix_of(view: View, case: str, digest: Digest, *, is_stored: bool) -> Row | None:
    """The fix of a case that is kept, if it was ever fixed and not let go."""
    row = view.row(f"fix/{fix_id(case, digest, is_stored=is_stored)}")
    return row if row is not None and row.state == "kept" else None


def kept_cases(view: View) -> dict[str, Row]:
    """Stored cases that were fixed and not let go, with what says so."""
    return {
        row.body["case"]: row for row in every_row(view, "fix", state="kept") if row.body["stored"]
    }

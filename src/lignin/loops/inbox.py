"""The inbox on the ledger. Owns `inbox/`. Nothing here commits.

A run that found nothing files nothing. What it found lies here once, however often it is found: what is
open is counted, what was dismissed stays so, what had passed and comes back is open again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.codec import Json, canonical_bytes, digest_bytes, parse_json
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.loops import Level
from lignin.domain.states import Row
from lignin.loops.laws.answers import Finding, item_id
from lignin.loops.laws.memory import Item
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View

ItemKind = Literal["finding", "approval", "question"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """An item to file.

    Args:
        level: How far the loop may go with its class of change.
        until: When it expires, as a time of the ledger; None where it waits for good.
        job: The job of a durable skill that found it; "" where it was none.
    """

    loop: str
    run: str
    kind: ItemKind
    finding: Finding
    level: Level = "suggest"
    until: str | None = None
    job: str = ""

    @property
    def item(self) -> str:
        """Its id. A finding is the same in every run, a question is its run's own."""
        key = self.finding.key if self.kind == "finding" else f"{self.run}/{self.finding.key}"
        return item_id(self.loop, key)


class Inbox:
    """Files, settles and counts items."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def file(self, view: View, scope: Scope, filings: Sequence[Filing]) -> list[Change]:
        """The change that files items; none where there are none."""
        events, blobs, expects = list[NewEvent](), list[Blob](), dict[str, int]()
        for filing in filings:
            stream = f"inbox/{filing.item}"
            row = view.row(stream)
            expects[stream] = row.seq if row else 0
            if row is not None and row.state not in ("accepted", "applied"):
                events.append(
                    self._event(stream, "inbox.seen", {"run": filing.run, "job": filing.job})
                )
                continue
            content = canonical_bytes(filing.finding.to_json())
            payload = {
                "loop": filing.loop,
                "run": filing.run,
                "job": filing.job,
                "kind": filing.kind,
                "change": filing.finding.change,
                "level": filing.level,
                "told": digest_bytes(content),
                "until": filing.until,
            }
            events.append(self._event(stream, "inbox.filed", payload))
            blobs.append(Blob(stream=stream, digest=digest_bytes(content), content=content))
        if not events:
            return []
        return [scope.change(events=tuple(events), blobs=tuple(blobs), expects=expects)]

    def settle(
        self, scope: Scope, row: Row, how: str, said: str = "", *, changed: bool = False
    ) -> Change:
        """The change that settles an item: accepted (maybe as somebody changed it), dismissed, answered
        or expired; with an answer."""
        content = canonical_bytes(said)
        digest = digest_bytes(content)
        payload: dict[str, Json] = {"as": how, "said": digest, "changed": changed}
        event = self._event(row.stream, "inbox.settled", payload)
        blob = Blob(stream=row.stream, digest=digest, content=content)
        return scope.change(events=(event,), blobs=(blob,), expects={row.stream: row.seq})

    def snooze(self, scope: Scope, row: Row, until: str) -> Change:
        """The change that puts an item off until a time."""
        event = self._event(row.stream, "inbox.snoozed", {"until": until})
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def reopen(self, scope: Scope, row: Row, why: str) -> Change:
        """The change that opens an item again."""
        event = self._event(row.stream, "inbox.reopened", {"why": why})
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def applied(self, scope: Scope, row: Row, level: Level, facts: Mapping[str, Json]) -> Change:
        """The change that says that what was proposed is done; `facts` are what names its effect."""
        event = self._event(row.stream, "inbox.applied", {"level": level, "facts": dict(facts)})
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def finding_of(view: View, row: Row) -> Finding:
    """What an item is about."""
    told = parse_json(view.blob(row.body["told"]))
    return Finding(
        key=told["key"],
        title=told["title"],
        evidence=tuple(told["evidence"]),
        change=told["change"],
        proposed=told["proposed"],
        request=told["request"],
    )


def said_of(view: View, row: Row) -> str:
    """What a person said in settling an item, "" where nothing."""
    settled = row.body["settled"]
    return str(parse_json(view.blob(settled["said"]))) if settled else ""


def remembered(view: View, row: Row) -> Item:
    """An item as later runs remember it."""
    finding = finding_of(view, row)
    return Item(
        key=finding.key,
        title=finding.title,
        state=str(row.state),
        at=str(row.body["filed_at"]),
        said=said_of(view, row),
    )

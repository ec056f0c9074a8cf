"""What was sent, on the ledger. Owns stream `delivery/`.

A delivery is known by its connector and key. It is begun before anything leaves; what became of it is noted
as soon as it is known. Nothing here commits, and nothing here sends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lignin.connectors.laws.deliveries import PATIENCE_S
from lignin.domain.codec import Json, canonical_bytes, digest_bytes, parse_json
from lignin.domain.events import Blob, Change, NewEvent, Scope, format_time
from lignin.domain.ids import derive_id
from lignin.domain.messages import MAX_SHORT, Posting
from lignin.domain.states import Row
from lignin.domain.states.connectors import DeliveryState
from lignin.ports.clock import IdSource
from lignin.ports.connector import Delivered
from lignin.ports.ledger import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of how a delivery ended: what the far side has of it, or why it has nothing."""

    delivered: Delivered | None = None
    why: str = ""

    def to_json(self) -> dict[str, Json]:
        """As it is kept."""
        made = self.delivered
        return {
            "reference": made.reference[:MAX_SHORT] if made else "",
            "link": made.link[:MAX_SHORT] if made else "",
            "answer": made.answer if made else None,
            "why": self.why[:MAX_SHORT],
        }


def delivery_id(connector: str, key: str) -> str:
    """The id of what is sent under a key, which also goes along."""
    return derive_id("dlv", [connector, key])


def load_told(view: View, row: Row) -> dict[str, Json]:
    """What is known of how a delivery ended; empty where it did not."""
    told: dict[str, Json] = parse_json(view.blob(row.body["told"])) if row.body["told"] else {}
    return told


class Deliveries:
    """Notes what is sent."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def begin(
        self,
        scope: Scope,
        row: Row | None,
        posting: Posting,
        *,
        connector: str,
        delivery: str,
        now: datetime,
    ) -> Change:
        """The change that begins an attempt: whoever commits it is the one who sends.

        Raises (when committed):
            ConflictError: Somebody else began.
        """
        stream = f"delivery/{delivery}"
        content = canonical_bytes({**posting.to_json(), "folder": ""})
        payload: dict[str, Json] = {
            "connector": connector,
            "kind": posting.kind,
            "posting": posting.digest,
            "until": format_time(now + timedelta(seconds=PATIENCE_S)),
            "content": digest_bytes(content),
        }
        event = self._event(stream, "delivery.begun", payload)
        blob = Blob(stream=stream, digest=digest_bytes(content), content=content)
        return scope.change(events=(event,), blobs=(blob,), expects={stream: row.seq if row else 0})

    def end(self, scope: Scope, row: Row, state: DeliveryState, content: bytes) -> Change:
        """The change that notes what became of it.

        Args:
            content: A `Told` as canonical JSON, without secrets in what the far side said.

        Raises (when committed):
            ConflictError: Somebody else noted something.
        """
        blob = Blob(stream=row.stream, digest=digest_bytes(content), content=content)
        event = self._event(row.stream, f"delivery.{state}", {"told": blob.digest})
        return scope.change(events=(event,), blobs=(blob,), expects={row.stream: row.seq})

    def _event(self, stream: str, type: str, payload: dict[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type, payload=payload, event_id=self._ids.new("evt"))

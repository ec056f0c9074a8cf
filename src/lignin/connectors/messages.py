"""What came in, on the ledger. Owns streams `connector/` and `message/`.

A batch is taken whole with its cursor or not at all, so that nothing is lost between; an occurrence that is
there already is left as it is. The text lies in a blob, beside the mark of where it came from.
"""

from collections.abc import Sequence

from lignin.domain.codec import Json, canonical_bytes, digest_bytes, parse_json
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.messages import Message, parse_message
from lignin.domain.states import Row
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View


def cursor_of(view: View, connector: str) -> str:
    """Where reading goes on; "" where it never began."""
    row = view.row(f"connector/{connector}")
    return str(row.body["cursor"]) if row else ""


def load_message(view: View, row: Row) -> Message:
    """The message of a row."""
    return parse_message(parse_json(view.blob(row.body["message"])))


class Messages:
    """Takes messages in and settles them."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def take(
        self, view: View, scope: Scope, messages: Sequence[Message]
    ) -> tuple[tuple[str, ...], Change | None]:
        """The change that takes in what is not there yet, with the ids of that; None where all is.

        Raises (when committed):
            ConflictError: Somebody else took one of them.
        """
        by_id = {each.message_id: each for each in reversed(messages)}
        there = view.rows(f"message/{key}" for key in by_id)
        new = {key: each for key, each in by_id.items() if f"message/{key}" not in there}
        if not new:
            return (), None
        made = [self._taken(key, each) for key, each in reversed(new.items())]
        change = scope.change(
            events=tuple(event for event, _ in made),
            blobs=tuple(blob for _, blob in made),
            expects={event.stream: 0 for event, _ in made},
        )
        return tuple(reversed(new)), change

    def move(self, view: View, scope: Scope, connector: str, cursor: str, taken: int) -> Change:
        """The change that notes how far a connector was read.

        Raises (when committed):
            ConflictError: Somebody else read on.
        """
        stream = f"connector/{connector}"
        row = view.row(stream)
        event = self._event(stream, "connector.polled", {"cursor": cursor, "taken": taken})
        return scope.change(events=(event,), expects={stream: row.seq if row else 0})

    def settle(self, scope: Scope, row: Row, note: str) -> Change:
        """The change that says a message was dealt with."""
        event = self._event(row.stream, "message.settled", {"note": note})
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def _taken(self, key: str, message: Message) -> tuple[NewEvent, Blob]:
        content = canonical_bytes(message.to_json())
        blob = Blob(stream=f"message/{key}", digest=digest_bytes(content), content=content)
        payload: dict[str, Json] = {
            "source": message.source,
            "occurrence_key": message.key,
            "kind": message.kind,
            "taint": message.taint,
            "message": blob.digest,
        }
        return self._event(blob.stream, "message.taken", payload), blob

    def _event(self, stream: str, type: str, payload: dict[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type, payload=payload, event_id=self._ids.new("evt"))

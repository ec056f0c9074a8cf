"""Connectors on the ledger: how far each was read, what came in, and what was sent.

A delivery is begun before anything leaves and ends when it is known what became of it. Between the two
nobody knows, which is a state of its own (decision record 5). What the far side said is a blob, since
payloads hold no foreign text.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

DeliveryState = Literal["begun", "sent", "refused", "unknown"]
DELIVERY_STEPS: Final[Mapping[DeliveryState, frozenset[DeliveryState]]] = {
    "begun": frozenset({"begun", "sent", "refused", "unknown"}),
    "refused": frozenset({"begun"}),
    "unknown": frozenset({"begun", "sent", "refused"}),
    "sent": frozenset(),
}
"""From where to where a delivery goes; begun again it is another attempt."""


def _polled(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    taken = (row.body["taken"] if row else 0) + payload["taken"]
    return born(event, {"cursor": payload["cursor"], "taken": taken, "polled_at": event.at})


def _taken(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    return born(event, {**payload, "taken_at": event.at}, state="taken", parent=payload["source"])


def _settled(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state != "taken":
        raise IllegalTransitionError(f"{event.stream!r} was settled before")
    told = {"settled_at": event.at, "settled_by": event.actor.sub, "note": payload["note"]}
    return replace(row, seq=event.seq, state="settled", body={**row.body, **told})


def _begun(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    if row is not None:
        _require_step(row, event, "begun")
    body = {
        "connector": payload["connector"],
        "kind": payload["kind"],
        "posting": payload["posting"],
        "attempts": (row.body["attempts"] if row else 0) + 1,
        "first_at": row.body["first_at"] if row else event.at,
        "begun_at": event.at,
        "by": event.actor.sub,
        "told": None,
    }
    return born(event, body, state="begun", parent=payload["connector"], due_at=payload["until"])


def _ended(state: DeliveryState) -> Reducer:
    def reduce(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
        row = require_row(row, event)
        _require_step(row, event, state)
        body = {**row.body, "told": payload["told"], "ended_at": event.at}
        return replace(row, seq=event.seq, state=state, body=body, due_at=None)

    return reduce


def _require_step(row: Row, event: Event, after: DeliveryState) -> None:
    before: DeliveryState = row.state  # type: ignore[assignment]
    if after not in DELIVERY_STEPS[before]:
        raise IllegalTransitionError(f"{event.stream!r} is {before}, so it is not {after} now")


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "connector": {"connector.polled": _polled},
    "message": {"message.taken": _taken, "message.settled": _settled},
    "delivery": {
        "delivery.begun": _begun,
        "delivery.sent": _ended("sent"),
        "delivery.refused": _ended("refused"),
        "delivery.unknown": _ended("unknown"),
    },
}

"""The inbox: what loops found, and the questions that wait for a person.

An item is open until it is settled; a snoozed one is open again when its time has come. What was
accepted and is found again is open again; what was dismissed stays dismissed and is only counted.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_row

ItemState = Literal["open", "snoozed", "accepted", "dismissed", "answered", "expired", "applied"]
STATES: tuple[ItemState, ...] = get_args(ItemState)
SETTLED = frozenset({"accepted", "dismissed", "answered", "expired"})


def _filed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    if row is not None and row.state not in ("accepted", "applied"):
        raise IllegalTransitionError(f"the item {row.key!r} is {row.state} already")
    told = {"filed_at": event.at, "seen": 1, "settled": None, "came_back": row is not None}
    return born(
        event, {**payload, **told}, state="open", parent=payload["loop"], due_at=payload["until"]
    )


def _seen(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    body = {**row.body, "seen": row.body["seen"] + 1, "last_run": payload["run"]}
    return replace(row, seq=event.seq, body=body)


def _settled(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _open(row, event)
    if payload["as"] not in SETTLED:
        raise IllegalTransitionError(f"an item is not settled as {payload['as']!r}")
    settled = {**payload, "by": event.actor.sub, "at": event.at}
    body = {**row.body, "settled": settled}
    return replace(row, seq=event.seq, state=payload["as"], body=body, due_at=None)


def _snoozed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _open(row, event)
    body = {**row.body, "snoozed_by": event.actor.sub}
    return replace(row, seq=event.seq, state="snoozed", body=body, due_at=payload["until"])


def _reopened(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """A snoozed one whose time has come, or one that was applied and is taken back by a person."""
    row = require_row(row, event)
    if row.state not in ("snoozed", "applied", "accepted"):
        raise IllegalTransitionError(f"the item {row.key!r} is {row.state}")
    body = {**row.body, "why_open": payload["why"]}
    return replace(row, seq=event.seq, state="open", body=body, due_at=row.body["until"])


def _applied(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """What was proposed is done: after a person accepted it, or by the loop itself."""
    row = require_row(row, event)
    if row.state not in ("open", "accepted"):
        raise IllegalTransitionError(f"the item {row.key!r} is {row.state}")
    body = {**row.body, "applied": {**payload, "by": event.actor.sub, "at": event.at}}
    return replace(row, seq=event.seq, state="applied", body=body, due_at=None)


def _open(row: Row | None, event: Event) -> Row:
    row = require_row(row, event)
    if row.state not in ("open", "snoozed"):
        raise IllegalTransitionError(
            f"the item {row.key!r} is {row.state} already",
            hint="`lignin inbox show` says who settled it",
        )
    return row


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "inbox": {
        "inbox.filed": _filed,
        "inbox.seen": _seen,
        "inbox.settled": _settled,
        "inbox.snoozed": _snoozed,
        "inbox.reopened": _reopened,
        "inbox.applied": _applied,
    },
}

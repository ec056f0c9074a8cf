"""Spaces, sessions and their record streams."""

from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import RECORDS_APPENDED, Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row


def _space_created(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    return born(event, {**payload, "created_at": event.at}, state=payload["kind"])


def _started(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {**payload, "started_at": event.at, "ended_at": None, "outcome": None}
    return born(event, body, state="running", parent=payload.get("parent"))


def _updated(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if "revision" in payload:
        raise IllegalTransitionError("a session keeps the revision it started with")
    return replace(row, seq=event.seq, body={**row.body, **payload})


def _ended(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state == "ended":
        raise IllegalTransitionError(f"session {row.key!r} has ended already")
    body = {**row.body, "ended_at": event.at, "outcome": payload["outcome"]}
    return replace(row, seq=event.seq, body=body, state="ended")


def _appended(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return (
        born(event, {"chain": payload["chain"]})
        if row is None
        else replace(row, seq=event.seq, body={"chain": payload["chain"]})
    )


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "space": {"space.created": _space_created},
    "session": {
        "session.started": _started,
        "session.updated": _updated,
        "session.ended": _ended,
    },
    "record": {RECORDS_APPENDED: _appended},
}

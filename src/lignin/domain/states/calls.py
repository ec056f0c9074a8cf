"""Kept answers of calls that may be repeated, and lessons: proposed, approved, shown to whom."""

from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row


def _begun(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    if row is not None and row.state == "answered":
        raise IllegalTransitionError(f"{event.stream!r} was answered already")
    return born(event, {**payload, "begun_at": event.at}, state="begun")


def _answered(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    body = {**row.body, **payload, "answered_at": event.at}
    return replace(row, seq=event.seq, state="answered", body=body)


def _proposed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    return born(event, {**payload, "at": event.at}, state="proposed")


def _withdrawn(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state == "withdrawn":
        raise IllegalTransitionError(f"lesson {row.key!r} was withdrawn already")
    return replace(row, seq=event.seq, state="withdrawn", body={**row.body, **payload})


def _approved(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state == "withdrawn":
        raise IllegalTransitionError(f"lesson {row.key!r} was withdrawn")
    return replace(row, seq=event.seq, state="approved", body={**row.body, **payload})


def _shown(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    return born(event, {**payload, "at": event.at}, parent=payload["lesson"])


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "request": {"request.begun": _begun, "request.answered": _answered},
    "lesson": {
        "lesson.proposed": _proposed,
        "lesson.approved": _approved,
        "lesson.withdrawn": _withdrawn,
    },
    "surfacing": {"lesson.surfaced": _shown},
}

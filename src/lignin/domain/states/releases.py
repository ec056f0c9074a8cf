"""Releases, which of them stands, sealed cases, and who opened these, on the ledger.

A release is begun with its suite and cut once, with what its trials came to; its parent is its line, that of
a head or the one without. A case is drawn once, sealed or not, and stays so. Sealed cases are opened once
for a system's content: a second opening is refused by the ledger itself.
"""

from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row


def _begun(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    told = {"begun_at": event.at, "by": event.actor.sub, "result": None}
    return born(event, {**payload, **told}, state="begun", parent=payload["line"])


def _cut(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state != "begun":
        raise IllegalTransitionError(f"{event.stream!r} is cut already")
    body = {**row.body, "result": dict(payload), "cut_at": event.at}
    return replace(row, seq=event.seq, state="cut", body=body)


def _pinned(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, {**payload, "at": event.at})


def _drawn(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    state = "sealed" if payload["sealed"] else "not sealed"
    return born(event, {**payload, "at": event.at, "by": event.actor.sub}, state=state)


def _opened(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    return born(event, {**payload, "at": event.at, "by": event.actor.sub})


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "release": {"release.begun": _begun, "release.cut": _cut},
    "line": {"line.pinned": _pinned},
    "seal": {"case.drawn": _drawn},
    "opening": {"sealed.opened": _opened},
}

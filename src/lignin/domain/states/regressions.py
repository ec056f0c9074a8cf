"""Fixed failures, sweeps, backslides and a suite's power, on the ledger.

A fix is a case that a decision showed to be mended; it stands until a person lets it go. A power, a sweep
and a backslide are opened with all that they will go by, and reached once. A backslide may first be
suspected: somebody says so, and no trial has shown it yet.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

FixState = Literal["kept", "let_go"]
BackslideState = Literal["suspected", "open", "named", "unexplained", "refuted"]


def _fixed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """A case may be fixed again, by another decision; each is kept."""
    by = [*(row.body["by"] if row else ()), {**payload["by"], "at": event.at}]
    return born(event, {**payload, "by": by}, state="kept")


def _let_go(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state != "kept":
        raise IllegalTransitionError(f"{event.stream!r} is let go already")
    body = {**row.body, "let_go": {**payload, "at": event.at}}
    return replace(row, seq=event.seq, state="let_go", body=body)


def _margin(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state != "kept":
        raise IllegalTransitionError(f"{event.stream!r} is let go")
    return replace(row, seq=event.seq, body={**row.body, "margin": payload["margin"]})


def _opened(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {**payload, "opened_at": event.at, "result": None}
    return born(event, body, state="open", parent=payload["head"] or None)


def _reached(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state != "open":
        raise IllegalTransitionError(f"{event.stream!r} was come to already")
    body = {**row.body, "result": dict(payload), "reached_at": event.at}
    return replace(row, seq=event.seq, state=payload["outcome"], body=body)


def _suspected(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {**payload, "suspected_at": event.at, "opened_at": event.at, "result": None}
    return born(event, body, state="suspected", parent=payload["head"] or None)


def _shown(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """Trials show it; what was suspected may be shown, and nothing twice."""
    if row is not None and row.state != "suspected":
        raise IllegalTransitionError(f"{event.stream!r} was shown already")
    body = {**(row.body if row else {}), **payload, "opened_at": event.at, "result": None}
    return born(event, body, state="open", parent=payload["head"] or None)


def _refuted(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state != "suspected":
        raise IllegalTransitionError(f"{event.stream!r} is not only suspected")
    body = {**row.body, "result": dict(payload), "reached_at": event.at}
    return replace(row, seq=event.seq, state="refuted", body=body)


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "fix": {"case.fixed": _fixed, "case.let_go": _let_go, "case.margin": _margin},
    "power": {"power.opened": _opened, "power.reached": _reached},
    "sweep": {"sweep.opened": _opened, "sweep.reached": _reached},
    "backslide": {
        "backslide.suspected": _suspected,
        "backslide.shown": _shown,
        "backslide.reached": _reached,
        "backslide.refuted": _refuted,
    },
}

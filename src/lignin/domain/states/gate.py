"""Trials, systems under test, decisions of the gate and campaigns, on the ledger.

A trial is filed once and never changes; its parent is its system. A decision is opened with all that
it will go by, and reached once; its parent is the proposal, where there is one. A campaign counts its
decisions, so that each has a place and no two the same.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

DecisionState = Literal["open", "accept", "reject", "undecided"]


def _scored(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    state = "missing" if payload["score"] is None else "scored"
    return born(event, {**payload, "at": event.at}, state=state, parent=payload["system"])


def _named(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, {**payload, "at": event.at})


def _opened(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {**payload, "opened_at": event.at, "result": None}
    return born(event, body, state="open", parent=payload["proposal"] or None)


def _reached(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state != "open":
        raise IllegalTransitionError(f"{event.stream!r} is decided already")
    body = {**row.body, "result": dict(payload), "reached_at": event.at}
    return replace(row, seq=event.seq, state=payload["verdict"], body=body)


def _moved(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, payload)


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "trial": {"trial.scored": _scored},
    "system": {"system.named": _named},
    "decision": {"decision.opened": _opened, "decision.reached": _reached},
    "campaign": {"campaign.moved": _moved},
}

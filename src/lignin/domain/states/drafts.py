"""Drafts of changes to the user's own repository: filed, tried by decisions, given a branch."""

from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row


def _filed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {
        **payload,
        "author": event.actor.sub,
        "filed_at": event.at,
        "decisions": [],
        "branch": None,
    }
    return born(event, body, state="open", parent=payload["repository"])


def _tried(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    known = [each for each in row.body["decisions"] if each != payload["decision"]]
    body = {**row.body, "decisions": [*known, payload["decision"]]}
    return replace(row, seq=event.seq, body=body)


def _branched(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    body = {**row.body, "branch": dict(payload)}
    return replace(row, seq=event.seq, state="branched", body=body)


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "draft": {"draft.filed": _filed, "draft.tried": _tried, "draft.branched": _branched}
}

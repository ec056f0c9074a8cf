"""Rubrics, what people and judges gave by them, on the ledger.

A rubric is a row a version; its parent is the name, and at most one version of a name is in use. A label is
one person's of one run, the last one counts; its parent is the rubric's name. A verdict is one judge's of one
run by one version, filed once; its parent is that version. An agreement is a grader's with people, as it was
measured last.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

RubricState = Literal["proposed", "in_use", "replaced"]


def _added(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {**payload, "added_at": event.at, "compared": None}
    return born(event, body, state="proposed", parent=payload["name"])


def _compared(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    body = {**row.body, "compared": {**payload, "at": event.at}}
    return replace(row, seq=event.seq, body=body)


def _adopted(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state == "in_use":
        raise IllegalTransitionError(f"{event.stream!r} is in use already")
    body = {**row.body, "adopted_by": payload["by"], "adopted_at": event.at}
    return replace(row, seq=event.seq, state="in_use", body=body)


def _replaced(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state != "in_use":
        raise IllegalTransitionError(f"{event.stream!r} is not in use")
    body = {**row.body, "replaced_by": payload["digest"]}
    return replace(row, seq=event.seq, state="replaced", body=body)


def _given(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, {**payload, "at": event.at}, parent=payload["rubric"])


def _filed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    return born(event, {**payload, "at": event.at}, parent=payload["rubric"])


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "rubric": {
        "rubric.added": _added,
        "rubric.compared": _compared,
        "rubric.adopted": _adopted,
        "rubric.replaced": _replaced,
    },
    "label": {"label.given": _given},
    "verdict": {"verdict.given": _filed},
    "agreement": {"agreement.measured": _given},
}

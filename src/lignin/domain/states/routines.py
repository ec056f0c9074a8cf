"""Runs as routines are mined from them, and routines, on the ledger.

A run that was read anew takes the place of the one before. A routine is induced, again and again as
its support changes, proven as a program, counted as it is served, and withdrawn when what it stood on
no longer holds. A plan is filed and withdrawn alike. What is made for a task that is served program-first
is noted before and after: a change that was begun and not settled may have taken effect, until a person
says whether it did. Of equal requests the last one's task is kept.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_row

RoutineState = Literal["induced", "withdrawn"]
PlanState = Literal["filed", "withdrawn"]
ServedState = Literal["begun", "done", "handed_over", "closed"]


def _encoded(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, payload, parent=payload["task"])


def _induced(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    founded = row.body["founded_at"] if row else event.at
    body = {**payload, "founded_at": founded, "changed_at": event.at}
    for kept in ("proof", "served"):  # the id is the hash of the steps: what was proven still is
        if row and kept in row.body:
            body[kept] = row.body[kept]
    return born(event, body, state="induced")


def _proven(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    body = {**row.body, "proof": dict(payload)}
    if payload.get("version") != row.body.get("proof", {}).get("version"):
        body.pop("served", None)  # another program: it is counted from its own beginning
    return replace(row, seq=event.seq, body=body)


def _counted(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    return replace(row, seq=event.seq, body={**row.body, "served": dict(payload)})


def _withdrawn(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    body = {**require_row(row, event).body, **payload, "changed_at": event.at}
    return born(event, body, state="withdrawn")


def _filed(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, {**payload, "filed_at": event.at}, state="filed")


def _begun(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    body = {**payload, "begun_at": event.at, "calls": {}}
    return born(event, body, state="begun", parent=payload["plan"])


def _noted(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    calls = {**row.body["calls"], str(payload["number"]): dict(payload)}
    return replace(row, seq=event.seq, body={**row.body, "calls": calls})


def _ended(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    body = {**row.body, "routine": payload["routine"], "why": payload["why"]}
    state = row.state if row.state == "closed" else payload["ended"]
    return replace(row, seq=event.seq, state=state, body=body)


def _decided(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    number = str(payload["number"])
    calls = {**row.body["calls"], number: {**row.body["calls"][number], **payload}}
    return replace(row, seq=event.seq, body={**row.body, "calls": calls})


def _closed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    body = {**row.body, "closed": dict(payload)}
    return replace(row, seq=event.seq, state="closed", body=body)


def _asked(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, payload)


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "encoded": {"run.encoded": _encoded},
    "routine": {
        "routine.induced": _induced,
        "routine.proven": _proven,
        "routine.counted": _counted,
        "routine.withdrawn": _withdrawn,
    },
    "plan": {"plan.filed": _filed, "plan.withdrawn": _withdrawn},
    "task": {
        "task.begun": _begun,
        "task.intended": _noted,
        "task.settled": _noted,
        "task.ended": _ended,
        "task.decided": _decided,
        "task.closed": _closed,
    },
    "asked": {"request.asked": _asked},
}

"""Runs as routines are mined from them, and routines, on the ledger.

A run that was read anew takes the place of the one before. A routine is induced, again and again as
its support changes, proven as a program, and withdrawn when what it stood on no longer holds.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_row

RoutineState = Literal["induced", "withdrawn"]


def _encoded(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, payload, parent=payload["task"])


def _induced(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    founded = row.body["founded_at"] if row else event.at
    body = {**payload, "founded_at": founded, "changed_at": event.at}
    if row and "proof" in row.body:  # the id is the hash of the steps: what was proven still is
        body["proof"] = row.body["proof"]
    return born(event, body, state="induced")


def _proven(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    return replace(row, seq=event.seq, body={**row.body, "proof": dict(payload)})


def _withdrawn(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    body = {**require_row(row, event).body, **payload, "changed_at": event.at}
    return born(event, body, state="withdrawn")


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "encoded": {"run.encoded": _encoded},
    "routine": {
        "routine.induced": _induced,
        "routine.proven": _proven,
        "routine.withdrawn": _withdrawn,
    },
}

"""Filings of judged runs, and the failure modes they stand in.

A filing is one run's: its parent is the task, its state the fine mode it is filed under, or what
else the run was judged to be. A coarse mode is born open; a fine one is born latent, split off when
it has support, and merged back when it has lost it. The parent of a fine mode is the coarse one, or
for one that a cause founds the name of them all.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

ModeState = Literal["open", "latent"]
_MOVES: Mapping[str, tuple[ModeState, ModeState]] = {
    "mode.split": ("latent", "open"),
    "mode.merged": ("open", "latent"),
}


def _filed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    body = {**payload, "filed_at": event.at, "filings": (row.body["filings"] if row else 0) + 1}
    return born(event, body, state=payload["mode"] or payload["verdict"], parent=payload["task"])


def _founded(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    coarse = payload["coarse"]
    body = {**payload, "founded_at": event.at, "moves": 0}
    return born(event, body, state="latent" if coarse else "open", parent=coarse)


def _moved(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    before, after = _MOVES[event.type]
    if row.state != before or row.parent is None:
        raise IllegalTransitionError(f"{event.type} on {event.stream!r}, which is {row.state}")
    body = {**row.body, "support": payload["support"], "moves": row.body["moves"] + 1}
    return replace(row, seq=event.seq, body=body, state=after)


def _advanced(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, payload)


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "filing": {"run.filed": _filed},
    "mode": {"mode.founded": _founded, "mode.split": _moved, "mode.merged": _moved},
    "miner": {"miner.advanced": _advanced},
}

"""What outlives the runs of workflows: their state, and the events whose runs failed.

A state is a row whose `seq` counts its changes, so that a swap is a compare-and-swap. What was missed is
kept until a later run has taken it and succeeded.
"""

from collections.abc import Mapping

from lignin.domain.codec import Json
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born
from lignin.domain.workflows import MAX_MISSED


def _set(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, {**payload, "at": event.at})


def _added(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    kept = [each for each in (row.body["kept"] if row else ()) if each["run"] != payload["run"]]
    return born(event, {"kept": [*kept, {**payload, "at": event.at}][-MAX_MISSED:]})


def _taken(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    gone = set(payload["runs"])
    return born(
        event, {"kept": [e for e in (row.body["kept"] if row else ()) if e["run"] not in gone]}
    )


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "flowstate": {"flowstate.set": _set},
    "missed": {"missed.added": _added, "missed.taken": _taken},
}

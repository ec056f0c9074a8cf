"""What people said in runs, on the ledger: a run that was heard anew takes the place of before."""

from collections.abc import Mapping

from lignin.domain.codec import Json
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born


def _heard(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, payload)


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {"heard": {"run.heard": _heard}}

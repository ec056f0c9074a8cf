"""Cases on the ledger: the parent is the task, the state whether it stands.

A case is accepted, stands behind a case that it cannot be told from (`merged`), or is withdrawn when
what it was made from no longer holds; each may become any other, by evidence.
"""

from collections.abc import Mapping
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born

CaseState = Literal["accepted", "merged", "withdrawn"]
STATES: Mapping[str, CaseState] = {
    "case.accepted": "accepted",
    "case.merged": "merged",
    "case.withdrawn": "withdrawn",
}


def _filed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    if row is None and event.type == "case.withdrawn":
        raise IllegalTransitionError(f"{event.type} on {event.stream!r}, which does not exist")
    founded = row.body["founded_at"] if row else event.at
    place = row.body["founded"] if row else event.position
    body = {**payload, "founded_at": founded, "founded": place, "changed_at": event.at}
    return born(event, body, state=STATES[event.type], parent=payload["task"])


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {"case": dict.fromkeys(STATES, _filed)}

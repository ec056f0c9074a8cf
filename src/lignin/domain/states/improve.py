"""Campaigns that improve a harness, on the ledger: what was asked, each round as far as it came, the end.

A round is one dict to which each of its steps adds what it came to; `step` is the last one. So whoever
asks for the same campaign goes on behind the last thing that is certain. Its parent is the head that it is
for.
"""

from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

STEPS: Mapping[str, frozenset[str]] = {
    "aimed": frozenset({"drafted"}),
    "drafted": frozenset({"proposed", "judged"}),
    "proposed": frozenset({"judged"}),
    "judged": frozenset(),
}
"""What may follow on a step of a round; a draft that cannot be tried is judged at once."""


def _opened(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {**payload, "opened_at": event.at, "rounds": [], "end": {}}
    return born(event, body, state="open", parent=payload["head"])


def _aimed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _open(row, event)
    rounds = row.body["rounds"]
    if rounds and rounds[-1]["step"] != "judged":
        raise IllegalTransitionError(f"the last round of {event.stream!r} is not judged yet")
    added = {**payload, "step": "aimed", "at": event.at}
    return replace(row, seq=event.seq, body={**row.body, "rounds": [*rounds, added]})


def _step(name: str) -> Reducer:
    def reducer(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
        row = _open(row, event)
        *rounds, last = row.body["rounds"] or [{"step": "judged"}]
        if name not in STEPS[last["step"]]:
            raise IllegalTransitionError(f"a round that was {last['step']} cannot be {name}")
        rounds.append({**last, **payload, "step": name})
        return replace(row, seq=event.seq, body={**row.body, "rounds": rounds})

    return reducer


def _ending(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _open(row, event)
    return replace(row, seq=event.seq, body={**row.body, "end": {**row.body["end"], **payload}})


def _ended(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _ending(row, event, {**payload, "at": event.at})
    return replace(row, state="ended")


def _continued(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:  # noqa: ARG001
    row = require_row(row, event)
    if row.state != "ended":
        raise IllegalTransitionError(f"{event.stream!r} has not ended")
    return replace(row, seq=event.seq, state="open", body={**row.body, "end": {}})


def _open(row: Row | None, event: Event) -> Row:
    row = require_row(row, event)
    if row.state != "open":
        raise IllegalTransitionError(f"{event.stream!r} has ended")
    return row


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "improve": {
        "improve.opened": _opened,
        "improve.aimed": _aimed,
        "improve.drafted": _step("drafted"),
        "improve.proposed": _step("proposed"),
        "improve.judged": _step("judged"),
        "improve.ending": _ending,
        "improve.ended": _ended,
        "improve.continued": _continued,
    },
}

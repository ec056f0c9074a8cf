"""Fleets and their pieces: planned, run, merged one after the other, given a branch; their checks' verdicts.

A fleet's row holds what it was asked and where its own line of commits stands; a piece's row where the piece
stands. Whoever goes on with a fleet reads these rows and nothing else.
"""

from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.fleets import TRANSITIONS
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

FLEET_STEPS: Mapping[str, frozenset[str]] = {
    "planned": frozenset({"open", "cancelled"}),
    "open": frozenset({"finished", "cancelled"}),
    "finished": frozenset(),
    "cancelled": frozenset(),
}


def _planned(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {
        **payload,
        "author": event.actor.sub,
        "planned_at": event.at,
        "settings": {},
        "base": "",
        "tip": "",
        "merged": [],
        "attempts": [],
        "branch": None,
        "end": {},
    }
    return born(event, body, state="planned")


def _moved(row: Row | None, event: Event, to: str) -> Row:
    row = require_row(row, event)
    if to not in FLEET_STEPS[str(row.state)]:
        raise IllegalTransitionError(f"{event.stream!r} is {row.state} and cannot become {to}")
    return replace(row, seq=event.seq, state=to)


def _opened(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _moved(row, event, "open")
    body = {**row.body, **payload, "tip": payload["base"], "opened_at": event.at}
    return replace(row, body=body)


def _tuned(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _open(row, event)
    return replace(row, seq=event.seq, body={**row.body, "settings": payload["settings"]})


def _merging(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """A merge is tried: which pieces, onto what."""
    row = _open(row, event)
    attempts = [*row.body["attempts"], {**payload, "at": event.at, "outcome": ""}]
    return replace(row, seq=event.seq, body={**row.body, "attempts": attempts[-200:]})


def _tried(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """What the last attempt came to: how far the line went, and what was found."""
    row = _open(row, event)
    *earlier, last = row.body["attempts"] or [{}]
    tip, merged = payload.get("tip") or row.body["tip"], payload.get("merged", [])
    attempts = [*earlier, {**last, "outcome": payload["outcome"]}]
    body = {**row.body, "attempts": attempts, "tip": tip, "merged": [*row.body["merged"], *merged]}
    return replace(row, seq=event.seq, body=body)


def _finished(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _moved(row, event, "finished")
    return replace(row, body={**row.body, "end": {**payload, "at": event.at}})


def _branched(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    return replace(row, seq=event.seq, body={**row.body, "branch": dict(payload)})


def _cancelled(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _moved(row, event, "cancelled")
    return replace(row, body={**row.body, "end": {**payload, "at": event.at}})


def _open(row: Row | None, event: Event) -> Row:
    row = require_row(row, event)
    if row.state != "open":
        raise IllegalTransitionError(f"{event.stream!r} is {row.state}, not open")
    return row


def _piece_planned(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {
        **payload,
        "attempts": 0,
        "runs": 0,
        "run": {},
        "result": None,
        "returned": [],
        "asks": None,
        "spent": {},
        "reviewed": [],
        "seen": False,
        "digest": None,
        "answered_at": 0,
        "commit": "",
    }
    return born(event, body, state="waiting", parent=payload["fleet"])


def _piece_to(row: Row | None, event: Event, to: str, **body: Json) -> Row:
    row = require_row(row, event)
    if to not in TRANSITIONS[row.state]:  # type: ignore[index]
        raise IllegalTransitionError(f"piece {event.stream!r} is {row.state} and cannot be {to}")
    return replace(row, seq=event.seq, state=to, body={**row.body, **body})


def _started(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    before = require_row(row, event).body
    again = require_row(row, event).state == "running"
    return _piece_to(
        row,
        event,
        "running",
        attempts=before["attempts"] + (not again),
        runs=before["runs"] + 1 if again else 1,
        run={**payload, "at": event.at},
    )


def _answered(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """A result that holds for itself; it goes into the queue, or first to a person."""
    asks = payload["asks"]
    return _piece_to(
        row,
        event,
        "asked" if asks else "answered",
        result=payload["result"],
        digest=payload["digest"],
        spent=payload["spent"],
        asks={**asks, "at": event.at} if asks else None,
        answered_at=event.position,
        seen=False,
    )


def _returned(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    before = require_row(row, event).body
    told = {name: payload[name] for name in ("reason", "told", "patch")}
    told["at"] = event.at
    asks, returned = payload["asks"], [*before["returned"], told][-20:]
    return _piece_to(
        row,
        event,
        "asked" if asks else "waiting",
        returned=returned,
        spent=payload.get("spent", before["spent"]),
        asks={**asks, "at": event.at} if asks else None,
    )


def _asked(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return _piece_to(row, event, "asked", asks={**payload, "at": event.at})


def _settled(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """What a person said: an answer, an approval, another try, or that it is to be left."""
    row = require_row(row, event)
    by = payload.get("by", event.actor.sub)
    said = {"by": by, "at": event.at, "how": payload["how"], "text": payload["text"]}
    reviewed = [*row.body["reviewed"], said]
    known = {"reviewed": reviewed[-50:], "asks": None, "seen": True}
    if payload["how"] == "answer":
        return _piece_to(row, event, "settled", digest=payload["digest"], **known)
    if payload["how"] == "approve":
        return _piece_to(row, event, "answered", answered_at=event.position, **known)
    if payload["how"] == "drop":
        return _piece_to(row, event, "dropped", **known)
    told = {"reason": payload["text"], "told": "", "patch": payload["patch"], "at": event.at}
    returned = [*row.body["returned"], told] if payload["text"] else row.body["returned"]
    return _piece_to(row, event, "waiting", attempts=0, spent={}, returned=returned, **known)


def _reviewed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    said = {"by": event.actor.sub, "at": event.at, "how": "review", "text": payload["text"]}
    body = {**row.body, "reviewed": [*row.body["reviewed"], said][-50:], "seen": True}
    return replace(row, seq=event.seq, body=body)


def _merged(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return _piece_to(row, event, "merged", commit=payload["commit"])


def _checked(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:  # noqa: ARG001
    """The verdict of one command on one tree; the last one stands."""
    body = {**payload, "at": event.at}
    return born(event, body, state=payload["verdict"], parent=payload["fleet"])


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "fleet": {
        "fleet.planned": _planned,
        "fleet.opened": _opened,
        "fleet.tuned": _tuned,
        "fleet.merging": _merging,
        "fleet.tried": _tried,
        "fleet.finished": _finished,
        "fleet.branched": _branched,
        "fleet.cancelled": _cancelled,
    },
    "piece": {
        "piece.planned": _piece_planned,
        "piece.started": _started,
        "piece.answered": _answered,
        "piece.returned": _returned,
        "piece.asked": _asked,
        "piece.settled": _settled,
        "piece.reviewed": _reviewed,
        "piece.merged": _merged,
    },
    "piececheck": {"piece.checked": _checked},
}

"""Loops, the lane that keeps a loop's runs in order, their runs, and how far each may go alone.

A loop is active, paused or removed; adding one anew replaces its file. A lane holds the run that goes
on, those that wait behind it, and what was seen of the trigger's source: whoever takes occurrences
moves it, so that two who look at once take each occurrence once.
"""

from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.loops import LEVELS
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

RECENT = 50
"""So many of a loop's last runs its lane names."""
_MOVES: Mapping[str, tuple[frozenset[str], str]] = {
    "loop.paused": (frozenset({"active"}), "paused"),
    "loop.resumed": (frozenset({"paused"}), "active"),
    "loop.removed": (frozenset({"active", "paused"}), "removed"),
}


def _added(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """A removed loop may be added anew; one that is paused stays so with its new file."""
    told = {"added_at": event.at, "by": event.actor.sub}
    state = "paused" if row is not None and row.state == "paused" else "active"
    return born(event, {**payload, **told}, state=state)


def _moved(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    allowed, to = _MOVES[event.type]
    if row.state not in allowed:
        raise IllegalTransitionError(
            f"the loop {row.key!r} is {row.state}", hint="`lignin loop list` shows how each stands"
        )
    told = {"why": payload.get("why", ""), "moved_at": event.at, "moved_by": event.actor.sub}
    return replace(row, seq=event.seq, state=to, body={**row.body, **told})


def _lane(row: Row | None, event: Event) -> Row:
    body: Mapping[str, Json] = {
        "running": None,
        "waiting": [],
        "recent": [],
        "seen": None,
        "kept": [],
    }
    return row or born(event, body)


def _advanced(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _lane(row, event)
    return replace(row, seq=event.seq, body={**row.body, "seen": payload["seen"]})


def _entered(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _lane(row, event)
    body, run, decided = row.body, payload["run"], payload["decided"]
    if decided == "queue":
        body = {**body, "waiting": [*body["waiting"], run]}
    elif decided in ("start", "replace"):
        if body["running"] is not None and decided == "start":
            raise IllegalTransitionError(f"{body['running']!r} goes on in {event.stream!r}")
        body = {**body, "running": run}
    body = {**body, "recent": [*body["recent"], run][-RECENT:]}
    return replace(row, seq=event.seq, body=body)


def _left(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """The run that goes on ends; the next one that waits begins."""
    row = require_row(row, event)
    if row.body["running"] != payload["run"]:
        raise IllegalTransitionError(f"{payload['run']!r} does not go on in {event.stream!r}")
    waiting = list(row.body["waiting"])
    running = waiting.pop(0) if waiting else None
    if running != payload["next"]:
        raise IllegalTransitionError(f"{payload['next']!r} is not the next one in {event.stream!r}")
    kept = [*row.body["kept"], *([payload["run"]] if payload.get("keep") else [])][-RECENT:]
    body = {**row.body, "running": running, "waiting": waiting, "kept": kept}
    return replace(row, seq=event.seq, body=body)


def _given_on(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """What failed was given to a later run that came through."""
    row = require_row(row, event)
    kept = [run for run in row.body["kept"] if run not in payload["runs"]]
    return replace(row, seq=event.seq, body={**row.body, "kept": kept})


def _cleared(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:  # noqa: ARG001
    row = require_row(row, event)
    return replace(row, seq=event.seq, body={**row.body, "running": None, "waiting": []})


def _opened(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    state = {"start": "running", "replace": "running", "queue": "queued"}.get(
        payload["decided"], "skipped"
    )
    told: Mapping[str, Json] = {
        "opened_at": event.at,
        "by": event.actor.sub,
        "iterations": [],
        "end": None,
    }
    return born(event, {**payload, **told}, state=state, parent=payload["loop"])


def _started(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:  # noqa: ARG001
    row = _in(row, event, "queued")
    return replace(row, seq=event.seq, state="running", body={**row.body, "started_at": event.at})


def _iterated(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _in(row, event, "running")
    iterations = row.body["iterations"]
    if payload["number"] != len(iterations) + 1:
        raise IllegalTransitionError(
            f"iteration {payload['number']} of {event.stream!r}, which has {len(iterations)}"
        )
    body = {**row.body, "iterations": [*iterations, {**payload, "at": event.at}], "heard": None}
    return replace(row, seq=event.seq, body=body)


def _claimed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """Who drives it without an engine, and until when nobody else does."""
    row = _in(row, event, "running")
    return replace(row, seq=event.seq, body={**row.body, "claim": dict(payload)})


def _waits(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _in(row, event, "running")
    body = {**row.body, "waits_for": payload["item"], "claim": None}
    return replace(row, seq=event.seq, state="waiting", body=body, due_at=payload["until"])


def _woken(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _in(row, event, "waiting")
    heard = {"heard": payload["heard"], "heard_from": row.body["waits_for"]}
    body = {**row.body, "waits_for": None, **heard}
    return replace(row, seq=event.seq, state="running", body=body, due_at=None)


def _ended(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _in(row, event, "running", "waiting", "queued")
    body = {**row.body, "end": {**payload, "at": event.at}, "waits_for": None}
    return replace(row, seq=event.seq, state=payload["outcome"], body=body, due_at=None)


def _in(row: Row | None, event: Event, *states: str) -> Row:
    row = require_row(row, event)
    if row.state not in states:
        raise IllegalTransitionError(
            f"{event.type}: the run {row.key!r} is {row.state}",
            hint="another one has moved it: read it again",
        )
    return row


_NEW: Mapping[str, Json] = {"in_a_row": 0, "decisions": 0, "incidents": 0, "why": ""}


def _decided(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """A person's decision on a change, as it was proposed or not."""
    body = row.body if row else _NEW
    in_a_row = body["in_a_row"] + 1 if payload["unchanged"] else 0
    body = {**body, "in_a_row": in_a_row, "decisions": body["decisions"] + 1, "at": event.at}
    state = (row.state if row else None) or payload["level"]
    if row is None:
        return born(event, body, state=state, parent=payload["loop"])
    return replace(row, seq=event.seq, body=body, state=state)


def _risen(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """One step up, and from where it stands."""
    row = require_row(row, event)
    if LEVELS.index(payload["to"]) != LEVELS.index(row.state) + 1:
        raise IllegalTransitionError(f"from {row.state} to {payload['to']} is no single step up")
    body = {**row.body, "in_a_row": 0, "why": payload["why"], "moved_at": event.at}
    return replace(row, seq=event.seq, state=payload["to"], body=body)


def _fallen(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    body = row.body if row else _NEW
    if row is not None and LEVELS.index(payload["to"]) > LEVELS.index(row.state):
        raise IllegalTransitionError(f"from {row.state} to {payload['to']} is no step down")
    known = [*body.get("known", ()), *([payload["incident"]] if payload["incident"] else [])]
    told = {
        "in_a_row": 0,
        "incidents": body["incidents"] + 1,
        "why": payload["why"],
        "known": known,
    }
    body = {**body, **told, "moved_at": event.at}
    if row is None:
        return born(event, body, state=payload["to"], parent=payload["loop"])
    return replace(row, seq=event.seq, state=payload["to"], body=body)


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "loop": {"loop.added": _added, **dict.fromkeys(_MOVES, _moved)},
    "looplane": {
        "looplane.advanced": _advanced,
        "looplane.entered": _entered,
        "looplane.left": _left,
        "looplane.cleared": _cleared,
        "looplane.given_on": _given_on,
    },
    "looprun": {
        "looprun.opened": _opened,
        "looprun.started": _started,
        "looprun.iterated": _iterated,
        "looprun.claimed": _claimed,
        "looprun.waits": _waits,
        "looprun.woken": _woken,
        "looprun.ended": _ended,
    },
    "autonomy": {
        "autonomy.decided": _decided,
        "autonomy.risen": _risen,
        "autonomy.fallen": _fallen,
    },
}

"""Jobs, the lanes that they wait in, the workers that take them, and claims: one open job of a name.

A job's parent is what it is part of. `turn` counts how often it was opened; what a turn came to is kept
until the next one. A lane has a row where
somebody set bounds for it. Whether a worker lives, its
engine knows.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.jobs import (
    ENDS,
    TRANSITIONS,
    Job,
    JobAsked,
    JobError,
    JobLimits,
    JobSignal,
    JobSpent,
    JobState,
)
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

SHOULD = ("alert", "quiet")
_FRESH: Mapping[str, Json] = {
    "ended_at": "",
    "output": None,
    "error": None,
    "attempts": 0,
    "spent": {},
}


def parse_job(row: Row) -> Job:
    """A job from its row."""
    body = row.body
    forked = body["forked"]
    asked = JobAsked(
        kind=body["kind"],
        input=body["input"],
        queue=body["queue"],
        needs=tuple(body["needs"]),
        priority=body["priority"],
        key=body["key"],
        dedup=body["dedup"],
        source=body["source"],
        occurrence=body["occurrence"],
        parent=body["parent"],
        limits=JobLimits(**body["limits"]),
        versions=dict(body["versions"]),
        start_at=body["start_at"],
        forked=(forked["job"], forked["step"]) if forked else None,
    )
    return Job(
        id=row.key,
        state=cast("JobState", row.state),
        turn=body["turn"],
        asked=asked,
        asked_by=body["asked_by"],
        opened_at=body["opened_at"],
        ended_at=body["ended_at"],
        output=body["output"],
        error=JobError(**body["error"]) if body["error"] else None,
        attempts=body["attempts"],
        spent=JobSpent(**body["spent"]),
        signals=tuple(JobSignal(**each) for each in body.get("signals", ())),
    )


def _opened(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    told = {"turn": 1, "asked_by": event.actor.to_json(), "opened_at": event.at, **_FRESH}
    return born(event, {**payload, **told}, state="open", parent=payload["parent"] or None)


def _ended(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    if payload["state"] not in ENDS:
        raise IllegalTransitionError(f"a job does not end {payload['state']!r}")
    row = _moved(row, event, payload["state"])
    return replace(row, body={**row.body, **_FRESH, **_but_state(payload), "ended_at": event.at})


def _cancelled(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = _moved(row, event, "cancelled")
    error = {"code": "cancelled", "message": payload["reason"], "hint": ""}
    return replace(row, body={**row.body, "error": error, "ended_at": event.at})


def _retried(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:  # noqa: ARG001
    row = _moved(row, event, "open")
    return replace(row, body={**row.body, **_FRESH, "turn": row.body["turn"] + 1})


def _forked(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    forks = [*row.body.get("forks", ()), payload["into"]]
    return replace(row, seq=event.seq, body={**row.body, "forks": forks})


def _signalled(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state != "open":
        raise IllegalTransitionError(
            f"job {row.key!r} is {row.state}", hint="what has ended waits for nothing"
        )
    signals = [*row.body.get("signals", ()), {**payload, "turn": row.body["turn"]}]
    return replace(row, seq=event.seq, body={**row.body, "signals": signals})


def _judged(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """A person's word of what a turn should have done; the last one counts."""
    row = require_row(row, event)
    if row.state == "open" or payload["should"] not in SHOULD:
        raise IllegalTransitionError(
            f"job {row.key!r} is {row.state}, and is not judged {payload['should']!r}",
            hint="what has ended is judged: it should have raised an alert, or been quiet",
        )
    told = {**payload, "by": event.actor.sub, "at": event.at, "turn": row.body["turn"]}
    return replace(row, seq=event.seq, body={**row.body, "judged": told})


def _moved(row: Row | None, event: Event, to: JobState) -> Row:
    row = require_row(row, event)
    if to not in TRANSITIONS[cast("JobState", row.state)]:
        raise IllegalTransitionError(
            f"job {row.key!r} is {row.state} and cannot become {to}",
            hint="`lignin job show` tells how it stands; what succeeded is forked, not retried",
        )
    return replace(row, seq=event.seq, state=to)


def _but_state(payload: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in payload.items() if name != "state"}


def _claimed(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    body = {"job": payload["job"]}
    return born(event, body) if row is None else replace(row, seq=event.seq, body=body)


def _kept(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    body = {**payload, "at": event.at}
    return born(event, body) if row is None else replace(row, seq=event.seq, body=body)


def _lane_set(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    body = {**(row.body if row else {}), **payload, "at": event.at}
    state = "paused" if body.get("paused") else "open"
    if row is None:
        return born(event, body, state=state, parent=body["queue"])
    return replace(row, seq=event.seq, body=body, state=state)


def _worker_started(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    if row is not None and row.state != "stopped":
        raise IllegalTransitionError(f"{event.stream!r} works already")
    told = {"started_at": event.at, "stopped_at": "", "by": event.actor.sub}
    return born(event, {**payload, **told}, state="started")


def _worker_stopped(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.state == "stopped":
        raise IllegalTransitionError(f"{event.stream!r} has stopped already")
    body = {**row.body, **payload, "stopped_at": event.at}
    return replace(row, seq=event.seq, state="stopped", body=body)


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "job": {
        "job.opened": _opened,
        "job.ended": _ended,
        "job.cancelled": _cancelled,
        "job.retried": _retried,
        "job.forked": _forked,
        "job.judged": _judged,
        "job.signalled": _signalled,
    },
    "dedup": {"job.claimed": _claimed},
    "subject": {"subject.kept": _kept},
    "lane": {"lane.set": _lane_set},
    "worker": {
        "worker.started": _worker_started,
        "worker.stopped": _worker_stopped,
    },
}

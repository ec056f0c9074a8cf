"""Commutative facts about digests: examples, recordings, evidence, results, usage, feedback and more.

Their order does not matter, so nobody puts a precondition on them and they never conflict; but for
the withdrawal of examples, which names what was there.
"""

from collections.abc import Mapping

from lignin.domain.codec import Json
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born

MAX_KEPT = 50


def _kept(event: Event, body: Mapping[str, Json]) -> Row:
    return born(event, body)  # a fact has no state, parent or due time to keep


def _examples_added(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    blobs = list(row.body["blobs"]) if row else []
    if payload["blob"] not in blobs:
        blobs.append(payload["blob"])
    by = {**(row.body.get("by", {}) if row else {}), payload["blob"]: payload.get("by")}
    blobs = blobs[-MAX_KEPT:]
    return _kept(event, {"blobs": blobs, "by": {blob: by.get(blob) for blob in blobs}})


def _examples_withdrawn(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    gone = set(payload["blobs"])
    blobs = [blob for blob in (row.body["blobs"] if row else ()) if blob not in gone]
    by = row.body.get("by", {}) if row else {}
    return _kept(event, {"blobs": blobs, "by": {blob: by.get(blob) for blob in blobs}})


def _recording_added(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    kept = [each for each in (row.body["given"] if row else ()) if each["blob"] != payload["blob"]]
    given = {"blob": payload["blob"], "by": payload["by"]}
    return _kept(event, {"given": [*kept, given][-MAX_KEPT:]})


def _evidence_recorded(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    latest = dict(row.body["latest"]) if row else {}
    count = row.body["count"] if row else 0
    latest[payload["kind"]] = {**payload, "at": event.at, "event_id": event.event_id}
    return _kept(event, {"latest": latest, "count": count + 1})


def _result_recorded(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return _kept(event, {**payload, "at": event.at})


def _usage_recorded(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    body: dict[str, Json] = (
        dict(row.body) if row else {"uses": 0, "failures": 0, "by": {}, "first_at": event.at}
    )
    by = dict(body["by"])
    who = f"{payload['client']}/{payload['path']}"
    by[who] = by.get(who, 0) + 1
    body["uses"] += 1
    body["failures"] += 0 if payload["ok"] else 1
    return _kept(event, {**body, "by": by, "last_at": event.at})


def _feedback_joined(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """What was found later of one run's use of a version, or of the version itself."""
    return born(event, payload, state=payload["label"], parent=payload["version"])


def _judged(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, {**payload, "at": event.at}, state=payload["verdict"])


def _served(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return _kept(event, {**payload, "at": event.at})


def _purged(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    count = row.body["count"] if row else 0
    return _kept(event, {"count": count + payload["count"]})


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "examples": {
        "examples.added": _examples_added,
        "examples.withdrawn": _examples_withdrawn,
    },
    "recording": {"recording.added": _recording_added},
    "evidence": {"evidence.recorded": _evidence_recorded},
    "result": {"result.recorded": _result_recorded},
    "usage": {"usage.recorded": _usage_recorded},
    "feedback": {"feedback.joined": _feedback_joined},
    "judgement": {"run.judged": _judged},
    "serving": {"skills.served": _served},
    "project": {"project.prepared": _served, "project.restored": _served},
    "purge": {"payload.purged": _purged},
}

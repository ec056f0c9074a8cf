"""Artifacts and their versions: the transition table and its reducers (decision record 2)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

VersionState = Literal[
    "draft",
    "verified",
    "rejected",
    "expired",
    "promoted",
    "deprecated",
    "retired",
    "quarantined",
]
STATES: tuple[VersionState, ...] = get_args(VersionState)

TRANSITIONS: Mapping[VersionState, frozenset[VersionState]] = {
    "draft": frozenset({"verified", "rejected", "expired", "quarantined"}),
    "expired": frozenset({"draft", "quarantined"}),
    "verified": frozenset({"promoted", "rejected", "draft", "quarantined"}),
    "promoted": frozenset({"deprecated", "verified", "quarantined"}),
    "deprecated": frozenset({"promoted", "retired", "quarantined"}),
    "retired": frozenset({"verified", "quarantined"}),
    "quarantined": frozenset({"verified", "retired"}),
    "rejected": frozenset(),  # final under its check set and examples; `reopened` makes it a draft
}

MAX_KEPT_PROVENANCE = 20
SERVABLE: frozenset[VersionState] = frozenset({"promoted", "deprecated"})
PROVEN: frozenset[VersionState] = SERVABLE | {"verified"}


def require_transition(
    before: VersionState, after: VersionState, *, reopened: bool = False
) -> None:
    """Raise unless a version may go from one state to the other.

    `reopened` says that a rejected version is judged under another check set than before, or that
    the examples which alone spoke against it were withdrawn by whoever gave them.
    """
    if after in TRANSITIONS[before]:
        return
    if before == "rejected" and after == "draft" and reopened:
        return
    allowed = ", ".join(sorted(TRANSITIONS[before])) or "nothing, it is final"
    raise IllegalTransitionError(
        f"a {before} version cannot become {after}", hint=f"from {before}: {allowed}"
    )


def _registered(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    return born(event, {**payload, "created_at": event.at}, state=payload["kind"])


def _reassigned(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    body = {**row.body, "owner": payload["owner"], "successor": payload["successor"]}
    return replace(row, seq=event.seq, body=body)


def _captured(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {
        "name": payload["name"],
        "digest": payload["digest"],
        "kind": payload["kind"],
        "state": "draft",
        "requested": payload["requested"],
        "keep_until": payload["keep_until"],
        "captured_at": event.at,
        "captured_by": event.actor.to_json(),
        "sighting_key": payload["sighting_key"],
        "sightings": 1,
        "sessions": [payload["provenance"]["session"]],
        "provenance": [payload["provenance"]],
        "reason": "captured",
        "check_set": None,
        "forward_to": None,
    }
    return born(event, body, state="draft", parent=payload["name"], due_at=payload["keep_until"])


def _sighted(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    body, provenance = dict(row.body), payload["provenance"]
    body["sightings"] += 1
    if provenance["session"] not in body["sessions"]:
        body["sessions"] = [*body["sessions"], provenance["session"]][-MAX_KEPT_PROVENANCE:]
    body["provenance"] = [*body["provenance"], provenance][-MAX_KEPT_PROVENANCE:]
    body["keep_until"] = payload["keep_until"]
    body["requested"] = body["requested"] or payload["requested"]
    due_at = payload["keep_until"] if row.state == "draft" else row.due_at
    return replace(row, seq=event.seq, body=body, due_at=due_at)


def _moved(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    after, check_set = payload["to"], payload.get("check_set")
    before: VersionState = row.body["state"]
    reopened = check_set is not None and check_set != row.body["check_set"]
    reopened = reopened or payload.get("withdrawn") is True
    require_transition(before, after, reopened=reopened)
    body = {**row.body, "state": after, "reason": payload["reason"]}
    if check_set is not None:
        body["check_set"] = check_set
    if after == "draft":
        body["keep_until"] = payload.get("keep_until", body["keep_until"])
    body["forward_to"] = payload.get("forward_to")
    due_at = body["keep_until"] if after == "draft" else payload.get("due_at")
    return replace(row, seq=event.seq, body=body, state=after, due_at=due_at)


def _sighting_noted(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    seen = [payload["name"], payload["digest"]]
    if row is None:
        return born(event, {"count": 1, "versions": [seen]})
    versions = row.body["versions"]
    if seen not in versions:
        versions = [*versions, seen][-MAX_KEPT_PROVENANCE:]
    body = {"count": row.body["count"] + 1, "versions": versions}
    return replace(row, seq=event.seq, body=body)


def _outlined(_row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    return born(event, payload)


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "artifact": {"artifact.registered": _registered, "artifact.reassigned": _reassigned},
    "version": {
        "version.captured": _captured,
        "version.sighted": _sighted,
        "version.moved": _moved,
    },
    "sighting": {"sighting.noted": _sighting_noted},
    "outline": {"outline.noted": _outlined},
}

"""Revisions, heads, proposals and slot notes (decision record 3)."""

from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError, IllegalTransitionError
from lignin.domain.events import Event
from lignin.domain.states.row import Reducer, Row, born, require_absent, require_row

PROPOSAL_STEPS: Mapping[str, frozenset[str]] = {
    "open": frozenset({"accepted", "rejected", "undecided", "superseded", "withdrawn"}),
    "undecided": frozenset({"accepted", "rejected", "undecided", "superseded", "withdrawn"}),
    "accepted": frozenset({"applied", "superseded", "withdrawn", "reopened"}),
    "rejected": frozenset({"reopened"}),
    "applied": frozenset({"reopened"}),
    "reopened": frozenset({"accepted", "applied", "rejected", "reopened"}),
    "superseded": frozenset(),
    "withdrawn": frozenset(),
}
MAX_REASONS = 20


def _revision_created(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    if row is not None:
        return row.moved(event.seq)  # immutable: the same digest has the same content
    return born(event, {**payload, "created_at": event.at})


def _head_created(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {
        "stable": payload["stable"],
        "canary": None,
        "share_ppm": 0,
        "holdout_ppm": 0,
        "salt": payload["salt"],
        "fence": 0,
        "lease": None,
        "extends": payload["extends"],
        "moves": 0,
    }
    body |= {name: payload[name] for name in ("practice", "campaign") if payload.get(name)}
    return born(event, body, state="active", parent=payload.get("parent"))


def _head_moved(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    if row.body["stable"] != payload["from"]:
        raise ConflictError(
            f"head {row.key!r} stands at {row.body['stable']}, not at {payload['from']}",
            hint="read the head again and rebase",
            head=row.key,
            expected=payload["from"],
            actual=row.body["stable"],
        )
    body = {**row.body, "stable": payload["to"], "moves": row.body["moves"] + 1}
    return replace(row, seq=event.seq, body=body)


def _canary_set(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    names = ("canary", "share_ppm", "holdout_ppm")
    return replace(row, seq=event.seq, body={**row.body, **{n: payload[n] for n in names}})


def _head_leased(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    fence = row.body["fence"] + 1
    lease = {"holder": payload["holder"], "until": payload["until"], "token": fence}
    body = {**row.body, "fence": fence, "lease": lease}
    return replace(row, seq=event.seq, body=body, due_at=payload["until"])


def _head_released(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:  # noqa: ARG001
    row = require_row(row, event)
    return replace(row, seq=event.seq, body={**row.body, "lease": None}, due_at=None)


def _proposal_opened(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    require_absent(row, event)
    body = {
        **payload,
        "state": "open",
        "author": event.actor.to_json(),
        "opened_at": event.at,
        "decision": None,
        "revision": None,
    }
    return born(event, body, state="open", parent=payload["head"])


def _proposal_moved(to: str | None) -> Reducer:
    def reducer(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
        row = require_row(row, event)
        after = to or payload["to"]
        if after not in PROPOSAL_STEPS[str(row.state)]:
            raise IllegalTransitionError(f"the proposal is {row.state} and cannot become {after}")
        body = {**row.body, "state": after}
        for name in ("decision", "revision", "reason", "superseded_by"):
            if name in payload:
                body[name] = payload[name]
        return replace(row, seq=event.seq, body=body, state=after)

    return reducer


def _decision_reopened(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """What was decided is in doubt: the head stays where it is until it is decided anew."""
    row = require_row(row, event)
    after = _proposal_moved("reopened")(row, event, {})
    before = row.body.get("reopened") if row.state == "reopened" else None
    reasons = [*(before["reasons"] if before else ()), *payload["reasons"]]
    reopened = {
        "from": before["from"] if before else row.state,
        "reasons": reasons[-MAX_REASONS:],
        "at": event.at,
        "by": event.actor.sub,
    }
    return replace(after, body={**after.body, "reopened": reopened})


def _slot_noted(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    body = {**(row.body if row else {}), **payload, "noted_at": event.at}
    return born(event, body, parent=payload["head"])


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "revision": {"revision.created": _revision_created},
    "head": {
        "head.created": _head_created,
        "head.moved": _head_moved,
        "head.canary_set": _canary_set,
        "head.leased": _head_leased,
        "head.released": _head_released,
    },
    "proposal": {
        "proposal.opened": _proposal_opened,
        "proposal.decided": _proposal_moved(None),
        "proposal.applied": _proposal_moved("applied"),
        "proposal.superseded": _proposal_moved("superseded"),
        "proposal.withdrawn": _proposal_moved("withdrawn"),
        "decision.reopened": _decision_reopened,
    },
    "note": {"slot.noted": _slot_noted},
}

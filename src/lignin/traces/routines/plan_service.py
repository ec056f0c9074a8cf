"""Plans on the ledger. Owns streams `plan/`; nothing here commits."""

import json
from collections.abc import Mapping, Sequence

from lignin.domain.codec import Json, digest_bytes
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.ids import derive_id
from lignin.domain.plans import Plan, parse_plan
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, every_row


def plan_id(plan: Plan) -> str:
    """A plan's name: the hash of its family's."""
    return derive_id("pln", plan.family)


def file_plans(
    ids: IdSource, view: View, scope: Scope, plans: Sequence[Plan]
) -> tuple[Change, ...]:
    """The change that files plans and withdraws those that no longer hold; none where all is so."""
    rows = {row.key: row for row in every_row(view, "plan", state="filed")}
    events: list[NewEvent] = []
    blobs: list[Blob] = []
    for plan in plans:
        content = json.dumps(plan.to_json(), separators=(",", ":")).encode()
        payload: dict[str, Json] = {
            "digest": digest_bytes(content),
            "routines": [use.routine for use in plan.uses],
            "support": plan.support,
            "proven": plan.proven,
        }
        row = rows.pop(plan_id(plan), None)
        if row is None or row.body["digest"] != payload["digest"]:
            stream = f"plan/{plan_id(plan)}"
            events.append(_event(ids, stream, "plan.filed", payload))
            blobs.append(Blob(stream=stream, digest=payload["digest"], content=content))
    for row in rows.values():
        reason = {"reason": "its runs or routines no longer bear it out"}
        events.append(_event(ids, row.stream, "plan.withdrawn", reason))
    if not events:
        return ()
    known = view.rows({event.stream for event in events})
    expects = {
        event.stream: known[event.stream].seq if event.stream in known else 0 for event in events
    }
    return (scope.change(events=tuple(events), blobs=tuple(blobs), expects=expects),)


def filed_plans(view: View) -> dict[str, Plan]:
    """The plans that stand, by id."""
    return {
        row.key: parse_plan(json.loads(view.blob(row.body["digest"])))
        for row in every_row(view, "plan", state="filed")
    }


def _event(ids: IdSource, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
    return NewEvent(stream=stream, type=type_, payload=payload, event_id=ids.new("evt"))

"""Budgets on the ledger: tickets set aside and settled. A ticket that does not fit is refused here."""

from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.budgets import shortfall, taken
from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError, LimitedError
from lignin.domain.events import Event
from lignin.domain.loops import UNITS, parse_amounts
from lignin.domain.states.row import Reducer, Row, born, require_row

_NEW: Mapping[str, Json] = {"held": {}, "spent": {}, "settled": 0, "over": 0}


def _reserved(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    """Limits are those in force when a ticket is set aside: a loop's file may have changed them."""
    body = row.body if row else _NEW
    if payload["ticket"] in body["held"]:
        raise IllegalTransitionError(f"the ticket {payload['ticket']!r} is set aside already")
    limits, amounts = parse_amounts(payload["limits"]), parse_amounts(payload["amounts"])
    short = shortfall(limits, taken(body), amounts)
    if short is not None:
        raise LimitedError(
            f"the budget {event.stream.partition('/')[2]!r} does not hold that: {short}",
            hint="raise it in the loop's file, or wait until it begins anew",
            unit=short.unit,
            left=short.left,
        )
    held = {**body["held"], payload["ticket"]: amounts.to_json()}
    after = {**body, "held": held, "limits": limits.to_json()}
    if row is None:
        return born(event, after, parent=payload.get("loop"))
    return replace(row, seq=event.seq, body=after)


def _settled(row: Row | None, event: Event, payload: Mapping[str, Json]) -> Row:
    row = require_row(row, event)
    held = dict(row.body["held"])
    aside = held.pop(payload["ticket"], None)
    if aside is None:
        raise IllegalTransitionError(f"the ticket {payload['ticket']!r} is not set aside")
    spent, now = row.body["spent"], payload["amounts"]
    total = {unit: int(spent.get(unit, 0)) + int(now.get(unit, 0)) for unit in UNITS}
    is_over = any(int(now.get(unit, 0)) > bound for unit, bound in aside.items())
    body = {
        **row.body,
        "held": held,
        "spent": total,
        "settled": row.body["settled"] + 1,
        "over": row.body["over"] + is_over,
    }
    return replace(row, seq=event.seq, body=body)


REDUCERS: Mapping[str, Mapping[str, Reducer]] = {
    "budget": {"budget.reserved": _reserved, "budget.settled": _settled},
}

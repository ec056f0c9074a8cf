"""What a fleet's pieces ask lies in the inbox, and what is said there is taken as if it were said to the fleet."""

from collections.abc import Mapping

from lignin.domain.codec import Json
from lignin.domain.events import Change
from lignin.domain.states import Row
from lignin.loops.fleets import FleetNow, Fleets
from lignin.loops.inbox import Filing, Inbox, said_of
from lignin.loops.laws.answers import MAX_TITLE_CHARS, Finding
from lignin.operations.context import Context
from lignin.ports.ledger import View

_HINTS = {
    "judgement": "answer it; dismissing drops the piece",
    "approval": "accept lets the result into the merge queue, an answer has it done anew, dismiss drops it",
    "stuck": "accept or answer has its agent try anew, with your words; dismiss drops the piece",
}
_SETTLED = {"answer": "answered", "approve": "accepted", "retry": "answered", "drop": "dismissed"}


def sync_inbox(context: Context, now: FleetNow) -> bool:
    """File what pieces ask and take what was settled; True where a piece stands elsewhere for it."""
    moved = False
    for row in now.pieces.values():
        filing = _filing(now, row)
        if filing is None:
            continue
        with context.view() as view:
            item = view.row(f"inbox/{filing.item}")
            said = said_of(view, item) if item else ""
            filed = [] if item else Inbox(context.ids).file(view, context.scope, [filing])
        if filed:
            context.commit(*filed)
        if item is not None and (how := _meant(row.body["asks"], str(item.state), said)):
            by = item.body["settled"]["by"]
            fleets = Fleets(context.ids)
            context.commit(fleets.settled(context.scope, row, how, said or "yes", by=by))
            moved = True
    return moved


def settle_item(context: Context, view: View, now: FleetNow, row: Row, how: str) -> list[Change]:
    """The change that settles in the inbox what was said to the fleet itself; none where it lies not there."""
    filing = _filing(now, row)
    item = view.row(f"inbox/{filing.item}") if filing else None
    if item is None or item.state not in ("open", "snoozed"):
        return []
    said = f"said to the fleet: {how}"
    return [Inbox(context.ids).settle(context.scope, item, _SETTLED[how], said)]


def _filing(now: FleetNow, row: Row) -> Filing | None:
    """What a piece asks as an item of the inbox: the same one until it is answered."""
    asks = row.body["asks"]
    if not asks:
        return None
    name, fleet = row.body["piece"], now.row.key
    evidence = [f"fleet {fleet}, piece {name}: {now.plan.piece(name).what}"]
    evidence += [each["reason"] for each in row.body["returned"][-5:]]
    finding = Finding(
        key=f"{name}@{asks['at']}",
        title=f"{name}: {asks['text']}"[:MAX_TITLE_CHARS],
        evidence=tuple(evidence),
        change="fleet",
        proposed=_HINTS[asks["why"]],
    )
    kind = "approval" if asks["why"] == "approval" else "question"
    return Filing(loop=fleet, run=fleet, kind=kind, finding=finding)  # type: ignore[arg-type]


def _meant(asks: Mapping[str, Json], state: str, said: str) -> str:
    """What a settled item means for its piece; "" where it is not settled."""
    if state == "dismissed":
        return "drop"
    if state not in ("accepted", "answered"):
        return ""
    if asks["why"] == "judgement":
        return "answer"
    can_pass = asks["why"] == "approval" or asks.get("can_pass")
    return "approve" if state == "accepted" and can_pass and not said else "retry"

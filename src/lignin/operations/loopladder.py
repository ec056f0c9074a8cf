"""How far a loop may go here and now: what its gates were measured to catch, and what went wrong since."""

from collections.abc import Iterator
from typing import cast

from lignin.domain.loops import Level, Loop
from lignin.domain.states import Row
from lignin.loops.ladder import Ladder, standing_of, stream_of
from lignin.loops.laws.ladder import (
    Ceiling,
    Incident,
    Power,
    Standing,
    ceiling_of,
    decide_fall,
    new_incidents,
    stand,
)
from lignin.operations.context import Context
from lignin.operations.heads import is_practice
from lignin.operations.powerwork import power_of_head
from lignin.operations.regressing import told_of
from lignin.ports.ledger import View, every_row


def ceiling(view: View, loop: Loop) -> Ceiling:
    """How far a loop's gates allow."""
    return ceiling_of({head: measured_power(view, head) if head else None for head in loop.heads})


def measured_power(view: View, head: str) -> Power | None:
    """What the suite of a head was measured to catch; simulated agents show nothing of a real head."""
    row = view.row(f"head/{head}")
    told = power_of_head(view, head)
    if row is None or told is None or (told["simulated"] and not is_practice(row)):
        return None
    fixes = told["reverted_fixes"]
    low = float(fixes["interval"][0]) if fixes["interval"] else 0.0
    return Power(
        caught=int(fixes["caught"]),
        of=int(fixes["of"]),
        low=low,
        measured_at=str(told["measured_at"]),
    )


def current_standing(context: Context, loop: Loop, change: str) -> Standing:
    """Where a loop stands now; what went wrong with its changes since is counted first."""
    count_incidents(context, loop)
    with context.view() as view:
        return standing_of(view, loop, change, ceiling(view, loop))


def told_standing(context: Context, view: View, loop: Loop, change: str) -> tuple[Standing, int]:
    """Where a loop stands with a class, and how often something went wrong; nothing is written.

    What went wrong and was not counted yet is told as if it were: before it acts it will be.
    """
    row = view.row(stream_of(loop.name, change))
    known = row.body.get("known", ()) if row else ()
    found = [each for each in incidents(context, view, loop) if each.change == change]
    fresh, gates = new_incidents(found, known), ceiling(view, loop)
    count = (int(row.body["incidents"]) if row else 0) + len(fresh)
    if not fresh:
        return standing_of(view, loop, change, gates), count
    earned = cast("Level", row.state) if row else loop.autonomy.start
    fallen = {
        "state": decide_fall(loop.autonomy, earned),
        "in_a_row": 0,
        "why": fresh[-1].told,
    }
    return stand(loop.autonomy, change, fallen, gates), count


def count_incidents(context: Context, loop: Loop) -> None:
    """Lower a loop for every incident that was not counted yet."""

    def decide(view: View) -> tuple[None, list[object]]:
        found = list(incidents(context, view, loop))
        fallen = Ladder(context.ids).fallen(view, context.scope, loop, found)
        return None, [fallen] if fallen else []

    context.decide_and_commit(decide)  # type: ignore[arg-type]


def incidents(context: Context, view: View, loop: Loop) -> Iterator[Incident]:
    """What went wrong with changes that a loop brought: a fix slid back by one, or one was rolled back."""
    applied = [row for row in _items(view, loop.name) if row.state == "applied"]
    brought = {
        str(row.body["applied"]["facts"]["proposal"]): row
        for row in applied
        if row.body["applied"]["facts"].get("proposal")
    }
    if not brought:
        return
    for row in every_row(view, "backslide", state="named"):
        accused = told_of(view, row).get("accused")
        if accused in brought:
            change = str(brought[accused].body["change"])
            told = f"{row.body['case']} slid back by {accused}"
            yield Incident(id=row.key, change=change, told=told)
    heads = {str(row.body["applied"]["facts"].get("head", "")) for row in brought.values()}
    for head in sorted(heads - {""}):
        yield from _rolled_back(context, view, head, brought)


def _rolled_back(
    context: Context, view: View, head: str, brought: dict[str, Row]
) -> Iterator[Incident]:
    moves = list(reversed(context.harness.history(view, head)))
    places = {move.proposal: place for place, move in enumerate(moves)}
    for proposal, item in brought.items():
        place = places.get(proposal)
        if place is None:
            continue
        for move in moves[place + 1 :]:
            row = view.row(f"proposal/{move.proposal}")
            undoes = row.body["facts"].get("undoes") if row else None
            is_back = move.claim == "restore" and move.to == moves[place].came_from
            if undoes == proposal or is_back:
                change = str(item.body["change"])
                told = f"{proposal} was rolled back by {move.by}"
                yield Incident(id=f"{proposal}:rolled-back", change=change, told=told)
                break


def _items(view: View, loop: str) -> Iterator[Row]:
    after: str | None = None
    while True:
        page = view.page("inbox", parent=loop, after=after, limit=1000)
        yield from page.rows
        after = page.next_after
        if after is None:
            return


def items_of(view: View, loop: str) -> list[Row]:
    """All items of a loop."""
    return list(_items(view, loop))

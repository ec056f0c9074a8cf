"""Running loops: by hand, by looking at what triggers them, and what their runs came to."""

from collections.abc import Mapping

from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError
from lignin.domain.loops import UNITS, Loop, Occurrence, run_id
from lignin.domain.states import Row
from lignin.loops.service import lane_of, load_loop
from lignin.operations.context import Context
from lignin.operations.loop_models import (
    LoopHistory,
    LoopRef,
    LoopRun,
    LoopTick,
    Ran,
    RunsListed,
    RunView,
    StandingsListed,
    StandingView,
    Ticked,
)
from lignin.operations.loopladder import told_standing
from lignin.operations.looplooking import claim, running, take, tick
from lignin.operations.loopplaces import is_for_here
from lignin.operations.looppolling import read_awaited
from lignin.operations.looprunning import drive, held_for_s
from lignin.operations.registry import operation
from lignin.ports.ledger import View, require_known


@operation("loop.run", effect="execute")
def run(context: Context, request: LoopRun) -> Ran:
    """Start a loop by hand, or by a message, and drive its run here until it ends or waits.

    What comes while a run goes on is skipped, queued or takes its place, as the loop's file says. The
    same `--id` again starts nothing. A message with an `--id` that would be skipped is refused, so that it can be
    sent again under the same one.
    """
    name = request.id or context.ids.new("occ")
    is_message = request.given is not None or bool(
        request.id
    )  # an id names one, whatever came with it
    source = "message" if is_message else "manual"
    occurrence = Occurrence(source=source, name=name, given=request.given)
    is_delivered = request.given is not None and bool(request.id)
    taken = take(context, request.name, [occurrence], skips=not is_delivered)
    started = run_id(request.name, occurrence)
    decided = taken.entries[started].decided if started in taken.entries else "known"
    if not request.take_only and not context.dry_run:
        for each in taken.started:
            drive_here(context, each)
    with context.view() as view:
        row = require_known(view, f"looprun/{started}")
        items = [
            each.key
            for each in view.page("inbox", parent=request.name, state="open", limit=100).rows
        ]
    return Ran(run=started, decided=decided, state=str(row.state), why=_why(row), items=items)


@operation("loop.tick", effect="execute", idempotent=True)
def tick_(context: Context, request: LoopTick) -> Ticked:
    """Look once at what triggers each loop, take what is new, and drive what is to go on.

    Connectors whose messages start a loop are read first.

    Any number of processes may do so, as often as they like: an occurrence is taken once, a run is driven
    by one of them. A run whose folder is on another machine is left to that. `lignin up` and `lignin worker` do
    the same without end.
    """
    unread = {} if context.dry_run else read_awaited(context)
    ticked = tick(context)
    drove: dict[str, str] = {}
    if request.drive and not context.dry_run:
        for each in running(context):
            if not is_for_here(context, each):
                continue
            state = drive_here(context, each)
            if state:
                drove[each] = state
    return Ticked(
        started=ticked.started, taken=ticked.taken, drove=drove, faults={**unread, **ticked.faults}
    )


def drive_here(context: Context, run_: str) -> str:
    """Drive a run, and those that begin behind it, in this process; "" where another one drives it."""
    state, following = "", run_
    while following:
        with context.view() as view:
            limit_s = held_for_s(view, require_known(view, f"looprun/{following}"))
        try:
            if not claim(context, following, context.ids.new("drv"), limit_s):
                break
            came: Mapping[str, Json] = drive(context, following)
        except ConflictError:
            break
        state = state or str(came["state"])
        following = came.get("next") or ""
    return state


@operation("loop.history", effect="read", idempotent=True)
def history(context: Context, request: LoopHistory) -> RunsListed:
    """List a loop's last runs: what started each, how it ended and what it spent."""
    with context.view() as view:
        require_known(view, f"loop/{request.name}")
        recent = lane_of(view, request.name)["recent"]
        rows = [require_known(view, f"looprun/{each}") for each in reversed(recent)]
        total = view.page("looprun", parent=request.name, limit=1).total
    return RunsListed(items=[_run_view(row) for row in rows[: request.limit]], total=total)


@operation("loop.autonomy", effect="read", idempotent=True)
def autonomy(context: Context, request: LoopRef) -> StandingsListed:
    """Show how far a loop may go with each class of change, and what holds it there."""
    with context.view() as view:
        loop = load_loop(view, require_known(view, f"loop/{request.name}"))
        items = [_standing(context, view, loop, each) for each in sorted(loop.autonomy.classes)]
    return StandingsListed(items=items, total=len(items))


def _standing(context: Context, view: View, loop: Loop, change: str) -> StandingView:
    standing, incidents = told_standing(context, view, loop, change)
    return StandingView(
        loop=loop.name,
        change=change,
        level=standing.level,
        earned=standing.earned,
        in_a_row=standing.in_a_row,
        promote_after=loop.autonomy.promote_after,
        incidents=incidents,
        why=list(standing.why),
    )


def _run_view(row: Row) -> RunView:
    body = row.body
    return RunView(
        run=row.key,
        state=str(row.state),
        source=body["source"],
        occurrence=body["occurrence"],
        opened_at=body["opened_at"],
        iterations=len(body["iterations"]),
        why=_why(row),
        spent={
            unit: sum(int(each["spent"].get(unit, 0)) for each in body["iterations"])
            for unit in UNITS
        },
        branch=body["iterations"][-1].get("branch", "") if body["iterations"] else "",
        waits_for=body.get("waits_for"),
    )


def _why(row: Row) -> str:
    end = row.body["end"]
    return f"{end['why']}: {end['told']}" if end else str(row.body["why"])

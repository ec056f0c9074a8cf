"""Loops: what goes on without anybody watching, with a trigger, an action, a gate and a stop."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC

from lignin.domain.budgets import taken
from lignin.domain.codec import parse_json
from lignin.domain.errors import InvalidRequestError, LigninError, NotFoundError
from lignin.domain.events import Change, format_time
from lignin.domain.loops import Loop
from lignin.domain.states import Row
from lignin.governance.laws.connectors import parse_connectors
from lignin.governance.laws.grants import parse_servers
from lignin.loops.laws.parse import parse_loop
from lignin.loops.laws.reading import MAX_FILE_BYTES, parse_file
from lignin.loops.laws.ticks import next_tick
from lignin.loops.service import Loops, lane_of, load_loop
from lignin.operations.context import Context
from lignin.operations.handing import host_need
from lignin.operations.loop_models import (
    LoopAdd,
    LoopMove,
    LoopRef,
    LoopsAsked,
    LoopShown,
    LoopsListed,
    LoopView,
)
from lignin.operations.loopfitting import require_fitting
from lignin.operations.looplooking import look_once
from lignin.operations.loopplaces import found_place
from lignin.operations.registry import operation
from lignin.ports.ledger import View, require_known


@operation("loop.add", effect="govern", idempotent=True, remote=False)
def add(context: Context, request: LoopAdd) -> LoopShown:
    """Add a loop from its file, or give one a new file; runs that go on keep the one they began with.

    A loop that misses a part is refused with the part named. What it names must be there: operations
    that it reads, acts by or applies changes with; and what its file gives them must fit. Another file
    with the name of a loop that is there is refused, unless it is to --replace that one.
    """
    value = parse_file(read_file(context, request.file))
    loop = parse_loop(value)
    require_fitting(context, loop)
    file = context.path(request.file).absolute()
    folder = file.parent
    works_in = found_place(context, loop, folder)

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        change = Loops(context.ids).add(
            view,
            context.scope,
            value,
            file=str(file),
            replace=request.replace,
            folder=str(folder),
            works_in=str(works_in),
            host=host_need() if loop.commands else "",
        )
        return None, [change] if change else []

    context.decide_and_commit(decide)
    with suppress(LigninError):  # what is not there yet is told by each tick
        look_once(context, loop.name)
    shown = show(context, LoopRef(name=loop.name))
    as_you = sorted({action.run for action in loop.commands if action.unsandboxed})
    return shown.model_copy(update={"not_here": _not_here(context, loop), "runs_as_you": as_you})


def _not_here(context: Context, loop: Loop) -> list[str]:
    """What it names of the user's grants file, and is not there."""
    try:
        text = context.open_exits().read_grants()
        connectors, servers = set(parse_connectors(text)), set(parse_servers(text))
    except LigninError:
        return []  # what is wrong with the file is told where it is used
    named = {("connector", loop.trigger.source)}
    for action in loop.actions:
        kind = "connector" if action.kind == "send" else "tool server"
        named.add((kind, action.server.partition(":")[0]))
    known = {"connector": connectors, "tool server": servers | {"desk"}}
    return [f"{kind} {name!r}" for kind, name in sorted(named) if name and name not in known[kind]]


def read_file(context: Context, named: str) -> bytes:
    """The bytes of a file that the caller named, bounded.

    Raises:
        NotFoundError: There is none.
        InvalidRequestError: It is no plain file, or cannot be read.
    """
    path = context.path(named)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would block
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise InvalidRequestError(
                    f"{named!r} is no plain file", hint="a folder, a pipe or a device holds no loop"
                )
            with os.fdopen(handle, "rb", closefd=False) as file:
                return file.read(MAX_FILE_BYTES + 1)
        finally:
            os.close(handle)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"no file {named!r}", hint="`lignin loop new TEMPLATE` writes one to edit"
        ) from error
    except OSError as error:
        raise InvalidRequestError(f"{named!r} cannot be read: {error.strerror}") from error


@operation("loop.list", effect="read", idempotent=True)
def list_(context: Context, request: LoopsAsked) -> LoopsListed:
    """List the loops: what starts each, what goes on, how the last run ended."""
    with context.view() as view:
        page = view.page("loop", state=request.state, after=request.after, limit=request.limit)
        items = [_view(context, view, row) for row in page.rows]
    return LoopsListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--state, --after" if page.next_after else None,
    )


@operation("loop.show", effect="read", idempotent=True)
def show(context: Context, request: LoopRef) -> LoopShown:
    """Show a loop: its file, what goes on, what it may still spend today."""
    with context.view() as view:
        row = require_known(view, f"loop/{request.name}")
        shown = _view(context, view, row)
        today = context.ledger.now().astimezone(UTC)
        budget = view.row(f"budget/{row.key}.{today:%Y-%m-%d}")
        told = {"limits": budget.body["limits"], "taken": taken(budget.body)} if budget else {}
        definition = parse_json(view.blob(row.body["definition"]))
        folder = str(row.body.get("works_in") or row.body.get("folder", ""))
    return LoopShown(
        **shown.model_dump(), definition=definition, budget_today=told, works_in=folder
    )


@operation("loop.pause", effect="write", idempotent=True)
def pause(context: Context, request: LoopMove) -> LoopShown:
    """Pause a loop: it starts nothing new; a run that goes on ends by itself."""
    return _move(context, request, "paused", "active")


@operation("loop.resume", effect="govern", idempotent=True)
def resume(context: Context, request: LoopMove) -> LoopShown:
    """Let a paused loop start runs again."""
    return _move(context, request, "resumed", "paused")


@operation("loop.remove", effect="govern", idempotent=True)
def remove(context: Context, request: LoopMove) -> LoopShown:
    """Remove a loop and cancel what goes on; its history, and what it found, stay."""
    return _move(context, request, "removed", "active", "paused")


def _move(context: Context, request: LoopMove, verb: str, *origins: str) -> LoopShown:
    def decide(view: View) -> tuple[None, Sequence[Change]]:
        row = require_known(view, f"loop/{request.name}")
        if row.state not in origins:
            return None, []
        loops = Loops(context.ids)
        changes = [loops.move(context.scope, row, verb, request.why)]
        cleared = (
            loops.clear(view, context.scope, row.key, "the loop was removed")
            if verb == "removed"
            else None
        )
        return None, [*changes, *([cleared] if cleared else [])]

    context.decide_and_commit(decide)
    return show(context, LoopRef(name=request.name))


def _view(context: Context, view: View, row: Row) -> LoopView:
    lane, loop = lane_of(view, row.key), load_loop(view, row)
    ended = (view.row(f"looprun/{run}") for run in reversed(lane["recent"]))
    last = next((run for run in ended if run is not None and run.body["end"]), None)
    coming = None
    if loop.trigger.kind == "cron" and row.state == "active":
        coming = next_tick(loop.trigger, context.ledger.now())
    return LoopView(
        name=row.key,
        state=str(row.state),
        trigger=loop.trigger.place,
        shape=loop.shape,
        next_at=format_time(coming) if coming else None,
        running=lane["running"],
        waiting=len(lane["waiting"]),
        open_items=view.page("inbox", parent=row.key, state="open", limit=1).total,
        last=str(last.state) if last else "",
        why=row.body.get("why", ""),
    )

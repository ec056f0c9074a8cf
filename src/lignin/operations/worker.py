"""Take jobs, on any number of machines; its verbs tell which workers live, and what they do."""

import os
import signal
import threading
from collections.abc import Sequence

from pydantic import Field

from lignin.domain.states import Row
from lignin.operations.context import Context
from lignin.operations.presence import living
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.working import GRACE_S, Shift, Working, work
from lignin.ports.engine import RunStatus, Wanted
from lignin.ports.ledger import every_row, require_known

MOST_RUNS = 1000


class WorkerOptions(Request):
    queues: list[str] = Field(
        default_factory=list, description="only jobs of these queues, comma-separated; default: all"
    )
    parallel: int | None = Field(
        None,
        ge=1,
        le=256,
        description="at most so many jobs of a lane at a time, and on top of them as many that a dead worker left; default: one per processor",
    )
    label: list[str] = Field(
        default_factory=list, description="what it has besides what it finds out, such as gpu:a100"
    )
    grace_s: float = Field(
        GRACE_S, ge=0, description="seconds that steps may take to end when it is stopped"
    )


class Worker(WorkerOptions):
    for_s: float | None = Field(None, gt=0, description="stop after so many seconds")
    until_idle: bool = Field(False, description="stop when nothing is open that it could do")


class WorkerDone(Response):
    worker: str = Field(description="its id")
    has: list[str] = Field(description="what it found out that it has")


class WorkerList(Request):
    every: bool = Field(False, description="also those that live no more")


class WorkerRef(Request):
    worker: str = positional("a worker's id, as `worker list` shows it")


class WorkerView(Response):
    worker: str = Field(description="its id")
    state: str = Field(description="alive, stopped, or gone: it died without a word")
    host: str = Field(description="the machine")
    pid: int = Field(description="the process")
    started_at: str = Field(description="since when")
    queues: list[str] = Field(description="the queues it was started for; none: all")
    parallel: int = Field(description="jobs of a lane at a time")
    has: list[str] = Field(description="what jobs may need of it")
    does: list[str] = Field(description="the runs that it has now")


class WorkerShown(WorkerView):
    tier: str = Field(description="its sandbox's tier; empty where it has none")
    why_no_sandbox: str = Field(description="why it has none")
    versions: dict[str, str] = Field(description="of Lignin, Python and the agent clients it has")
    runs: list[dict[str, str]] = Field(
        description="its last runs: which, of what kind, how it stands"
    )


class WorkersListed(Listed):
    items: list[WorkerView] = Field(description="this list")


@operation("worker", effect="execute", remote=False)
def worker(context: Context, request: Worker) -> WorkerDone:
    """Take jobs until interrupted; any number of workers share one store.

    It finds out which sandbox works here and which agent clients answer, and takes only jobs that need
    nothing else. Ctrl-C or SIGTERM: it takes nothing new, ends the steps that are under way, and gives
    the rest back.
    """
    if context.dry_run:
        return WorkerDone(worker="", has=[])
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    done = work(
        context,
        shift_of(request),
        stop,
        for_s=request.for_s,
        until_idle=request.until_idle,
        ready=lambda made: told_ready(context, made),
    )
    return WorkerDone(worker=done.name, has=list(done.facts["has"]))


def shift_of(request: WorkerOptions) -> Shift:
    """How a worker works, from what was asked."""
    return Shift(
        queues=tuple(name.strip() for each in request.queues for name in each.split(",") if name),
        parallel=request.parallel or os.cpu_count() or 1,
        labels=tuple(request.label),
        grace_s=request.grace_s,
    )


def told_ready(context: Context, made: Working) -> None:
    """Say that a worker takes jobs, and what it has."""
    context.progress(f"worker {made.name} has {', '.join(made.facts['has'])}", 0, None)


@operation("worker.list", effect="read", idempotent=True)
def list_(context: Context, request: WorkerList) -> WorkersListed:
    """List the workers that live: where, what they have, what they do."""
    running = context.open_engine().list(Wanted(states=frozenset({"running"})), limit=MOST_RUNS)
    with context.view() as view:
        alive = {row.key for row in living(context, view)}
        rows = every_row(view, "worker") if request.every else list(living(context, view))
        items = [_view(row, alive, running) for row in rows]
    return WorkersListed(items=items, total=len(items))


@operation("worker.show", effect="read", idempotent=True)
def show(context: Context, request: WorkerRef) -> WorkerShown:
    """Show a worker: what it has, which versions, and its last runs."""
    with context.view() as view:
        row = require_known(view, f"worker/{request.worker}")
        alive = {each.key for each in living(context, view)}
    newest = context.open_engine().list(Wanted(newest_first=True), limit=MOST_RUNS)
    mine = [each for each in newest if each.worker == row.key]
    running = [each for each in mine if each.state == "running"]
    runs = [{"run": each.run_id, "kind": each.kind, "state": each.state} for each in mine[:50]]
    return WorkerShown(
        **_view(row, alive, running).model_dump(),
        tier=row.body["tier"],
        why_no_sandbox=row.body["why_no_sandbox"],
        versions=row.body["versions"],
        runs=runs,
    )


def _view(row: Row, alive: set[str], running: Sequence[RunStatus]) -> WorkerView:
    body = row.body
    state = "stopped" if row.state == "stopped" else "alive" if row.key in alive else "gone"
    return WorkerView(
        worker=row.key,
        state=state,
        host=body["host"],
        pid=body["pid"],
        started_at=body["started_at"],
        queues=body["queues"],
        parallel=body["parallel"],
        has=body["has"],
        does=[each.run_id for each in running if each.worker == row.key],
    )

"""What makes loops go on by themselves: workers look at triggers, and ask for a job for each run.

Any number of workers do so. A run is asked for once each time that it goes on: when it begins, and when what
it waited for is there.
"""

import time
from dataclasses import replace

from lignin.domain.errors import LigninError
from lignin.domain.events import format_time
from lignin.domain.jobs import JobAsked, job_of_occurrence
from lignin.domain.states import Row
from lignin.domain.states.jobs import parse_job
from lignin.operations.context import Context
from lignin.operations.jobwork import ask_job
from lignin.operations.looplooking import running, tick
from lignin.operations.looppolling import Reader, awaited
from lignin.operations.looprunning import end_with_job
from lignin.ports.ledger import require_known

LOOK_S = 2.0


class Ticker:
    """Looks at the loops of every space of a store, no more often than each `LOOK_S`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._looked = -LOOK_S
        self._told: dict[str, str] = {}
        self.reader = Reader(context, self._tell)

    def tend(self) -> None:
        """Look, if it is time. A fault of one loop is told once, and stops no other."""
        now = time.monotonic()
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        awaits: dict[str, tuple[Context, int]] = {}
        for space in self._context.ledger.spaces():
            context = replace(self._context, scope=self._context.scope_of(space))
            try:
                self._look(context)
                wanted = awaited(context).items()
                awaits |= {f"{space}/{name}": (context, every_s) for name, every_s in wanted}
            except LigninError as error:  # the store, or a job that cannot be asked for
                self._tell(space, error.message)
        self.reader.tend(awaits)

    def _look(self, context: Context) -> None:
        with context.view() as view:
            if not view.page("loop", limit=1).rows:
                return
        for name, fault in tick(context).faults.items():
            self._tell(f"{context.scope.space}/{name}", fault)
        ask_for_runs(context)

    def _tell(self, what: str, fault: str) -> None:
        if self._told.get(what) != fault:
            self._told[what] = fault
            self._context.progress(f"loop {what}: {fault}", 0, None)


def ask_for_runs(context: Context) -> list[str]:
    """Ask for a job for each run that is to go on and that nobody drives; the jobs that are new.

    A run whose job failed or was cancelled ends with it.
    """
    asked = []
    for run in running(context):
        with context.view() as view:
            row = require_known(view, f"looprun/{run}")
            loop = view.row(f"loop/{row.body['loop']}")
            source, turn = f"looprun/{run}", sum(bool(i["waits"]) for i in row.body["iterations"])
            job_row = view.row(f"job/{job_of_occurrence(source, str(turn))}")
        own = "" if job_row is None else job_row.key
        if _is_driven(
            row, format_time(context.ledger.now()), but_by=own if _is_lost(job_row) else ""
        ):
            continue
        if job_row is not None and _is_lost(job_row):
            job = parse_job(job_row)
            end_with_job(context, run, job.id, job.state, job.error.message if job.error else "")
            continue
        host = str(loop.body.get("host", "")) if loop else ""
        name, is_new = ask_job(
            context,
            JobAsked(
                kind="loop",
                input={"run": run},
                source=source,
                occurrence=str(turn),
                parent=f"loop/{row.body['loop']}",
                needs=(host,) if host else (),
                versions={"loop": row.body["definition"]},
            ),
        )
        asked += [name] if is_new else []
    return asked


def _is_lost(job: Row | None) -> bool:
    return job is not None and job.state in ("failed", "cancelled", "dead")


def _is_driven(row: Row, now: str, *, but_by: str) -> bool:
    held = row.body.get("claim")
    return held is not None and str(held["until"]) > now and held["holder"] != but_by

"""Brings what the ledger says of jobs to an engine, and what the engine knows back. Never runs one.

Any number of processes may do this at once: runs have names, and starting, ending and cancelling are each
done once whoever does them again.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import LigninError, NotFoundError
from lignin.domain.events import Event, Scope, parse_actor, parse_time
from lignin.domain.jobs import PER_KEY, Job, job_of_run, parse_lane, run_of
from lignin.domain.states import Row
from lignin.domain.states.jobs import parse_job
from lignin.jobs.laws.fitting import Able, listened
from lignin.jobs.laws.reconcile import Ended, plan_reconcile
from lignin.jobs.service import open_jobs
from lignin.operations.context import Context
from lignin.operations.jobkind import begin_of_retry
from lignin.operations.jobwork import end_job, error_of_failure, run_input
from lignin.ports.engine import SAME_INPUT, Engine, Queue, Rate, RunState, Start, Wanted
from lignin.ports.ledger import every_row

PAGE = 1000
LIVE: frozenset[RunState] = frozenset({"queued", "running"})


class Feeder:
    """Feeds one engine from all spaces of a store.

    Args:
        able: Whose lanes are declared and fed; None for all.
        parallel: At most so many jobs of a lane at a time in one process.
    """

    def __init__(
        self, context: Context, engine: Engine, able: Able | None = None, parallel: int = 1
    ) -> None:
        self._context, self._engine = context, engine
        self._able, self._parallel = able, parallel
        self._positions: dict[str, int] = {}
        self._lanes: dict[str, Queue] = {}
        self._sent: set[tuple[str, str]] = set()  # run and signal

    @property
    def lanes(self) -> list[str]:
        """The lanes that are fed so far."""
        return sorted(self._lanes)

    def reconcile(self) -> None:
        """Compare everything: start what has no run, end what has ended, stop what should not go on."""
        running = self._live_runs()  # first: what starts after this has its job on the ledger below
        wanted = set()
        for space in self._context.ledger.spaces():
            with self._context.ledger.view(space) as view:
                self._positions[space] = view.position
                bounds, jobs = list(every_row(view, "lane")), list(open_jobs(view))
            self._declare({job.lane for job in jobs}, bounds)
            mine = [job for job in jobs if job.lane in self._lanes]
            wanted |= {job.run for job in jobs}
            states = {job.run: running.get(job.run) or self._state(job.run) for job in mine}
            known = {run: state for run, state in states.items() if state is not None}
            plan = plan_reconcile(mine, known, ())
            anew = {job.run for job in plan.start}
            self._sent = {each for each in self._sent if each[0] in wanted - anew}
            self._start(space, plan.start)
            self._signal(space, mine)
            for ended in plan.end:
                self._end(space, ended)
        for run in set(running) - wanted:
            self._stop_closed(run)

    def follow(self) -> int:
        """Take over what happened on the ledger since the last look; how many jobs that was."""
        count = 0
        for space in self._context.ledger.spaces():
            with self._context.ledger.view(space) as view:
                events = view.log(after=self._positions.get(space, 0), limit=PAGE)
                names = _streams(events, "job/")
                jobs = [parse_job(row) for row in view.rows(names).values()]
                fresh = {job.lane for job in jobs} - set(self._lanes)
                bounds = view.rows([*_streams(events, "lane/"), *(f"lane/{n}" for n in fresh)])
            self._declare(fresh, list(bounds.values()))
            mine = [job for job in jobs if job.state == "open" and job.lane in self._lanes]
            self._start(space, mine)
            self._signal(space, mine)
            for job in jobs:
                if job.state == "cancelled":
                    with suppress(NotFoundError):
                        self._engine.cancel(job.run)
            if events:  # only now: what was not done is done again
                self._positions[space] = events[-1].position
            count += len(jobs)
        return count

    def has_work(self) -> bool:
        """Whether a job is open that waits in one of the lanes."""
        for space in self._context.ledger.spaces():
            with self._context.ledger.view(space) as view:
                if any(job.lane in self._lanes for job in open_jobs(view)):
                    return True
        return False

    def _live_runs(self) -> dict[str, RunState]:
        found: dict[str, RunState] = {}
        while True:
            page = self._engine.list(Wanted(states=LIVE), limit=PAGE, offset=len(found))
            before = len(found)
            found.update((each.run_id, each.state) for each in page)
            if len(page) < PAGE or len(found) == before:
                return found

    def _state(self, run: str) -> RunState | None:
        try:
            return self._engine.status(run).state
        except NotFoundError:
            return None

    def _declare(self, lanes: Collection[str], bounds: Sequence[Row]) -> None:
        """Make lanes known to the engine, with the bounds that somebody set."""
        rows = {row.key: row for row in bounds}
        wanted = [*lanes, *rows] if self._able is None else listened([*lanes, *rows], self._able)
        if not wanted:
            return
        paused = {name for name, is_paused in self._engine.queues().items() if is_paused}
        for lane in dict.fromkeys(wanted):
            if lane in self._lanes and lane not in rows:
                continue
            queue = queue_of(lane, rows[lane].body if lane in rows else {}, self._parallel)
            if self._lanes.get(lane) != queue:
                self._engine.declare(queue)
                self._lanes[lane] = queue
            is_paused = lane in rows and rows[lane].state == "paused"
            if is_paused != (lane in paused):
                (self._engine.pause if is_paused else self._engine.unpause)(lane)

    def _start(self, space: str, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if not self._go_on(job):
                asked = job.asked
                self._engine.start(
                    Start(
                        kind=asked.kind,
                        input=run_input(space, job),
                        run_id=job.run,
                        queue=job.lane,
                        priority=asked.priority,
                        key=asked.key,
                        at=parse_time(asked.start_at) if asked.start_at else None,
                        timeout_s=asked.limits.seconds,
                    )
                )

    def _signal(self, space: str, jobs: Sequence[Job]) -> None:
        """Hand on what was sent to this turn of each job; what the engine has already it takes once."""
        sent = [
            (job, each)
            for job in jobs
            for each in job.signals
            if each.turn == job.turn and (job.run, each.id) not in self._sent
        ]
        if not sent:
            return
        with self._context.ledger.view(space) as view:
            values = {each.value: parse_json(view.blob(each.value)) for _, each in sent}
        for job, each in sent:
            with suppress(NotFoundError):  # a lost run is begun anew, and then gets it
                self._engine.signal(job.run, each.topic, values[each.value], each.id)
                self._sent.add((job.run, each.id))

    def _go_on(self, job: Job) -> bool:
        """Start a retry or a fork with the steps that stand; False where the engine knows of none."""
        try:
            if job.turn > 1:
                before = run_of(job.id, job.turn - 1)
                step = begin_of_retry(job.asked.kind, self._engine.steps(before))
                self._engine.fork(before, from_step=step, new_id=job.run, input=SAME_INPUT)
                return True
            if job.asked.forked is not None:
                other, step = job.asked.forked
                origin = last_run(self._engine, other)
                value = {**self._engine.status(origin).input, "job": job.id}
                self._engine.fork(origin, from_step=step, new_id=job.run, input=value)
                return True
        except NotFoundError:
            return False
        return False

    def _end(self, space: str, ended: Ended) -> None:
        """Tell the ledger what a run came to, as the one who asked for it."""
        job = ended.job
        status = self._engine.status(job.run)
        output = (status.output or {}).get("output") if ended.state == "succeeded" else None
        error = ended.error or error_of_failure(self._context, status.failure)
        scope = Scope(space=space, actor=parse_actor(job.asked_by), correlation_id=job.id)
        end_job(
            replace(self._context, scope=scope),
            job,
            ended.state,
            output=output,
            error=None if ended.state == "succeeded" else error,
            attempts=max(1, status.attempts),
        )

    def _stop_closed(self, run: str) -> None:
        """Cancel a run whose job is not open any more, or in another turn."""
        try:
            told = self._engine.status(run).input
            space = told["space"]
            with self._context.ledger.view(space) as view:
                row = view.row(f"job/{told['job']}")
        except (LigninError, TypeError, KeyError):
            return  # no job's run, or of a space that is not here
        _, turn = job_of_run(run)
        if row is not None and (row.state != "open" or row.body["turn"] != turn):
            with suppress(NotFoundError):
                self._engine.cancel(run)


def queue_of(lane: str, bounds: Mapping[str, Json], parallel: int) -> Queue:
    """A lane as an engine's queue."""
    _, needs = parse_lane(lane)
    rate, most = bounds.get("rate"), bounds.get("concurrency")
    together = bounds.get("together", parallel)
    return Queue(
        name=lane,
        concurrency=most,
        worker_concurrency=min(filter(None, (together, most))),
        spare=0 if "together" in bounds else parallel,
        rate=Rate(count=rate["count"], period_s=rate["period_s"]) if rate else None,
        per_key=PER_KEY in needs,
    )


def last_run(engine: Engine, job: str) -> str:
    """The newest run of a job that an engine knows.

    Raises:
        NotFoundError: It knows none.
    """
    found = [
        each.run_id
        for each in engine.list(Wanted(id_prefix=job), limit=PAGE)
        if job_of_run(each.run_id)[0] == job
    ]
    if not found:
        raise NotFoundError(
            f"the engine knows no run of {job!r}", hint="it is begun from its first step instead"
        )
    return max(found, key=lambda run: job_of_run(run)[1])


def _streams(events: Sequence[Event], prefix: str) -> list[str]:
    return list({event.stream: None for event in events if event.stream.startswith(prefix)})

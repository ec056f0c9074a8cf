"""Works runs off: one thread takes runs from queues, one keeps the lease and takes over from the dead,
and each run has a thread of its own.

Taking a run, giving it an owner and counting it against its queue's bounds is one transaction of DBOS's.
Everything here may happen twice or too late without harm: ownership decides who may record.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from dbos._queue import Queue as ClaimedQueue
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lignin.adapters.engine import rows
from lignin.adapters.engine.database import RUN, VERSION, Database, queues
from lignin.adapters.engine.leases import LEASE_S, Leases
from lignin.adapters.engine.run import DurableRun
from lignin.domain.errors import IntegrityError
from lignin.ports.engine import MOST_RECOVERIES, Body, RunStopped
from lignin.ports.run_values import failure_as_json, failure_of, recorded

LOOK_S = 0.05
"""How often the queues are looked at while runs wait in them."""
IDLE_LOOK_S = 0.5
"""And how seldom at last where none does. Whoever is told of new runs rings; this finds those of whom
nobody told."""
KEEP_S = 1.0
LEAVE_S = 0.5
"""At closing, how long runs that were given back have to let go of the database."""
MOST_RUNS = 256
"""Runs at once of one queue in one process, where the queue sets no bound: each has a thread."""
_TIMEOUTS_AT_ONCE = 100
_T = TypeVar("_T")


class Worker:
    """Takes runs under the name `worker_id`, which no other process ever had.

    Args:
        spare: How many runs that others left it takes beyond a queue's bound of one process.
    """

    def __init__(
        self,
        database: Database,
        worker_id: str,
        bodies: Mapping[str, Body],
        spare: Mapping[str, int],
    ) -> None:
        self._database, self._spare = database, spare
        self.id = worker_id
        self._bodies = bodies
        self._leases = Leases(database, worker_id)
        self._lock = threading.Lock()
        self._active: dict[str, tuple[DurableRun, str]] = {}  # token and run id -> run, queue
        self._claiming: set[str] = set()
        self._listening: tuple[str, ...] = ()
        self._choosing, self._choices = threading.Lock(), 0  # where is taken from, and its changes
        self._known: dict[str, tuple[float, ClaimedQueue]] = {}
        self._bell = threading.Event()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def begin(self, names: Sequence[str]) -> None:
        """Take runs from these queues."""
        self._leases.renew()
        self.listen(names)
        for name, work in (("take", self._take_on), ("keep", self._keep_on)):
            thread = threading.Thread(target=work, name=f"engine-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def listen(self, names: Sequence[str]) -> None:
        """Take runs from these queues only."""
        with self.choosing():
            self._listening = tuple(dict.fromkeys(names))

    @contextmanager
    def choosing(self) -> Iterator[None]:
        """Change from where runs are taken: after the block none is taken by what was seen before it."""
        with self._choosing:
            yield
            self._choices += 1
        self.ring()

    def ring(self) -> None:
        """Look at the queues now."""
        self._bell.set()

    def halt(self, run_id: str) -> None:
        """Tell a run of this process that it was stopped."""
        for run in self._running():
            if run.id == run_id:
                run.lose()

    def close(self, grace_s: float) -> None:
        """Stop taking, wait up to `grace_s` for running steps, and give the rest back."""
        self._ended.set()
        self._bell.set()
        for thread in self._threads:
            thread.join(timeout=10)
        for run in self._running():
            run.halt.set()
            run.bell.set()
        self._await_runs(grace_s)
        self._leases.give_back()
        for run in self._running():
            run.lose()
        self._await_runs(LEAVE_S)

    def _await_runs(self, limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while self._running() and time.monotonic() < deadline:
            time.sleep(0.01)

    def recover(self) -> list[str]:
        """Put the runs of workers without a lease back into their queues; their ids."""
        taken = self._leases.take_over()
        if taken:
            self.ring()
        return taken

    def _running(self) -> list[DurableRun]:
        with self._lock:
            return [run for run, _ in self._active.values()]

    def _take_on(self) -> None:
        """Take again and again: often while there is something to take, seldom where there is not."""
        pause_s = LOOK_S
        while not self._ended.is_set():
            is_busy = self._held_up(self._take_all)
            pause_s = LOOK_S if is_busy else min(2 * pause_s, IDLE_LOOK_S)
            if self._bell.wait(pause_s):
                pause_s = LOOK_S
            self._bell.clear()

    def _keep_on(self) -> None:
        while not self._ended.is_set():
            self._held_up(self._keep)
            self._ended.wait(KEEP_S)

    def _held_up(self, turn: Callable[[], _T]) -> _T | None:
        """Do a turn; the database may be away meanwhile."""
        try:
            return turn()
        except (SQLAlchemyError, OSError):
            self._ended.wait(KEEP_S + random.random())  # noqa: S311 - spreads retries, no secret
            return None

    # -- taking

    def _take_all(self) -> bool:
        """Take what may be taken; whether anything was there, be it too much for now."""
        choices, names = self._choices, self._listening
        self._ring_waiting()
        found = self._with_work(names) if names else []
        for name in found:
            queue = self._bounds(name)
            with self._choosing:
                if queue is None or self._ended.is_set() or choices != self._choices:
                    continue
                try:
                    self._take(queue)
                except DBAPIError as error:
                    if not self._is_contended(error):
                        raise
        return bool(found)

    def _bounds(self, name: str) -> ClaimedQueue | None:
        """A queue as it was declared up to `KEEP_S` ago."""
        known = self._known.get(name)
        if known is None or known[0] < time.monotonic() - KEEP_S:
            queue = self._database.dbos.get_queue(name)
            if queue is None:
                return None
            known = self._known[name] = time.monotonic(), queue
        return known[1]

    def _is_contended(self, error: DBAPIError) -> bool:
        """Another worker is at the same rows: the next look will do."""
        dbos = self._database.dbos
        return dbos.is_lock_conflict(error) or dbos.is_serialization_conflict(error)

    def _with_work(self, names: Sequence[str]) -> list[str]:
        runs = self._database.tables.workflow_status
        looks = [
            sa.select(sa.literal(name).label("name")).where(
                sa.exists().where(
                    runs.c.queue_name == name,
                    runs.c.status == "ENQUEUED",
                    self._database.dbos._in_flight_status_prover(),
                ),
                ~sa.exists().where(queues.c.name == name, queues.c.paused),
            )
            for name in names
        ]
        return [row["name"] for row in self._database.read(sa.union_all(*looks))]

    def _room(self, queue: ClaimedQueue) -> int:
        """How many runs more this process has room for; what a dead worker left waits for no place."""
        count, most = self._count(queue.name), queue._worker_concurrency or MOST_RUNS
        spare = most + self._spare.get(queue.name, 0) - count
        if count < most or spare <= 0:
            return max(0, most - count)
        runs = self._database.tables.workflow_status
        waiting = sa.select(sa.func.count().label("count")).where(
            runs.c.queue_name == queue.name,
            runs.c.status == "ENQUEUED",
            runs.c.priority == rows.LEFT,
        )
        return min(spare, int(self._database.read(waiting)[0]["count"]))

    def _take(self, queue: ClaimedQueue) -> None:
        if self._room(queue) == 0:
            return
        token = str(uuid.uuid4())
        self._claiming.add(token)
        bounds = (queue._concurrency, queue._limiter, queue._partition_concurrency)
        try:
            if all(bound is None for bound in bounds):
                self._take_any(queue, token)
                return
            with self._database.taking(queue.name) as is_ours:
                if not is_ours:
                    return
                if queue._partition_concurrency is None:
                    self._take_any(queue, token)
                elif bounds[:2] == (None, None) and not self._database.is_sqlite:
                    self._take_heads(queue, token)
                else:
                    self._take_by_key(queue, token)
        finally:
            self._claiming.discard(token)

    def _take_any(self, queue: ClaimedQueue, token: str) -> None:
        claimed, _ = self._database.dbos.start_queued_workflows(
            queue,
            self.id,
            VERSION,
            None,
            self._taken(queue),
            owner_xid=token,
            is_latest_version=True,
        )
        self._dispatch(claimed, token)

    def _take_heads(self, queue: ClaimedQueue, token: str) -> None:
        """The first run of each key that has none running."""
        if room := self._room(queue):
            claimed = self._database.dbos.start_queued_partitioned_workflows(
                queue, self.id, VERSION, room, owner_xid=token, is_latest_version=True
            )
            self._dispatch(claimed, token)

    def _take_by_key(self, queue: ClaimedQueue, token: str) -> None:
        """Keys one after another, in an order of chance, so that none is left behind."""
        dbos = self._database.dbos
        keys = dbos.get_queue_partitions(queue.name)
        random.shuffle(keys)
        for key in keys:
            try:
                claimed, full = dbos.start_queued_workflows(
                    queue,
                    self.id,
                    VERSION,
                    key,
                    self._taken(queue),
                    owner_xid=token,
                    is_latest_version=True,
                )
            except DBAPIError as error:
                if not self._is_contended(error):
                    raise
                continue
            self._dispatch(claimed, token)
            if full in ("concurrency", "limiter", "worker_concurrency"):
                return

    def _taken(self, queue: ClaimedQueue) -> int:
        """How many runs it has, to whoever takes the difference from the bound for its room."""
        return (queue._worker_concurrency or MOST_RUNS) - self._room(queue)

    def _count(self, queue: str) -> int:
        with self._lock:
            return sum(name == queue for _, name in self._active.values())

    def _dispatch(self, run_ids: Sequence[str], token: str) -> None:
        """Give each run that was taken a thread; whatever has no body here is quarantined."""
        for row in self._database.dbos.get_workflow_statuses(list(run_ids)):
            run_id, attempts = row["workflow_uuid"], row["recovery_attempts"] or 1
            kind = (row["attributes"] or {}).get("kind")
            body = self._bodies.get(kind) if row["name"] == RUN and kind else None
            if body is None or attempts > MOST_RECOVERIES + 1:
                self._database.dbos.dead_letter_workflows([run_id], min_recovery_attempts=0)
                continue
            run = DurableRun(self._database, run_id, token, attempts)
            with self._lock:
                self._active[token + run_id] = run, row["queue_name"] or ""
            threading.Thread(
                target=self._execute, args=(run, body, row), name=f"run-{run_id}", daemon=True
            ).start()

    # -- one run

    def _execute(self, run: DurableRun, body: Body, row: Mapping[str, Any]) -> None:
        try:
            text, failed = self._call(run, body, row)
            if not run.was_stopped:
                self._database.dbos.update_workflow_outcome(
                    run.id,
                    "ERROR" if failed else "SUCCESS",
                    output=None if failed else text,
                    error=text if failed else None,
                    owner_xid=run.token,
                )
        except (RunStopped, SQLAlchemyError):
            pass  # not ours any more, or the database is away: whoever takes it up again goes on
        finally:
            with self._lock:
                self._active.pop(run.token + run.id, None)
            self.ring()

    def _call(self, run: DurableRun, body: Body, row: Mapping[str, Any]) -> tuple[str, bool]:
        """What is recorded as the run's end, and whether it is a failure."""
        try:
            given = rows.input_of(row)
            run.load()
            return recorded(f"the output of run {run.id}", body(run, given))[0], False
        except Exception as error:
            return recorded("a failure", failure_as_json(failure_of(error)))[0], True
        except (SystemExit, KeyboardInterrupt) as error:
            told = IntegrityError(f"the body raised {type(error).__name__}")
            return recorded("a failure", failure_as_json(failure_of(told)))[0], True

    # -- keeping

    def _keep(self) -> None:
        self._database.renew_if_lost()
        self._leases.renew()
        self._database.dbos.transition_delayed_workflows()
        self._database.dbos.cancel_timed_out_workflows(_TIMEOUTS_AT_ONCE)
        self._halt_lost()
        self._leases.requeue_stranded(self._tokens)
        self.recover()

    def _tokens(self) -> set[str]:
        """The ownership tokens that this process works under or is just getting."""
        with self._lock:
            return {run.token for run, _ in self._active.values()} | set(self._claiming)

    def _halt_lost(self) -> None:
        """Tell runs that this process does not own any more, so that long steps and waits end."""
        mine = self._running()
        runs = self._database.tables.workflow_status
        owners: dict[str, str | None] = {}
        for start in range(0, len(mine), 500):
            ids = [run.id for run in mine[start : start + 500]]
            query = sa.select(runs.c.workflow_uuid, runs.c.owner_xid)
            for row in self._database.read(query.where(runs.c.workflow_uuid.in_(ids))):
                owners[row["workflow_uuid"]] = row["owner_xid"]
        for run in mine:
            if owners.get(run.id) != run.token:
                run.lose()

    def _ring_waiting(self) -> None:
        """Wake runs whose signal has come."""
        waiting = {run.id: run for run in self._running() if run.awaits}
        if not waiting:
            return
        signals = self._database.tables.notifications
        ids = list(waiting)
        for start in range(0, len(ids), 500):
            query = sa.select(signals.c.destination_uuid, signals.c.topic).where(
                signals.c.destination_uuid.in_(ids[start : start + 500]),
                signals.c.consumed.is_(False),
            )
            for row in self._database.read(query):
                if waiting[row["destination_uuid"]].awaits == row["topic"]:
                    waiting[row["destination_uuid"]].bell.set()


assert LEASE_S > 2 * KEEP_S, "a lease outlives a missed turn"

"""A deterministic engine in memory, with a clock that moves only when somebody waits.

`FakeStore` is the database; engines on one store are workers that share it. Nothing happens by itself:
`Engine.wait` and `Engine.event` drive every launched engine of the store, in a fixed order and on the
caller's thread, and move the clock on when nothing can run. A body that has to wait is left by
`RunStopped` and called again from the top, so that a body which is not fit for that fails here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from lignin.ports.engine import (
    ENDED,
    MOST_RECOVERIES,
    SAME_INPUT,
    Body,
    Failure,
    Queue,
    RunState,
    RunStatus,
    RunStopped,
    SameInput,
    Start,
    StepRecord,
    Wanted,
)
from lignin.ports.run_values import failure_of, recorded, require_queue, require_start
from lignin.testing.fakes.engine_run import FakeRun, Suspended

START = datetime(2026, 1, 1, tzinfo=UTC)
LEASE_S = 6.0
MOST_RUNS = 256
_ENDLESS = 1_000_000


@dataclass(slots=True)
class FakeRow:
    """One run as it is stored."""

    start: Start
    created_at: datetime
    order: int
    input: Json
    state: RunState = "queued"
    owner: int = 0
    worker: str = ""
    attempts: int = 0
    output: Json = None
    failure: Failure | None = None
    wake_at: datetime | None = None
    deadline: datetime | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    forked_from: str = ""
    dedup_key: str = ""
    was_left: bool = False
    steps: dict[int, StepRecord] = field(default_factory=dict)
    marks: dict[int, datetime] = field(default_factory=dict)
    awaits: dict[int, str] = field(default_factory=dict)
    waits_at: int = 0
    signals: list[tuple[str, Json]] = field(default_factory=list)
    signal_ids: set[str] = field(default_factory=set)
    events: dict[str, Json] = field(default_factory=dict)


class FakeStore:
    """What several fake engines share: rows, queues, leases and the clock."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now
        self.rows: dict[str, FakeRow] = {}
        self.queues: dict[str, Queue] = {}
        self.paused: set[str] = set()
        self.begun: dict[str, list[datetime]] = {}
        self.engines: list[FakeEngine] = []
        self.leases: dict[str, datetime] = {}
        self._owner = 0

    def advance(self, seconds: float) -> None:
        """Let time pass, with whatever becomes due on the way."""
        self.drive(self.now + timedelta(seconds=seconds), lambda: False)

    def drive(self, until: datetime, is_done: Callable[[], bool]) -> None:
        """Run what can run and move the clock on, until something is done or the time is up."""
        for _ in range(_ENDLESS):
            if is_done():
                return
            self._turn()
            if sum(engine.take_turn() for engine in list(self.engines)):
                continue
            if is_done() or self.now >= until:
                return
            self.now = min([until, *(at for at in self._due() if at > self.now)])

    def new_owner(self) -> int:
        """A token nobody had before."""
        self._owner += 1
        return self._owner

    def renew(self) -> None:
        """Renew the leases of those that live."""
        for engine in self.engines:
            if engine.is_alive:
                self.leases[engine.worker_id] = self.now + timedelta(seconds=LEASE_S)

    def _turn(self) -> None:
        self.renew()
        for row in self.rows.values():
            if row.state in ENDED or row.deadline is None or row.deadline > self.now:
                continue
            told = f"it ran longer than {row.start.timeout_s:g} s"
            row.failure = Failure(code="limited", message=told)
            self.end(row, "cancelled")
        if any(engine.is_alive for engine in self.engines):
            self.take_over()

    def take_over(self) -> list[str]:
        """Put the runs of workers without a lease back; their ids."""
        taken = []
        for run_id, row in self.rows.items():
            lease = self.leases.get(row.worker)
            if row.state == "running" and (lease is None or lease <= self.now):
                row.state, row.owner, row.wake_at, row.was_left = "queued", 0, None, True
                taken.append(run_id)
        return taken

    def end(self, row: FakeRow, state: RunState) -> None:
        """End a run."""
        row.state, row.owner, row.dedup_key, row.ended_at = state, 0, "", self.now

    def _due(self) -> list[datetime]:
        due = [at for row in self.rows.values() if row.state == "running" for at in _times(row)]
        for row in self.rows.values():
            if row.state == "queued" and row.start.at:
                due.append(row.start.at)
        for queue in self.queues.values():
            if queue.rate:
                span = timedelta(seconds=queue.rate.period_s)
                due += [at + span for at in self.begun.get(queue.name, ())]
        due += [
            lease
            for worker, lease in self.leases.items()
            if not any(engine.is_alive and engine.worker_id == worker for engine in self.engines)
        ]
        return due


def _times(row: FakeRow) -> list[datetime]:
    return [at for at in (row.wake_at, row.deadline) if at is not None]


class FakeEngine:
    """An engine on a store. `die` ends it as a crash would."""

    def __init__(self, store: FakeStore, worker_id: str = "worker-1") -> None:
        self.store = store
        self.worker_id = worker_id
        self.is_alive = False
        self._bodies: Mapping[str, Body] = {}
        self._listening: tuple[str, ...] = ()

    def launch(self, bodies: Mapping[str, Body], queues: Sequence[Queue]) -> None:
        if self.is_alive:
            raise InvalidRequestError("this engine works already", hint="launch it once")
        for queue in queues:
            require_queue(queue)
        for queue in queues:
            self.declare(queue)
        self._bodies, self.is_alive = dict(bodies), True
        self._listening = tuple(queue.name for queue in queues)
        self.store.engines.append(self)

    def declare(self, queue: Queue) -> None:
        require_queue(queue)
        self.store.queues[queue.name] = queue

    def listen(self, queues: Sequence[str]) -> None:
        self._listening = tuple(queues)

    def die(self) -> None:
        """Stop as if the process were killed: nothing is given back."""
        self.is_alive = False
        if self in self.store.engines:
            self.store.engines.remove(self)

    def close(self, grace_s: float = 0.0) -> None:  # noqa: ARG002 - nothing is ever in progress
        self.die()
        self.store.leases.pop(self.worker_id, None)
        for row in self.store.rows.values():
            if row.state == "running" and row.worker == self.worker_id:
                row.state, row.owner, row.wake_at = "queued", 0, None
                row.attempts -= 1

    def recover(self) -> Sequence[str]:
        return self.store.take_over()

    # -- working

    def take_turn(self) -> bool:
        """Call one body, where one can go on; whether one was."""
        for run_id, row in sorted(self.store.rows.items(), key=lambda each: _order(each[1])):
            if not self.is_alive:
                return False
            if row.state == "queued" and self._may_begin(row):
                self._begin(row)
                self._call(run_id, row)
                return True
            if row.state == "running" and row.worker == self.worker_id and row.wake_at:
                waits = row.wake_at > self.store.now and not self._is_rung(row)
                if not waits:
                    self._call(run_id, row)
                    return True
        return False

    def _is_rung(self, row: FakeRow) -> bool:
        topic = row.awaits.get(row.waits_at, "")
        return any(each == topic for each, _ in row.signals)

    def _may_begin(self, row: FakeRow) -> bool:
        name = row.start.queue
        queue = self.store.queues.get(name)
        if queue is None or name not in self._listening or name in self.store.paused:
            return False
        if row.start.at is not None and row.start.at > self.store.now:
            return False
        running = [
            each
            for each in self.store.rows.values()
            if each.state == "running" and each.start.queue == name
        ]
        mine = sum(each.worker == self.worker_id for each in running)
        if queue.concurrency is not None and len(running) >= queue.concurrency:
            return False
        if mine >= (queue.worker_concurrency or MOST_RUNS) + queue.spare * row.was_left:
            return False
        if queue.per_key and row.start.key in {each.start.key for each in running} - {""}:
            return False
        if queue.rate:
            since = self.store.now - timedelta(seconds=queue.rate.period_s)
            lately = [at for at in self.store.begun.get(name, ()) if at > since]
            return len(lately) < queue.rate.count
        return True

    def _begin(self, row: FakeRow) -> None:
        self.store.leases[self.worker_id] = self.store.now + timedelta(seconds=LEASE_S)
        row.state, row.worker, row.owner = "running", self.worker_id, self.store.new_owner()
        row.attempts += 1
        row.began_at = self.store.now
        self.store.begun.setdefault(row.start.queue, []).append(self.store.now)
        if row.start.timeout_s is not None and row.deadline is None:
            row.deadline = self.store.now + timedelta(seconds=row.start.timeout_s)

    def _call(self, run_id: str, row: FakeRow) -> None:
        body, owner = self._bodies.get(row.start.kind), row.owner
        row.wake_at = None
        if body is None or row.attempts > MOST_RECOVERIES + 1:
            told = f"no body of kind {row.start.kind!r} is known to the worker that took it"
            if body is not None:
                told = f"its worker died {row.attempts - 1} times while it ran"
            row.failure = Failure(code="not_found" if body is None else "limited", message=told)
            self.store.end(row, "dead")
            return
        run = FakeRun(self.store, self, run_id, row, owner)
        try:
            output = recorded(f"the output of run {run_id}", body(run, row.input))[1]
        except Suspended:
            return
        except RunStopped:
            return
        except Exception as error:
            if run.is_mine():
                row.failure = failure_of(error)
                self.store.end(row, "failed")
            return
        if run.is_mine() and not run.was_stopped:
            row.output = output
            self.store.end(row, "succeeded")

    # -- starting and steering

    def start(self, start: Start) -> str:
        require_start(start)
        if start.queue not in self.store.queues:
            raise NotFoundError(f"no queue {start.queue!r} is declared", hint="declare it")
        known = self.store.rows.get(start.run_id)
        if known is not None:
            if known.start.kind != start.kind:
                raise ConflictError(f"run {start.run_id} is of kind {known.start.kind}")
            return start.run_id
        for run_id, row in self.store.rows.items():
            if start.dedup_key and (row.start.queue, row.dedup_key) == (
                start.queue,
                start.dedup_key,
            ):
                return run_id
        self._put(start, recorded("the input", start.input)[1])
        return start.run_id

    def _put(self, start: Start, given: Json) -> FakeRow:
        row = FakeRow(start, self.store.now, len(self.store.rows), given, dedup_key=start.dedup_key)
        self.store.rows[start.run_id] = row
        return row

    def signal(self, run_id: str, topic: str, value: Json, signal_id: str = "") -> None:
        row = self._row(run_id)
        _, kept = recorded("the signal", value)
        if signal_id not in row.signal_ids:
            row.signals.append((topic, kept))
            if signal_id:
                row.signal_ids.add(signal_id)

    def event(self, run_id: str, key: str, timeout_s: float = 0.0) -> Json | None:
        def told() -> bool:
            return run_id in self.store.rows and key in self.store.rows[run_id].events

        self.store.drive(self.store.now + timedelta(seconds=timeout_s), told)
        return self.store.rows[run_id].events[key] if told() else None

    def events(self, run_id: str) -> Mapping[str, Json]:
        row = self.store.rows.get(run_id)
        return dict(row.events) if row else {}

    def cancel(self, run_id: str) -> None:
        row = self._row(run_id)
        if row.state not in ENDED:
            self.store.end(row, "cancelled")

    def resume(self, run_id: str) -> None:
        row = self._row(run_id)
        if row.state in ("succeeded", "failed"):
            raise ConflictError(f"run {run_id} has {row.state}", hint="fork it from a step")
        if row.state in ("cancelled", "dead"):
            row.state, row.attempts, row.failure = "queued", 0, None
            row.deadline = row.ended_at = None

    def fork(
        self, run_id: str, *, from_step: int, new_id: str, input: Json | SameInput = SAME_INPUT
    ) -> str:
        row = self._row(run_id)
        given = row.input if isinstance(input, SameInput) else recorded("the input", input)[1]
        if new_id in self.store.rows:
            return new_id
        start = replace(row.start, run_id=new_id, dedup_key="", at=None, input=given)
        require_start(start)
        new = self._put(start, given)
        new.forked_from = run_id
        new.steps = {number: step for number, step in row.steps.items() if number < from_step}
        new.marks = {number: at for number, at in row.marks.items() if number < from_step}
        for step in new.steps.values():
            if step.kind == "publish":
                new.events[step.name] = step.output
        return new_id

    def pause(self, queue: str) -> None:
        self._require_declared(queue)
        self.store.paused.add(queue)

    def unpause(self, queue: str) -> None:
        self._require_declared(queue)
        self.store.paused.discard(queue)

    def _require_declared(self, name: str) -> None:
        if name not in self.store.queues:
            raise NotFoundError(f"no queue {name!r} is declared", hint="declare it")

    # -- telling

    def _row(self, run_id: str) -> FakeRow:
        if run_id not in self.store.rows:
            raise NotFoundError(f"there is no run {run_id!r:.100}", hint="list the runs")
        return self.store.rows[run_id]

    def status(self, run_id: str) -> RunStatus:
        return _status(run_id, self._row(run_id))

    def wait(self, run_id: str, timeout_s: float) -> RunStatus:
        row = self._row(run_id)
        until = self.store.now + timedelta(seconds=timeout_s)
        self.store.drive(until, lambda: row.state in ENDED)
        return self.status(run_id)

    def list(self, wanted: Wanted, *, limit: int = 100, offset: int = 0) -> Sequence[RunStatus]:
        found = [
            replace(_status(run_id, row), input=None, output=None)
            for run_id, row in sorted(self.store.rows.items(), key=lambda each: each[1].order)
            if _is_wanted(run_id, row, wanted)
        ]
        found = found[::-1] if wanted.newest_first else found
        return found[offset : offset + limit]

    def steps(self, run_id: str) -> Sequence[StepRecord]:
        return [step for _, step in sorted(self._row(run_id).steps.items())]

    def queues(self) -> Mapping[str, bool]:
        return {name: name in self.store.paused for name in sorted(self.store.queues)}

    def workers(self) -> Mapping[str, datetime]:
        self.store.renew()
        return {name: at for name, at in self.store.leases.items() if at > self.store.now}

    def forget(self, before: datetime, limit: int = 10_000) -> int:
        ended = [
            run_id
            for run_id, row in self.store.rows.items()
            if row.ended_at is not None and row.ended_at < before
        ][:limit]
        for run_id in ended:
            del self.store.rows[run_id]
        return len(ended)


def _order(row: FakeRow) -> tuple[Any, ...]:
    return (not row.was_left, row.start.priority, row.created_at, row.order)


def _status(run_id: str, row: FakeRow) -> RunStatus:
    return RunStatus(
        run_id=run_id,
        kind=row.start.kind,
        state=row.state,
        queue=row.start.queue,
        created_at=row.created_at,
        priority=row.start.priority,
        key=row.start.key,
        input=row.input,
        output=row.output,
        failure=row.failure,
        attempts=row.attempts,
        worker=row.worker,
        due_at=row.start.at,
        started_at=row.began_at,
        ended_at=row.ended_at,
        forked_from=row.forked_from,
    )


def _is_wanted(run_id: str, row: FakeRow, wanted: Wanted) -> bool:
    return (
        (not wanted.states or row.state in wanted.states)
        and (not wanted.kinds or row.start.kind in wanted.kinds)
        and (not wanted.queues or row.start.queue in wanted.queues)
        and (not wanted.key or row.start.key == wanted.key)
        and run_id.startswith(wanted.id_prefix)
        and (wanted.since is None or row.created_at >= wanted.since)
        and (wanted.until is None or row.created_at < wanted.until)
    )

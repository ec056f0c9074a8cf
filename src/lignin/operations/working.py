"""A worker: takes jobs that it has what it takes for, until it is told to stop.

It stops in three steps: it takes nothing new, lets the steps that are under way end as long as its grace
lasts, and gives the rest back; whoever takes that up goes on after the last recorded step.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from lignin.domain.codec import Json
from lignin.domain.errors import LigninError
from lignin.jobs.laws.fitting import Able
from lignin.jobs.service import Jobs
from lignin.operations.abilities import find_abilities
from lignin.operations.context import Context
from lignin.operations.feeding import Feeder
from lignin.operations.jobkind import JobKind, load_job_kinds
from lignin.operations.jobwork import bodies_of
from lignin.operations.loopticking import Ticker
from lignin.operations.recalling import Recaller
from lignin.ports.engine import Engine

LOOK_S = 0.5
"""How often a worker looks by itself; what others commit rings it."""
RECONCILE_S = 15.0
FORGET_S = 3600.0
KEPT_DAYS = 30
GRACE_S = 30.0
BACK_OFF_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How a worker works.

    Args:
        queues: Only these; empty for all.
        parallel: At most so many jobs of a lane at a time.
        labels: What it has besides what it finds out.
        grace_s: How long steps that are under way may take when it stops.
    """

    queues: tuple[str, ...] = ()
    parallel: int = 1
    labels: Sequence[str] = ()
    grace_s: float = GRACE_S


class Working:
    """A worker that works: follows the ledger, reconciles, forgets what is long over."""

    def __init__(
        self, context: Context, engine: Engine, feeder: Feeder, facts: Mapping[str, Json]
    ) -> None:
        self.name, self.facts = engine.worker_id, facts
        self.feeder = feeder
        self._context, self._engine, self._jobs = context, engine, Jobs(context.ids)
        self._ticker, self._recaller = Ticker(context), Recaller(context)
        self._known: set[str] = set()
        self._lanes = feeder.lanes
        self._reconciled = self._forgot = time.monotonic()
        self._faults: dict[str, str] = {}

    def introduce(self) -> None:
        """Say in every space who works here; new spaces hear of it later."""
        for space in set(self._context.ledger.spaces()) - self._known:
            scope = self._context.scope_of(space)
            with self._context.ledger.view(space) as view:
                change = self._jobs.worker_started(view, scope, self.name, self.facts)
            self._context.commit(change)
            self._known.add(space)

    def take_leave(self) -> None:
        """Say that nobody works here any more."""
        for space in sorted(self._known):
            scope = self._context.scope_of(space)
            self._context.commit(self._jobs.worker_stopped(scope, self.name, {}))

    def tend(self) -> None:
        """One look. What cannot be reached now is reached at a later one."""
        self._held_up("worker", self._ticker.tend)
        self.feed()

    def feed(self) -> None:
        """Bring what happened on the ledger to the engine, and now and then compare everything."""
        self._held_up("worker", self._feed)

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Look at what triggers loops on a thread of its own while a block lasts: sources may be slow."""
        ended = threading.Event()

        def tick() -> None:
            while not ended.wait(LOOK_S):
                self._held_up("trigger", self._ticker.tend)
                self._held_up("skill folders", self._recaller.follow)

        thread = threading.Thread(target=tick, name="triggers", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(GRACE_S)

    def _feed(self) -> None:
        self.feeder.follow()
        now = time.monotonic()
        if now - self._reconciled >= RECONCILE_S:
            self._reconciled = now
            self.introduce()
            self.feeder.reconcile()
        if now - self._forgot >= FORGET_S:
            self._forgot = now
            self._engine.forget(self._context.ledger.now() - timedelta(days=KEPT_DAYS))
        if self.feeder.lanes != self._lanes:
            self._lanes = self.feeder.lanes
            self._engine.listen(self._lanes)

    def _held_up(self, who: str, turn: Callable[[], None]) -> None:
        """Do a turn; what stands in its way is told once, and left alone for a moment."""
        try:
            turn()
            self._faults.pop(who, None)
        except LigninError as error:
            if error.message != self._faults.get(who):
                self._faults[who] = error.message
                self._context.progress(f"{who} waits: {error.message}", 0, None)
            time.sleep(BACK_OFF_S)


@contextmanager
def working(
    context: Context, shift: Shift, kinds: Mapping[str, JobKind] | None = None
) -> Iterator[Working]:
    """Work while a block lasts, which calls `tend` again and again.

    Raises:
        UnavailableError: There is no engine here.
    """
    abilities = find_abilities(context, shift.labels)
    engine = context.open_engine()
    able = Able(name=engine.worker_id, has=abilities.has, queues=frozenset(shift.queues))
    feeder = Feeder(context, engine, able, shift.parallel)
    engine.launch(bodies_of(context, kinds or load_job_kinds()), [])
    worker: Working | None = None
    try:
        feeder.reconcile()
        engine.listen(feeder.lanes)
        facts = {
            **abilities.facts,
            "has": sorted(abilities.has),
            "queues": list(shift.queues),
            "parallel": shift.parallel,
        }
        worker = Working(context, engine, feeder, facts)
        worker.introduce()
        yield worker
    finally:
        engine.close(shift.grace_s)
        if worker is not None:
            worker.take_leave()


def work(
    context: Context,
    shift: Shift,
    stop: threading.Event,
    *,
    for_s: float | None = None,
    until_idle: bool = False,
    ready: Callable[[Working], None] = lambda _: None,
) -> Working:
    """Work until told to stop, for so long, or until nothing is open that it could do."""
    deadline = None if for_s is None else time.monotonic() + for_s
    bell = threading.Event()
    with (
        working(context, shift) as worker,
        worker.ticking(),
        context.ledger.watch(bell.set),
    ):
        worker.tend()
        ready(worker)
        while not stop.is_set() and (deadline is None or time.monotonic() < deadline):
            bell.clear()
            worker.feed()
            if until_idle and not worker.feeder.has_work():
                break
            bell.wait(LOOK_S)
    return worker

"""Work that outlives its process: runs made of recorded steps, queued, taken over, forked.

A *run* is one call of a *body* on a JSON input. A body is ordinary synchronous code that does everything
with an effect or a changing answer in `Run.step`; what a step gave is recorded, and a body that is called
again (after a crash, on another machine) gets the recorded answers and goes on where it stopped. So a
body must ask for the same steps in the same order whenever the answers are the same: no clock, chance or
outside state between steps. Bodies are a fixed set, given by kind when a process begins to work; what
varies (which artifact, which arguments) is data in the input.

What holds, in pairs:

- A finished step is never done again. A step in flight when its process died is done at most once more
  for each time the run is taken over: at least once, so its effect carries `Run.step_key`.
- A run ends exactly once, and its end never changes afterwards, except by `resume` of one that was
  cancelled or is dead. How often its body is called is not bounded by one.
- A start is exactly once per `run_id`, and so is a signal per `signal_id`; without these, whoever repeats
  a call after a lost answer may start or signal twice.
- A worker that was taken for dead and wakes again records nothing more in the runs it lost. What a step
  of it does outside in the meantime is the step's own affair (`Run.stopped`, `Run.step_key`).

Times are aware UTC; the engine compares them with one clock, its store's where it has one, else the
machines' clocks, which must then agree to the second. The engine remembers progress; the truth is in the
ledger (decision record 6). Conformance: `lignin.testing.conformance.engine`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, get_args

from lignin.domain.codec import Json
from lignin.domain.errors import LigninError

RunState = Literal["queued", "running", "succeeded", "failed", "cancelled", "dead"]
"""`queued` also while it waits for its instant; `dead` is quarantined: taken over too often, or of a
kind that the worker which took it does not know."""
RUN_STATES: tuple[RunState, ...] = get_args(RunState)
ENDED: frozenset[RunState] = frozenset({"succeeded", "failed", "cancelled", "dead"})
StepKind = Literal["step", "sleep", "wait", "publish"]

DEFAULT_QUEUE = "default"
MOST_RECOVERIES = 20
MOST_VALUE_BYTES = 8 * 2**20
"""Canonical bytes of an input, an answer of a step or of a body, a signal, a published value."""


class StepFaultError(LigninError):
    """A step or body raised what is no error of ours: a bug. `fields["error"]` names its class."""


class RunStopped(BaseException):
    """Raised by the verbs of a `Run` that may not go on here: cancelled, timed out, taken over, or the
    worker closes.

    A body lets it pass, and may use `finally` for what this process holds (a child process, a file).
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as it is recorded: `code` is that of the error's class in `domain.errors`."""

    code: str
    message: str
    hint: str = ""
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Which failures of a step are tried again, and when.

    The wait before attempt n + 1 is `first_wait_s * factor ** (n - 1)`, at most `longest_wait_s`. Each
    attempt is recorded and each wait durable: a crash in between neither loses nor adds an attempt.

    Args:
        attempts: The most, with the first one; 1 never tries again.
        codes: Codes of the errors worth another attempt.
    """

    attempts: int = 1
    first_wait_s: float = 1.0
    factor: float = 2.0
    longest_wait_s: float = 60.0
    codes: frozenset[str] = frozenset({"unavailable", "limited", "conflict"})


ONCE = Retry()
PATIENT = Retry(attempts=5)


class Run(Protocol):
    """What a body is given. Of one thread: a body does not share it with threads of its own, except
    `stopped`, which any thread may ask."""

    @property
    def id(self) -> str: ...

    @property
    def attempt(self) -> int:
        """How often the body was called, 1 the first time. For logs: steps must not depend on it."""
        ...

    @property
    def step_key(self) -> str:
        """`RUN/NUMBER` of the step that is being done: the same in all its attempts and after every
        crash, so that it serves as an idempotency key for the step's effect. Of use inside `do` only."""
        ...

    def step(self, name: str, do: Callable[[], Json], retry: Retry = ONCE) -> Json:
        """Do something once and give what it gave, now and whenever the body is called again.

        Steps do not nest: `do` does not use the run's verbs.

        Args:
            name: What it is called in histories; checked when the body is called again.
            do: Gives a JSON value. Its failure is recorded, too, when no attempt is left.

        Raises:
            LigninError: `do` failed for good: the class that the recorded code names, the same now and
                in every later call of the body. `StepFaultError` where it was no error of ours.
            IntegrityError: This place in the run is recorded under another name: the body is not the
                one that began.
            RunStopped: The run may not go on here.
        """
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for so long from the first time this was reached; a crash does not begin it anew.

        It takes a place of its queue's concurrency meanwhile; for hours, start another run `at`.

        Raises:
            RunStopped: The run may not go on here.
        """
        ...

    def wait(self, topic: str, timeout_s: float) -> Json | None:
        """The next signal on a topic, in the order they were sent, or None after `timeout_s`.

        One signal answers one wait, exactly once; those sent before the wait began are kept for it. The
        timeout counts from the first time this was reached.

        Raises:
            RunStopped: The run may not go on here.
        """
        ...

    def publish(self, key: str, value: Json) -> None:
        """Let others read a value by `Engine.event`; the last one of a key stands. Recorded as a step.

        Raises:
            RunStopped: The run may not go on here.
        """
        ...

    def stopped(self) -> bool:
        """Whether the run was cancelled, timed out or taken over (known within about a second), or this
        worker's grace at closing is over: asked inside a long step, so that it ends early. Not recorded;
        whenever this was true the next verb raises `RunStopped`."""
        ...


Body = Callable[[Run, Json], Json]
"""What a kind of run does: the run and its input in, its output out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A run to begin.

    Args:
        kind: Which body.
        input: JSON, at most `MOST_VALUE_BYTES`.
        run_id: Names the run for good. The same one again starts nothing.
        queue: A declared queue.
        priority: The smaller the sooner, 0 to 2**31 - 1; among equals, who came first (to the
            millisecond).
        key: Runs of one key in a queue go one after another, where the queue is `per_key`. Without
            one a run is in nobody's way.
        dedup_key: While a run with it is queued or running in the queue, another one is not started.
        at: Not before this instant. None is now.
        timeout_s: Cancelled when it has run so long, counted from when it first begins, with takeovers.
    """

    kind: str
    input: Json
    run_id: str
    queue: str = DEFAULT_QUEUE
    priority: int = 0
    key: str = ""
    dedup_key: str = ""
    at: datetime | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `count` runs begin in any `period_s` seconds."""

    count: int
    period_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue and its bounds, which hold over all workers unless they say otherwise.

    Args:
        concurrency: Runs at once, over all workers; None is no bound.
        worker_concurrency: Runs at once in one process; at most `concurrency`.
        spare: So many runs that a dead worker left this process takes beyond that; they go first.
        rate: How many begin in a span of time.
        per_key: Runs with the same `Start.key` go one at a time.
    """

    name: str
    concurrency: int | None = None
    worker_concurrency: int | None = None
    rate: Rate | None = None
    per_key: bool = False
    spare: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """A run as it stands.

    `attempts` counts the calls of its body so far; `worker` is the process that has or had it;
    `due_at` the instant it waits for. `failure` is there when it failed or is dead.
    """

    run_id: str
    kind: str
    state: RunState
    queue: str
    created_at: datetime
    priority: int = 0
    key: str = ""
    input: Json = None
    output: Json = None
    failure: Failure | None = None
    attempts: int = 0
    worker: str = ""
    due_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    forked_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One recorded step. Numbers rise within a run and may have gaps; each attempt has its own.

    `output` is what the step gave, the signal a wait got, the value published; None for a sleep.
    """

    number: int
    name: str
    kind: StepKind
    attempt: int = 1
    output: Json = None
    failure: Failure | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which runs to list; an empty field narrows nothing. `since` and `until` bound `created_at`,
    the first included, the second not."""

    states: frozenset[RunState] = frozenset()
    kinds: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    key: str = ""
    id_prefix: str = ""
    since: datetime | None = None
    until: datetime | None = None
    newest_first: bool = False


class SameInput:
    """Stands for the input of the run that is forked."""


SAME_INPUT = SameInput()


class Engine(Protocol):
    """Starts, runs and tells of runs. Thread-safe. Every verb but `launch`, `listen` and what works off
    a queue also answers in a process that only asks."""

    @property
    def worker_id(self) -> str:
        """What this process is called as a worker: `RunStatus.worker` of the runs that it has."""

    def launch(self, bodies: Mapping[str, Body], queues: Sequence[Queue]) -> None:
        """Begin to work: declare the queues and take runs from all of them.

        Declaring is for all workers and the last one stands; a paused queue stays paused. Once per
        process and engine.

        Raises:
            InvalidRequestError: A queue has bounds that contradict each other, or it works already.
        """
        ...

    def declare(self, queue: Queue) -> None:
        """Make a queue known or change its bounds, while it is worked off; `launch` does it for its own.

        Raises:
            InvalidRequestError: Bounds that contradict each other.
        """
        ...

    def listen(self, queues: Sequence[str]) -> None:
        """Take runs from these queues only, from now on; runs in progress go on."""

    def close(self, grace_s: float = 0.0) -> None:
        """Take nothing new, give running steps `grace_s` to end, and let go.

        Runs that are not through are left as after a crash, and given back at once, so that another
        worker has them without waiting for the lease to run out.
        """
        ...

    def recover(self) -> Sequence[str]:
        """Take over the runs of workers whose lease ran out, and the ids of these.

        A launched engine does so by itself, often enough that a dead worker's runs go on within 10
        seconds. A run that was begun more than `MOST_RECOVERIES` + 1 times is dead instead. Two
        engines that recover at once take each run over once.
        """
        ...

    def start(self, start: Start) -> str:
        """Put a run into its queue, now or for an instant, and give its id.

        Exactly once per `run_id`: again, it changes nothing, whatever became of the run. Where a run
        with the same `dedup_key` is queued or running, nothing starts and the id is that run's.

        Raises:
            InvalidRequestError: The input is no JSON or too large, or a field is out of range.
            ConflictError: The id belongs to a run of another kind.
            NotFoundError: No such queue is declared.
        """
        ...

    def signal(self, run_id: str, topic: str, value: Json, signal_id: str = "") -> None:
        """Send a value to a run, which gets it by `Run.wait`. Exactly once per `signal_id`, where there
        is one; kept until the run is forgotten, also if nobody waits.

        Raises:
            NotFoundError: There is no such run.
        """
        ...

    def event(self, run_id: str, key: str, timeout_s: float = 0.0) -> Json | None:
        """What a run published under a key, waiting for it up to `timeout_s`; None without."""

    def events(self, run_id: str) -> Mapping[str, Json]:
        """Everything a run published: the last value of each key."""

    def cancel(self, run_id: str) -> None:
        """Stop a run: no further step of it is recorded. One that ended stays as it is.

        A step in progress goes on until it looks at `Run.stopped` or ends, and is not recorded.

        Raises:
            NotFoundError: There is no such run.
        """

    def resume(self, run_id: str) -> None:
        """Put a run that was cancelled or is dead back into its queue, to go on after its last recorded
        step; a run that is queued or running stays as it is.

        Raises:
            NotFoundError: There is no such run.
            ConflictError: It succeeded or failed: `fork` it.
        """

    def fork(
        self, run_id: str, *, from_step: int, new_id: str, input: Json | SameInput = SAME_INPUT
    ) -> str:
        """Start a new run with the recorded steps of another before number `from_step`, and give its id.

        Exactly once per `new_id`. The original stays as it is.

        Args:
            from_step: A `StepRecord.number`; 0 or 1 keeps no step.
            input: In place of the original's.

        Raises:
            NotFoundError: There is no such run.
        """
        ...

    def pause(self, queue: str) -> None:
        """Begin no further run of a queue, in any worker (within a second); those in progress go on.

        Raises:
            NotFoundError: No such queue is declared.
        """

    def unpause(self, queue: str) -> None:
        """Work a queue off again, with the bounds it is declared with.

        Raises:
            NotFoundError: No such queue is declared.
        """
        ...

    def status(self, run_id: str) -> RunStatus:
        """A run as it stands.

        Raises:
            NotFoundError: There is no such run.
        """
        ...

    def wait(self, run_id: str, timeout_s: float) -> RunStatus:
        """A run as it stands when it has ended, or after `timeout_s`.

        Raises:
            NotFoundError: There is no such run.
        """
        ...

    def list(self, wanted: Wanted, *, limit: int = 100, offset: int = 0) -> Sequence[RunStatus]:
        """Runs by when they were made, without input and output."""

    def steps(self, run_id: str) -> Sequence[StepRecord]:
        """The recorded steps of a run, in order.

        Raises:
            NotFoundError: There is no such run.
        """
        ...

    def queues(self) -> Mapping[str, bool]:
        """The declared queues, and whether each is paused."""

    def workers(self) -> Mapping[str, datetime]:
        """The workers that live, and until when their leases hold unless they are renewed."""

    def forget(self, before: datetime, limit: int = 10_000) -> int:
        """Delete runs that ended before an instant; how many. Their ids are free then: repeat no old start."""
        ...

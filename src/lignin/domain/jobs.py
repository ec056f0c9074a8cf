"""Jobs: work that somebody asked for and that goes on without them. Types and names; decides nothing.

The ledger is the truth about a job; an engine only remembers how far its run came. So everything
that tells one job, one run or one effect from another has a name that is made here, from what it is
about: who asks again names the same thing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from lignin.domain.codec import Digest, Json, canonical_bytes
from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.domain.ids import derive_id
from lignin.domain.names import require_name

JobState = Literal["open", "succeeded", "failed", "cancelled", "dead"]
JobEnd = Literal["succeeded", "failed", "dead"]
STATES: tuple[JobState, ...] = get_args(JobState)
ENDS: tuple[JobEnd, ...] = get_args(JobEnd)
"""What a run may come to; a cancel is somebody's word and no end of a run. `dead`: it was taken up
too often without getting anywhere, or nobody knows its kind."""
TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    "open": frozenset({"succeeded", "failed", "cancelled", "dead"}),
    "failed": frozenset({"open"}),
    "cancelled": frozenset({"open"}),
    "dead": frozenset({"open"}),
    "succeeded": frozenset(),
}
"""What has not succeeded may be tried again; what has is forked."""
DEFAULT_QUEUE = "default"
PER_KEY = "per:key"
"""What every worker has; lanes of jobs that have a key are apart, for there one waits for another."""
MAX_INPUT_BYTES = 256 * 2**10
MAX_NEEDS = 16
MAX_PRIORITY = 1_000_000
MAX_SIGNALS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """What a job may spend; None is no limit of its own."""

    microusd: int | None = None
    tokens: int | None = None
    seconds: float | None = None

    def to_json(self) -> dict[str, Json]:
        return {"microusd": self.microusd, "tokens": self.tokens, "seconds": self.seconds}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpent:
    """What a job spent, as far as that is known."""

    microusd: int | None = None
    tokens: int | None = None
    seconds: float | None = None

    def to_json(self) -> dict[str, Json]:
        return {"microusd": self.microusd, "tokens": self.tokens, "seconds": self.seconds}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobError:
    """Why a job did not succeed: an error's code, message and hint, without secrets."""

    code: str
    message: str
    hint: str = ""

    def to_json(self) -> dict[str, Json]:
        return {"code": self.code, "message": self.message, "hint": self.hint}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAsked:
    """A job that somebody asks for.

    Args:
        kind: What runs it: a name in the table of kinds.
        input: What it works on: JSON of at most `MAX_INPUT_BYTES`; larger things by digest.
        queue: Where it waits.
        needs: What a worker must have, such as `client:codex` or `sandbox:net`.
        priority: Lower ones go first, from 0.
        key: Jobs of one key never run at once; empty for none.
        dedup: While a job of this name is open in its queue, no other one is opened; empty for none.
        source: Who noticed an occurrence, such as `loop/nightly`; with `occurrence` it names the
            job, so that an occurrence that is noticed again opens nothing.
        parent: What it is part of, such as `loop/nightly` or `job/job_...`.
        versions: What is pinned, by name: digests of a skill, a harness revision, a loop.
        start_at: Not before this time, as `format_time` writes it; empty for at once.
        forked: The job and the step that it was forked at; empty for none.
    """

    kind: str
    input: Json
    queue: str = DEFAULT_QUEUE
    needs: tuple[str, ...] = ()
    priority: int = 0
    key: str = ""
    dedup: str = ""
    source: str = ""
    occurrence: str = ""
    parent: str = ""
    limits: JobLimits = field(default_factory=JobLimits)
    versions: Mapping[str, Digest] = field(default_factory=dict)
    start_at: str = ""
    forked: tuple[str, int] | None = None

    @property
    def lane(self) -> str:
        """The lane that it waits in."""
        return lane_of(self.queue, (*self.needs, PER_KEY) if self.key else self.needs)

    def to_json(self) -> dict[str, Json]:
        return {
            "kind": self.kind,
            "input": self.input,
            "queue": self.queue,
            "needs": sorted(set(self.needs)),
            "priority": self.priority,
            "key": self.key,
            "dedup": self.dedup,
            "source": self.source,
            "occurrence": self.occurrence,
            "parent": self.parent,
            "limits": self.limits.to_json(),
            "versions": dict(self.versions),
            "start_at": self.start_at,
            "forked": None
            if self.forked is None
            else {"job": self.forked[0], "step": self.forked[1]},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSignal:
    """A value that somebody sent to a job.

    Args:
        id: Names it: sent again, it is sent once.
        topic: What the job waits for.
        value: Digest of the value; the bytes are a blob of the job's stream.
        turn: The turn of the job that it was sent to.
    """

    id: str
    topic: str
    value: Digest
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the ledger has it.

    Args:
        turn: How often it was opened: 1, and one more for each retry.
        asked_by: The actor who asked, as JSON.
        output: Digest of what came out; the bytes are a blob of its stream.
        signals: What was sent to it, in order.
    """

    id: str
    state: JobState
    turn: int
    asked: JobAsked
    asked_by: Mapping[str, Json]
    opened_at: str
    ended_at: str = ""
    output: Digest | None = None
    error: JobError | None = None
    attempts: int = 0
    spent: JobSpent = field(default_factory=JobSpent)
    signals: tuple[JobSignal, ...] = ()

    @property
    def run(self) -> str:
        """The name of its run in an engine; every retry is a run of its own."""
        return run_of(self.id, self.turn)

    @property
    def lane(self) -> str:
        """The lane that it waits in: only workers that have what it needs listen there."""
        return self.asked.lane


def require_job(asked: JobAsked) -> JobAsked:
    """Return what is asked for where it can be.

    Raises:
        InvalidRequestError: A name is none, a text too long, a need malformed, a limit negative.
        LimitedError: The input is too large.
    """
    require_name("kind of job", asked.kind)
    require_name("queue", asked.queue)
    size = len(canonical_bytes(asked.input))
    if size > MAX_INPUT_BYTES:
        raise LimitedError(
            f"a job's input of {size} bytes; at most {MAX_INPUT_BYTES}",
            hint="store large content as a blob, and name its digest",
        )
    if len(asked.needs) > MAX_NEEDS:
        raise InvalidRequestError(f"{len(asked.needs)} needs of one job; at most {MAX_NEEDS}")
    for need in asked.needs:
        part, _, rest = need.partition(":")
        require_name("need", part)
        require_name("need", rest)
    if not 0 <= asked.priority <= MAX_PRIORITY:
        raise InvalidRequestError(f"a priority is from 0 to {MAX_PRIORITY}")
    texts = (asked.key, asked.dedup, asked.source, asked.occurrence, asked.parent)
    if any(len(text) > 190 for text in texts):
        raise InvalidRequestError("a key, source, occurrence or parent of over 190 characters")
    if bool(asked.source) != bool(asked.occurrence):
        raise InvalidRequestError("an occurrence has a source, and a source an occurrence")
    for limit in (asked.limits.microusd, asked.limits.tokens, asked.limits.seconds):
        if limit is not None and limit < 0:
            raise InvalidRequestError("a limit below zero")
    return asked


def job_of_occurrence(source: str, occurrence: str) -> str:
    """The id of the one job that an occurrence opens."""
    return derive_id("job", [source, occurrence])


def run_of(job: str, turn: int) -> str:
    """The name of a job's run in an engine."""
    return job if turn == 1 else f"{job}.{turn}"


def job_of_run(run: str) -> tuple[str, int]:
    """Return the job and the turn that a run is of; the inverse of `run_of`."""
    job, _, turn = run.partition(".")
    return job, int(turn) if turn.isdecimal() else 1


def effect_key(step_key: str, ordinal: int) -> str:
    """The idempotency key of one effect of one step, unique in the ledger.

    A step that is made again because its checkpoint was lost commits under the same keys, and the
    ledger answers what it answered before. A retry is another run: it may mean something else.

    Args:
        step_key: The step's name for good, `Run.step_key`: the run and the step's number in it.
        ordinal: Which of the step's effects, from 1.
    """
    return f"job:{step_key}:{ordinal}"


def lane_of(queue: str, needs: Iterable[str]) -> str:
    """The engine's queue of a queue and a set of needs: `evals`, or `evals+client:codex+sandbox:net`."""
    return "+".join([queue, *sorted(set(needs))])


def parse_lane(lane: str) -> tuple[str, tuple[str, ...]]:
    """Return the queue and the needs that a lane is of."""
    queue, *needs = lane.split("+")
    return queue, tuple(needs)


def lacks(needs: Iterable[str], has: Collection[str]) -> tuple[str, ...]:
    """Return what is needed and not there; empty where it fits."""
    return tuple(sorted(set(needs) - set(has)))

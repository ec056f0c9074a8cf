"""What a kind of job is, and what its body works with. A new kind is a file in `bodies/` with a `KIND`.

A body does everything with an effect, or whose answer may change, inside `Work.step`: what a step gave
is recorded, and a body that is called again after a crash gets the recorded answers. Inside a step the
commits carry the step's idempotency keys, so that a step that is made again writes nothing twice.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from lignin.artifacts.service import Artifacts
from lignin.domain.codec import Json, canonical_bytes, parse_json
from lignin.domain.errors import IntegrityError, LimitedError
from lignin.domain.events import parse_time
from lignin.domain.jobs import Job, JobSpent
from lignin.harness.service import Harness
from lignin.jobs.effects import StepIds, StepLedger
from lignin.operations.context import Context
from lignin.ports.engine import ONCE, Retry, Run, StepRecord
from lignin.sessions.service import SessionLog
from lignin.traces.redact import redact


@dataclass(slots=True, kw_only=True)
class Work:
    """A job as its body sees it.

    Args:
        context: In the job's space, acting as who asked for it.
        run: The engine's side; steps are made with `step`.
    """

    context: Context
    run: Run
    job: Job
    spent: JobSpent = field(default_factory=JobSpent)

    def step(
        self, name: str, do: Callable[[Context], Json], retry: Retry = ONCE, *, keyed: bool = True
    ) -> Json:
        """Do something once, and give what it gave without its secrets.

        Args:
            do: Is given the context to work in, and gives a JSON value.
            keyed: Its commits carry the step's keys, and its ids are made again the same. Not for what
                looks what is there and does the rest: that comes to other commits the second time.

        Raises:
            LigninError: As `Run.step`.
        """

        def made() -> Json:
            return self.without_secrets(
                do(self.keyed(self.run.step_key) if keyed else self.context)
            )

        return self.run.step(name, made, retry)

    def keyed(self, step_key: str) -> Context:
        """The context to make a step in, whose commits carry the step's keys."""
        ids = StepIds(step_key, parse_time(self.job.opened_at))
        return replace(
            self.context,
            ledger=StepLedger(self.context.ledger, step_key),
            ids=ids,
            sessions=SessionLog(ids),
            artifacts=Artifacts(ids),
            harness=Harness(ids),
        )

    def without_secrets(self, value: Json) -> Json:
        """A value as it may be kept in histories."""
        found = redact(canonical_bytes(value), self.context.redaction_key)
        return parse_json(found.content) if found.counts else value

    def spend(self, *, microusd: int | None = None, tokens: int | None = None) -> None:
        """Count what a step spent, from what it gave; called between steps.

        Raises:
            LimitedError: With that, the job has spent more than it may.
        """
        self.spent = replace(
            self.spent,
            microusd=_sum(self.spent.microusd, microusd),
            tokens=_sum(self.spent.tokens, tokens),
        )
        limits = self.job.asked.limits
        for name, most, spent in (
            ("micro-USD", limits.microusd, self.spent.microusd),
            ("tokens", limits.tokens, self.spent.tokens),
        ):
            if most is not None and spent is not None and spent > most:
                raise LimitedError(
                    f"the job spent {spent} {name}; it may spend {most}",
                    hint="what was done is kept; ask for more with a new job",
                )


def first_failed(steps: Sequence[StepRecord]) -> int:
    """The step that a retry begins with: the first that failed for good, else the one after the last."""
    begin = max((step.number for step in steps), default=0) + 1
    last = steps[-1].name if steps else ""
    for step in reversed(steps):  # each attempt of it has a number of its own
        if step.failure is None or step.name != last:
            break
        begin = step.number
    return begin


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """One kind of job.

    Args:
        summary: What its jobs do, in a sentence.
        body: Does one; what it gives is the job's output, JSON.
        check: Raises where an input is none of this kind; called before a job is opened.
        told: What a recorded step is called in histories.
        retried: Which step a retry begins with, of those that a failed run has recorded.
        instead: Of a kind whose work stands on the ledger, so that a fork would find it done: what to do
            instead of forking one.
    """

    name: str
    summary: str
    body: Callable[[Work], Json]
    check: Callable[[Json], object]
    told: Callable[[StepRecord], str] = attrgetter("name")
    retried: Callable[[Sequence[StepRecord]], int] = first_failed
    instead: str = ""


def load_job_kinds() -> Mapping[str, JobKind]:
    """Every kind of job by name, from the files of `bodies/`.

    Raises:
        IntegrityError: Two files have a kind of one name.
    """
    import lignin.operations.bodies as package

    kinds: dict[str, JobKind] = {}
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        kind = importlib.import_module(f"{package.__name__}.{found.name}").KIND
        if kind.name in kinds:
            raise IntegrityError(f"two kinds of job are named {kind.name!r}")
        kinds[kind.name] = kind
    return kinds


def name_of_step(kind: str, step: StepRecord) -> str:
    """What a recorded step is called; by its own name where this version does not have the job's kind."""
    known = load_job_kinds().get(kind)
    return known.told(step) if known else step.name


def begin_of_retry(kind: str, steps: Sequence[StepRecord]) -> int:
    """Which step a retry begins with; the one that failed where this version does not have the kind."""
    known = load_job_kinds().get(kind)
    return known.retried(steps) if known else first_failed(steps)

"""Jobs as operations and loops use them: asking for one, doing one, ending one.

A job's end goes to the ledger before the engine hears of it. Where the ledger cannot be written just
then, the engine's word stands until the ledger is told of it (`working`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from lignin.artifacts.stopping import StoppableSandbox
from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import ConflictError, LigninError, NotFoundError
from lignin.domain.events import Change, Scope, parse_actor
from lignin.domain.jobs import Job, JobAsked, JobEnd, JobError, JobSpent
from lignin.jobs.effects import RunLedger
from lignin.jobs.service import Jobs, load_job
from lignin.operations.context import Context
from lignin.operations.jobkind import JobKind, Work, load_job_kinds
from lignin.ports.engine import Body, Failure, Run
from lignin.ports.ledger import View
from lignin.traces.redact import redact

MAX_TOLD = 2000


def ask_job(context: Context, asked: JobAsked) -> tuple[str, bool]:
    """Open a job, and give its id and whether it is new.

    Raises:
        InvalidRequestError, LimitedError, NotFoundError: It is none of its kind, or there is no such kind.
    """
    require_kind(asked.kind).check(asked.input)
    jobs = Jobs(context.ids)

    def decide(view: View) -> tuple[tuple[str, bool], Sequence[Change]]:
        name, change = jobs.open(view, context.scope, asked)
        return (name, change is not None), [change] if change else []

    return context.decide_and_commit(decide)


def require_kind(name: str) -> JobKind:
    """A kind of job by its name.

    Raises:
        NotFoundError: There is none.
    """
    kinds = load_job_kinds()
    if name not in kinds:
        raise NotFoundError(f"no kind of job {name!r:.80}", hint=f"one of {', '.join(kinds)}")
    return kinds[name]


def bodies_of(context: Context, kinds: Mapping[str, JobKind]) -> dict[str, Body]:
    """What an engine runs for each kind of job."""
    return {name: _body_of(context, kind) for name, kind in kinds.items()}


def run_input(space: str, job: Job) -> Json:
    """What an engine is told of a job: where the ledger has it. The ledger has all else."""
    return {"space": space, "job": job.id}


def _body_of(context: Context, kind: JobKind) -> Body:
    def body(run: Run, value: Json) -> Json:
        work = _begun(context, run, value)
        try:
            output = work.without_secrets(kind.body(work))
        except LigninError as error:
            failed = _error_of(error, work.without_secrets)
            _end_quietly(work, "failed", error=failed)
            raise
        _end_quietly(work, "succeeded", output=output)
        return {"output": output, "spent": work.spent.to_json()}

    return body


def _begun(context: Context, run: Run, value: Json) -> Work:
    """The job's own surroundings: its space, and the authority of who asked for it.

    Raises:
        ConflictError: The job is not open in this turn any more.
        RunStopped: The store is away.
    """
    space, name = value["space"], value["job"]
    context = replace(context, ledger=RunLedger(context.ledger))
    with context.ledger.view(space) as view:
        job = load_job(view, name)
    if job.state != "open" or job.run != run.id:
        raise ConflictError(f"job {name!r} is {job.state}, turn {job.turn}; this is run {run.id}")
    scope = Scope(space=space, actor=parse_actor(job.asked_by), correlation_id=name)
    stoppable = replace(
        context,
        scope=scope,
        open_sandbox=lambda: StoppableSandbox(context.open_sandbox(), run.stopped),
    )
    return Work(context=stoppable, run=run, job=job)


def _end_quietly(
    work: Work, state: JobEnd, *, output: Json = None, error: JobError | None = None
) -> None:
    with suppress(LigninError):  # the engine has it, and the ledger is told of it later
        end_job(
            work.context,
            work.job,
            state,
            output=output,
            error=error,
            attempts=work.run.attempt,
            spent=work.spent,
        )


def end_job(
    context: Context,
    job: Job,
    state: JobEnd,
    *,
    output: Json = None,
    error: JobError | None = None,
    attempts: int = 1,
    spent: JobSpent | None = None,
) -> bool:
    """End a turn of a job on the ledger; whether it was open."""
    jobs = Jobs(context.ids)
    content = canonical_bytes(output) if state == "succeeded" else None

    def decide(view: View) -> tuple[bool, Sequence[Change]]:
        change = jobs.end(
            view,
            context.scope,
            job,
            state,
            output=content,
            error=error,
            attempts=attempts,
            spent=spent,
        )
        return change is not None, [change] if change else []

    return context.decide_and_commit(decide)


def error_of_failure(context: Context, failure: Failure | None) -> JobError | None:
    """An engine's word for what went wrong, as the ledger keeps it."""
    if failure is None:
        return None

    def cleaned(text: str) -> str:
        return redact(text.encode(errors="replace"), context.redaction_key).content.decode()

    return JobError(
        code=failure.code,
        message=cleaned(failure.message)[:MAX_TOLD],
        hint=cleaned(failure.hint)[:MAX_TOLD],
    )


def _error_of(error: LigninError, cleaned: Callable[[Json], Json]) -> JobError:
    return JobError(
        code=error.code,
        message=str(cleaned(error.message))[:MAX_TOLD],
        hint=str(cleaned(error.hint))[:MAX_TOLD],
    )

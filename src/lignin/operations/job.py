"""Jobs: work that goes on without who asked for it; every step of it can be looked at."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import InvalidRequestError, NotFoundError, UnavailableError
from lignin.domain.events import Change, format_time
from lignin.domain.jobs import Job, JobAsked, JobLimits
from lignin.domain.states import Row
from lignin.domain.states.jobs import parse_job
from lignin.jobs.laws.fitting import why_waiting
from lignin.jobs.service import Jobs, load_job
from lignin.operations.context import Context
from lignin.operations.feeding import last_run
from lignin.operations.job_models import (
    JobFollowed,
    JobFork,
    JobList,
    JobOpened,
    JobRetry,
    JobShow,
    JobShown,
    JobsListed,
    JobStart,
    JobStop,
    JobTail,
    JobView,
    StepView,
    cut,
)
from lignin.operations.jobkind import name_of_step
from lignin.operations.jobwork import ask_job, require_kind
from lignin.operations.presence import alive
from lignin.operations.registry import operation
from lignin.ports.engine import RunStatus, StepRecord
from lignin.ports.ledger import View, require_known

MOST_STEPS = 500
MOST_CHARS = 4000
LOOK_S = 0.2


@operation("job.start", effect="execute", remote=False)
def start(context: Context, request: JobStart) -> JobOpened:
    """Ask for a job, which the next worker that has what it needs takes. It acts as you.

    Asked with an --occurrence it is opened once for that, however often it is asked.
    """
    name, is_new = ask_job(
        context,
        JobAsked(
            kind=request.kind,
            input=_standing(context, request),
            queue=request.queue,
            needs=tuple(request.need),
            priority=request.priority,
            key=request.key,
            dedup=request.dedup,
            source=request.source,
            occurrence=request.occurrence,
            start_at=_time(request.start_at),
            limits=JobLimits(
                microusd=request.limit_microusd,
                tokens=request.limit_tokens,
                seconds=request.limit_s,
            ),
        ),
    )
    return JobOpened(job=name, new=is_new)


@operation("job.list", effect="read", idempotent=True)
def list_(context: Context, request: JobList) -> JobsListed:
    """List jobs in the order in which they were asked for."""
    with context.view() as view:
        page = view.page(
            "job",
            state=request.state,
            parent=request.part_of,
            after=request.after,
            limit=request.limit,
        )
    jobs = [parse_job(row) for row in page.rows]
    runs = _runs_of(context, [job.run for job in jobs if job.state == "open"])
    return JobsListed(
        items=[JobView(**_view(job), run=runs.get(job.run, "")) for job in jobs],
        total=page.total,
        next_after=page.next_after,
        narrow="--state, --part-of, --after" if page.next_after else None,
    )


@operation("job.show", effect="read", idempotent=True)
def show(context: Context, request: JobShow) -> JobShown:
    """Show a job: input, output, cost, every recorded step, and why nobody takes it where nobody does."""
    with suppress(UnavailableError):  # told below
        context.open_engine()
    with context.view() as view:
        row = require_known(view, f"job/{request.job}")
        job = parse_job(row)
        output = parse_json(view.blob(job.output)) if job.output else None
        status, steps, note = _run_of(context, job)
        waiting = _why_waiting(context, view, job, status)
    recorded = [step for step in steps if step.number > request.after_step]
    if len(recorded) > MOST_STEPS:
        note = f"{len(recorded)} steps; --after-step {recorded[MOST_STEPS - 1].number} has more"
    return JobShown(
        **_view(job),
        input=cut(job.asked.input, MOST_CHARS),
        output=cut(output, MOST_CHARS),
        versions=dict(job.asked.versions),
        spent=job.spent.to_json(),
        limits=job.asked.limits.to_json(),
        run=status.state if status else "",
        worker=status.worker if status else "",
        waiting=waiting,
        forks=_forks(row),
        steps=[_step(job, step) for step in recorded[:MOST_STEPS]],
        steps_note=note,
    )


@operation("job.tail", effect="read", idempotent=True, remote=False)
def tail(context: Context, request: JobTail) -> JobFollowed:
    """Follow a job to its end: each step as it is recorded, a JSON object a line where it is piped."""
    deadline = None if request.for_s is None else time.monotonic() + request.for_s
    seen, lines, before = 0, 0, ""
    while True:
        with context.view() as view:
            job = load_job(view, request.job)
        status, steps, _ = _run_of(context, job)
        news: list[dict[str, Json]] = [
            {"job": job.id, "run": job.run, "step": _step(job, step).model_dump(mode="json")}
            for step in steps
            if step.number > seen
        ]
        stands = f"{job.run} {job.state} {status.state if status else ''}"
        if stands != before:
            news.append({"job": job.id, "state": job.state, "run": status.state if status else ""})
        seen, before = max([seen, *(step.number for step in steps)]), stands
        if not all(context.tell(each) for each in news):
            break  # nobody reads any more
        lines += len(news)
        if job.state != "open" or (deadline is not None and time.monotonic() >= deadline):
            break
        time.sleep(LOOK_S)
    return JobFollowed(job=job.id, state=job.state, told=lines)


@operation("job.cancel", effect="execute", idempotent=True)
def cancel(context: Context, request: JobStop) -> JobView:
    """Cancel a job: it ends at its next step at the latest, and nothing more of it is recorded."""
    jobs = Jobs(context.ids)
    return _moved(
        context,
        request.job,
        lambda view: jobs.cancel(view, context.scope, request.job, request.reason),
    )


@operation("job.retry", effect="execute")
def retry(context: Context, request: JobRetry) -> JobView:
    """Open a job once more that did not succeed: it goes on at the step that failed."""
    jobs = Jobs(context.ids)
    return _moved(
        context,
        request.job,
        lambda view: jobs.retry(view, context.scope, request.job, request.reason),
    )


@operation("job.fork", effect="execute", remote=False)
def fork(context: Context, request: JobFork) -> JobOpened:
    """Open a job like another one that keeps its steps before one, and makes those from there anew."""
    jobs = Jobs(context.ids)
    with context.view() as view:
        job = load_job(view, request.job)
    _require_kept_by_steps(job)
    _require_step(context, job, request.step)

    def decide(view: View) -> tuple[str, Sequence[Change]]:
        job = load_job(view, request.job)
        if request.input is not None:
            require_kind(job.asked.kind).check(request.input)
        name, change = jobs.fork(
            view, context.scope, request.job, step=request.step, changed=request.input
        )
        return name, [change]

    return JobOpened(job=context.decide_and_commit(decide), new=True)


def _require_kept_by_steps(job: Job) -> None:
    """Refuse a job whose work stands on the ledger: a fork of it would find that done."""
    if instead := require_kind(job.asked.kind).instead:
        raise InvalidRequestError(
            f"job {job.id} is a {job.asked.kind} job: what it did stands on the ledger, "
            "and a fork would make nothing anew",
            hint=instead,
        )


def _require_step(context: Context, job: Job, step: int) -> None:
    """Refuse a step that a job does not have: a fork from there would make nothing anew."""
    engine = context.open_engine()
    try:
        steps = engine.steps(last_run(engine, job.id))
        why = "has no recorded step yet" if job.state == "open" else "ended before its first step"
    except NotFoundError:
        steps = ()
        why = "never began" if job.state == "open" else "has no recorded steps any more"
    last = max((each.number for each in steps), default=0)
    if not last:
        raise InvalidRequestError(
            f"job {job.id} {why}: there is nothing to keep", hint="`lignin job start` asks for one"
        )
    if step > last:
        raise InvalidRequestError(
            f"job {job.id} has {last} steps: there is no step {step}",
            hint=f"a step from 1 to {last}, as `lignin job show` numbers them",
        )


def _moved(context: Context, name: str, move: Callable[[View], Change | None]) -> JobView:
    def decide(view: View) -> tuple[None, Sequence[Change]]:
        change = move(view)
        return None, [change] if change else []

    context.decide_and_commit(decide)
    with context.view() as view:
        return JobView(**_view(load_job(view, name)))


def _standing(context: Context, request: JobStart) -> Json:
    """The input; an operation is done in the folder of who asks."""
    if request.kind == "operation" and isinstance(request.input, dict):
        return {"folder": str(context.cwd), **request.input}
    return request.input


def _time(text: str) -> str:
    if not text:
        return ""
    try:
        return format_time(datetime.fromisoformat(text))
    except ValueError as error:
        raise InvalidRequestError(
            f"{text!r:.60} is no time", hint="such as 2026-01-31T12:00:00Z"
        ) from error


def _view(job: Job) -> dict[str, Json]:
    return {
        "job": job.id,
        "kind": job.asked.kind,
        "state": job.state,
        "queue": job.asked.queue,
        "needs": list(job.asked.needs),
        "part_of": job.asked.parent,
        "asked_by": job.asked_by["sub"],
        "turn": job.turn,
        "attempts": job.attempts,
        "opened_at": job.opened_at,
        "ended_at": job.ended_at,
        "error": job.error.to_json() if job.error else None,
    }


def _run_of(context: Context, job: Job) -> tuple[RunStatus | None, Sequence[StepRecord], str]:
    """What the engine knows of a job's run; with why it tells nothing, where that is so."""
    try:
        engine = context.open_engine()
        return engine.status(job.run), engine.steps(job.run), ""
    except NotFoundError:
        return None, (), "" if job.state == "open" else "its steps are forgotten"
    except UnavailableError as error:
        return None, (), f"steps are not told: {error.message}"


def _runs_of(context: Context, names: Sequence[str]) -> dict[str, str]:
    """How far runs are, by name, as far as the engine is there and knows them."""
    found: dict[str, str] = {}
    with suppress(UnavailableError):
        for name in names:
            with suppress(NotFoundError):
                found[name] = context.open_engine().status(name).state
    return found


def _why_waiting(context: Context, view: View, job: Job, status: RunStatus | None) -> str:
    if job.state != "open" or (status is not None and status.state != "queued"):
        return ""
    lane = view.row(f"lane/{job.lane}")
    if lane is not None and lane.state == "paused":
        return f"its lane {job.lane} is paused: `lignin job lane {job.lane} --resume`"
    try:
        return why_waiting(job.lane, alive(context, view))
    except UnavailableError as error:
        return error.message


def _forks(row: Row) -> list[str]:
    return [str(name) for name in row.body.get("forks", ())]


def _step(job: Job, step: StepRecord) -> StepView:
    failed = step.failure
    error = None
    if failed is not None:
        error = {"code": failed.code, "message": failed.message, "hint": failed.hint}
    return StepView(
        number=step.number,
        name=name_of_step(job.asked.kind, step),
        kind=step.kind,
        attempt=step.attempt,
        output=cut(step.output, MOST_CHARS),
        error=error,
        started_at=format_time(step.started_at) if step.started_at else "",
        ended_at=format_time(step.ended_at) if step.ended_at else "",
    )

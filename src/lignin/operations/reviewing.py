"""What there is to review of the durable skills: their runs in a period, and what became of their alerts."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lignin.artifacts.schemas import schema_faults
from lignin.artifacts.store import load_manifest
from lignin.artifacts.versions import is_simulated
from lignin.domain.artifacts import Manifest
from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import DeniedError, LigninError, NotFoundError
from lignin.domain.events import Event
from lignin.domain.jobs import Job
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN, STATES
from lignin.domain.states.jobs import parse_job
from lignin.loops.laws.review import Fate, SkillRun, Watched, fates_of
from lignin.loops.service import load_loop
from lignin.operations.context import Context
from lignin.operations.heads import MAIN
from lignin.ports.ledger import View, every_row, require_known

KIND = "workflow"
_EVENTS = 1000
_WITHDRAWN = frozenset({*STATES, "dependency"}) - PROVEN
"""What a run names that was stopped because its version, or what that leans on, is no longer proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """A durable skill and its runs of the period.

    Args:
        version: The one that is judged: what the head serves, else what ran last.
        runs: Of all versions, those that have ended.
        open: How many have not.
    """

    name: str
    version: Digest
    served: bool
    simulated: bool
    watched: Watched
    runs: Sequence[SkillRun]
    open: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What is looked up once for all skills: the loops that act by each, and what each job's filings
    came to."""

    since: str
    loops: Mapping[str, Sequence[str]]
    fates: Mapping[str, Sequence[Fate]]


def skills_of(
    context: Context, view: View, *, since: str, head: str, names: Sequence[str]
) -> Iterator[Skill]:
    """The durable skills that a head serves or that ran since a time.

    Args:
        names: Only these; all where there are none.

    Raises:
        NotFoundError: No such head, or no durable skill of a name.
    """
    is_fresh = head == MAIN and view.row(f"head/{MAIN}") is None
    harness = context.harness
    slots = {} if is_fresh else harness.resolve(view, harness.stable(view, head)[0])
    found = names or [row.key for row in every_row(view, "artifact", state=KIND)]
    for name in found:
        if (row := view.row(f"artifact/{name}")) is None or row.state != KIND:
            raise NotFoundError(
                f"no durable skill {name!r}", hint="`lignin artifact list` has the names"
            )
    around = _Around(since=since, loops=_loops(view), fates=_fates(view))
    for name in found:
        skill = _skill(view, name, slots.get(name, ""), around)
        if skill is not None:
            yield skill


def _skill(
    view: View,
    name: str,
    served: Digest,
    around: _Around,
) -> Skill | None:
    jobs, loops, fates = (
        list(_jobs(view, name, around.since)),
        around.loops.get(name, ()),
        around.fates,
    )
    if not served and not jobs:
        return None
    version = served or max(jobs, key=lambda each: each[1].opened_at)[1].asked.input["digest"]
    row = require_known(view, f"version/{name}@{version}")
    has_raised = any(job.id in fates for _, job in jobs)
    declared = load_manifest(view, version)
    is_watch = bool(loops or has_raised or alert_form(declared))
    runs = [
        _run(view, job_row, job, fates.get(job.id, ()), is_watch=is_watch)
        for job_row, job in jobs
        if job.state != "open"
    ]
    return Skill(
        name=name,
        version=version,
        served=bool(served),
        simulated=is_simulated(row),
        watched=Watched(
            is_watch=is_watch,
            loops=tuple(loops),
            is_older=str(row.body["captured_at"]) < around.since,
        ),
        runs=runs,
        open=len(jobs) - len(runs),
    )


def _run(view: View, row: Row, job: Job, fates: Sequence[Fate], *, is_watch: bool) -> SkillRun:
    judged: Mapping[str, Json] = row.body.get("judged") or {}
    version = str(job.asked.input["digest"])
    output: Json = None
    if job.output is not None:
        output = parse_json(view.blob(job.output))
        version = str(output["digest"])  # it may have moved to another one
    failure = "" if job.error is None else cause_of(job)
    alerted: bool | None = None
    if fates:
        alerted = True
    elif is_watch and failure != "cancelled":  # what failed raised nothing, due or not
        form = alert_form(load_manifest(view, version))
        answer = output["value"] if output else None
        alerted = bool(form) and not failure and is_alert(form, answer)
    return SkillRun(
        job=job.id,
        version=version,
        failure=failure,
        alerted=alerted,
        fates=tuple(fates),
        should=judged["should"] if judged.get("turn") == job.turn else None,
        microusd=job.spent.microusd,
        tokens=job.spent.tokens,
        seconds=job.spent.seconds,
    )


def alert_form(manifest: Manifest) -> Mapping[str, Json]:
    """The form of the answers that a workflow declares as alerts; empty where it declares none."""
    return manifest.workflow.alert if manifest.workflow else {}


def is_alert(form: Mapping[str, Json], value: Json) -> bool:
    """Whether an answer is an alert; what cannot be looked at is none."""
    try:
        return not schema_faults(form, value)
    except LigninError:
        return False


def cause_of(job: Job) -> str:
    """How a job failed, in a word or two: the error of the job, and behind it the workflow's own.

    One whose version was taken out of service meanwhile was stopped, as if somebody had cancelled it.
    """
    assert job.error is not None
    name, _, rest = job.error.message.partition(": ")
    own = rest.partition(": ")[0] if name == job.asked.input["name"] else ""
    if job.error.code == DeniedError.code and own in _WITHDRAWN:
        return "cancelled"
    is_word = own and len(own) <= 100 and own.replace("_", "").replace("-", "").isalnum()
    return f"{job.error.code}: {own}" if is_word else job.error.code


def _jobs(view: View, name: str, since: str) -> Iterator[tuple[Row, Job]]:
    """The jobs of a skill that were asked for since a time, those that have not ended, too."""
    after: str | None = None
    while True:
        page = view.page("job", parent=f"artifact/{name}", after=after, limit=1000)
        for row in page.rows:
            if row.body["kind"] == KIND and row.body["opened_at"] >= since:
                yield row, parse_job(row)
        after = page.next_after
        if after is None:
            return


def _loops(view: View) -> Mapping[str, Sequence[str]]:
    """The active loops that act by each artifact."""
    found = defaultdict[str, list[str]](list)
    for row in every_row(view, "loop", state="active"):
        for stage in load_loop(view, row).stages:
            if stage.action.kind == "skill" and row.key not in found[stage.action.name]:
                found[stage.action.name].append(row.key)
    return found


def _fates(view: View) -> Mapping[str, Sequence[Fate]]:
    """What became of what each job filed in the inbox."""
    found = defaultdict[str, list[Fate]](list)
    for row in every_row(view, "inbox"):
        if row.body["kind"] != "finding" or not row.body.get("job"):
            continue
        for job, fate in fates_of(_events(view, row)).items():
            found[job].append(fate)
    return found


def _events(view: View, row: Row) -> Sequence[Event]:
    events = list[Event]()
    while page := view.events(row.stream, after_seq=len(events), limit=_EVENTS):
        events += page
    return events

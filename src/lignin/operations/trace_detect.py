"""Which of the stored runs failed, where, and what speaks for it; audit of what was not flagged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from pydantic import Field

from lignin.domain.findings import Judgement, RunVerdict
from lignin.domain.states import Row
from lignin.operations.context import Context
from lignin.operations.detection import judge_stored, stratum_of
from lignin.operations.filing import file_new
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.ports.ledger import View, require_known
from lignin.traces.audit import SampledRun, Stratum, draw, report_misses
from lignin.traces.judgements import load_judgement
from lignin.traces.view import told


class TraceDetect(Request):
    sessions: list[str] = positional("sessions' ids; default: all that were taken in", default=[])
    verdict: Literal["failure", "success", "infrastructure", "unknown"] | None = Field(
        None, description="only runs with this verdict"
    )
    limit: int = Field(10_000, ge=1, le=100_000, description="at most so many")
    after: str | None = Field(None, description="go on after this session")


class FoundInRun(Response):
    kind: str = Field(description="what sort of evidence")
    step: int | None = Field(description="the step's index in the origin")
    call_id: str | None = Field(description="the call, where it is about one")
    evidence: str = Field(description="one sentence")
    probability: float = Field(description="that the run failed, going by this alone")


class DetectedRun(Response):
    session: str = Field(description="the session's id")
    source: str = Field(description="the file it came from")
    path: str = Field(description="that file with the folder it lay in")
    task_id: str | int | None = Field(description="the task, as the origin names it")
    trial: str | int | None = Field(description="the trial, as the origin names it")
    verdict: str = Field(description="failure, success, infrastructure or unknown")
    probability: float = Field(description="probability of failure")
    step: int | None = Field(description="the step that first made the run unrecoverable")
    findings: list[FoundInRun] = Field(description="what speaks for it, the weightiest first")


class Detected(Listed):
    items: list[DetectedRun] = Field(description="this page of the list")
    verdicts: dict[str, int] = Field(description="how many runs of each verdict, before the limit")

    def to_text(self) -> str:
        lines = [", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())]
        for run in self.items:
            if run.verdict in ("success", "unknown"):
                continue
            where = f"step {run.step}" if run.step is not None else "no step"
            name = f"{run.source} task {run.task_id} trial {run.trial}"
            lines.append(f"{run.probability:.2f}  {run.session}  {name}: {run.verdict} at {where}")
            lines += [f"      {finding.evidence}" for finding in run.findings[:2]]
        return told(lines)


class TraceAudit(Request):
    size: int = Field(50, ge=1, le=1000, description="how many runs to draw")
    seed: str = Field("", description="another seed draws another sample")


class AuditRun(Response):
    session: str = Field(description="the session's id")
    stratum: str = Field(description="the stratum it stands for")
    probability: float = Field(description="probability of failure that detection gave it")
    label: str | None = Field(description="what `lignin trace feedback` says it was")


class AuditStratum(Response):
    stratum: str = Field(description="format of the trace, and what detection had to go by")
    unflagged: int = Field(description="runs of the stratum that nothing flagged")
    drawn: int = Field(description="how many of them are in the sample")
    labelled: int = Field(description="how many of those have a label")
    missed: int = Field(description="how many of those failed after all")
    miss_rate: float | None = Field(description="share missed; none without a label")
    low: float | None = Field(description="lower end of its 95 % Wilson interval")
    high: float | None = Field(description="upper end")


class Audited(Response):
    sample: list[AuditRun] = Field(description="the runs to look at")
    strata: list[AuditStratum] = Field(description="what the labels so far say")
    missed_estimate: float | None = Field(
        description="failed runs among all unflagged ones, weighted by stratum; none while a "
        "stratum has no label"
    )

    def to_text(self) -> str:
        if not self.strata:
            return "There is nothing to draw from: no stored run is unflagged."
        unflagged = sum(each.unflagged for each in self.strata)
        estimate = (
            "not known while a stratum has no label: `lignin trace feedback`"
            if self.missed_estimate is None
            else f"about {self.missed_estimate:.1f} of {unflagged}"
        )
        return "\n".join(
            [
                _STRATA.format(
                    "stratum", "unflagged", "drawn", "labelled", "missed", "rate (95 %)"
                ),
                *(_stratum_line(each) for each in self.strata),
                "",
                f"missed in all: {estimate}",
                "",
                _SAMPLE.format("the runs to look at", "p", "stratum", "label").rstrip(),
                *(_sample_line(each) for each in self.sample),
            ]
        )


_STRATA = "{:28}  {:>9}  {:>5}  {:>8}  {:>6}  {}"  # lines of at most 80 characters
_SAMPLE = "{:30}  {:>4}  {:26}  {}"


def _stratum_line(found: AuditStratum) -> str:
    told = "no label"
    if found.miss_rate is not None and found.low is not None and found.high is not None:
        rate, low, high = (_percent(each) for each in (found.miss_rate, found.low, found.high))
        told = f"{rate} % ({low}-{high})"
    counts = (found.unflagged, found.drawn, found.labelled, found.missed)
    return _STRATA.format(_cut(found.stratum, 28), *counts, told)


def _sample_line(run: AuditRun) -> str:
    name = _cut(run.stratum, 26)
    return _SAMPLE.format(run.session, f"{run.probability:.2f}", name, run.label or "").rstrip()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _percent(share: float) -> str:
    """A share in percent; of small ones the first decimal counts too."""
    percent = 100 * share
    return f"{percent:.1f}" if 0.05 <= percent < 9.95 else f"{percent:.0f}"


@operation("trace.detect", effect="write", idempotent=True)
def detect(context: Context, request: TraceDetect) -> Detected:
    """Tell which runs failed, with what probability, at which step, and on what evidence.

    A declared outcome or later feedback comes first. Then speak the other runs of the same task,
    then the run itself. Runs that the machinery broke are `infrastructure`, never the agent's
    fault; `unknown` are runs with nothing to compare with in which nothing was found. Only tasks
    that something new came to are judged again.
    """
    file_new(context)
    with context.view() as view:
        if request.sessions:
            return _of_sessions(view, request)
        counts = {
            verdict: view.page("judgement", state=verdict, limit=1).total
            for verdict in sorted(get_args(RunVerdict))
        }
        rows, left = _page(view, request)
        return _detected(view, request, rows, counts, left)


def _page(view: View, request: TraceDetect) -> tuple[list[Row], bool]:
    """So many judgements as are asked for, and whether there are more."""
    rows: list[Row] = []
    after = request.after
    while True:
        limit = min(1000, request.limit - len(rows))
        page = view.page("judgement", state=request.verdict, after=after, limit=limit)
        rows += page.rows
        after = page.next_after
        if after is None or len(rows) == request.limit:
            return rows, after is not None


def _of_sessions(view: View, request: TraceDetect) -> Detected:
    """The judgements of some sessions; all of them must be known."""
    for name in request.sessions:
        require_known(view, f"session/{name}")
    found = view.rows([f"judgement/{session}" for session in request.sessions])
    rows = [found[stream] for stream in sorted(found)]
    counts = Counter(str(row.state) for row in rows)
    chosen = [
        row
        for row in rows
        if request.verdict in (None, row.state)
        and (request.after is None or row.key > request.after)
    ]
    page = chosen[: request.limit]
    return _detected(view, request, page, counts, len(page) < len(chosen))


def _detected(
    view: View,
    request: TraceDetect,
    rows: Sequence[Row],
    counts: Mapping[str, int],
    is_cut: bool,
) -> Detected:
    sessions = view.rows([f"session/{row.key}" for row in rows])
    return Detected(
        items=[_shown(sessions[f"session/{row.key}"], load_judgement(view, row)) for row in rows],
        verdicts={verdict: count for verdict, count in sorted(counts.items()) if count},
        total=sum(count for verdict, count in counts.items() if request.verdict in (None, verdict)),
        next_after=rows[-1].key if is_cut else None,
        narrow="--verdict, --after" if is_cut else None,
    )


@operation("trace.audit", effect="read", idempotent=True)
def audit(context: Context, request: TraceAudit) -> Audited:
    """Draw runs that nothing flagged, to be looked at, and report how many were missed.

    The sample is spread over the kinds of runs and stays the same as runs arrive. Label the runs
    with `lignin trace feedback`; the rates here follow from the labels.
    """
    runs = judge_stored(context, with_feedback=False)
    unflagged = [
        SampledRun(
            session=run.session,
            stratum=stratum_of(run),
            probability=run.judgement.probability,
            label=run.feedback,
        )
        for run in runs
        if run.judgement.verdict in ("success", "unknown")
    ]
    sample = draw(unflagged, request.size, request.seed)
    strata, estimate = report_misses(unflagged, sample)
    return Audited(
        sample=[
            AuditRun(
                session=run.session,
                stratum=run.stratum,
                probability=run.probability,
                label=run.label,
            )
            for run in sample
        ],
        strata=[_stratum_shown(stratum) for stratum in strata],
        missed_estimate=estimate,
    )


def _stratum_shown(stratum: Stratum) -> AuditStratum:
    low, high = stratum.interval or (None, None)
    return AuditStratum(
        stratum=stratum.name,
        unflagged=stratum.unflagged,
        drawn=stratum.drawn,
        labelled=stratum.labelled,
        missed=stratum.missed,
        miss_rate=stratum.rate,
        low=low,
        high=high,
    )


def _shown(session: Row, judgement: Judgement) -> DetectedRun:
    return DetectedRun(
        session=session.key,
        source=session.body["source"],
        path=session.body.get("path", ""),
        task_id=session.body.get("task_id"),
        trial=session.body.get("trial"),
        verdict=judgement.verdict,
        probability=judgement.probability,
        step=judgement.step,
        findings=[
            FoundInRun(
                kind=finding.kind,
                step=finding.step,
                call_id=finding.call_id,
                evidence=finding.evidence,
                probability=round(finding.probability, 4),
            )
            for finding in judgement.findings
        ],
    )

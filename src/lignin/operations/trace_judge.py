"""Judging runs by a case: what an agent did elsewhere, against what the case demands."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import Field

from lignin.domain.cases import Attempt, Case, parse_case
from lignin.domain.codec import parse_json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.judging import Judged, judge_attempt
from lignin.domain.relations import basis_of_grader, grader_of
from lignin.domain.traces import Trajectory
from lignin.evals.power import tell_basis
from lignin.evals.releases import sealed_cases
from lignin.evals.replay import faithfulness, replay_live
from lignin.operations.casework import LEAST_FAITHFUL
from lignin.operations.context import Context
from lignin.operations.environments import open_environment
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.relating import Told, judge_told
from lignin.operations.suites import own_suite
from lignin.operations.trialwork import require_open
from lignin.ports.ledger import require_known
from lignin.traces.cases import attempt_of
from lignin.traces.importer import import_trace
from lignin.traces.read import find_traces, read_trace
from lignin.traces.runs import run_of
from lignin.traces.view import told


class TraceJudge(Request):
    case: str = positional("a case's id, as `trace cases` shows it, or its name in --suite")
    runs: list[str] = positional("files of runs, in any format that `trace import` reads")
    suite: str = Field(
        "", description="a file of your own cases: one that has relations judges the runs by them"
    )
    reference: list[str] = Field(
        default_factory=list,
        description="files of runs of the system that a relation `agrees` is to, comma-separated",
    )


class JudgedRunView(Response):
    source: str = Field(description="the file it came from")
    task_id: str | int | None = Field(description="the task, where the file names one")
    trial: str | int | None = Field(description="the trial, where the file names one")
    verdict: str = Field(description="pass, fail or inconclusive")
    reasons: list[str] = Field(description="why, where it did not pass")


class RunsJudged(Response):
    case: str = Field(description="the case's id")
    basis: str = Field(
        description="what the verdicts rest on: declared, consensus, alone, metamorphic or differential"
    )
    items: list[JudgedRunView] = Field(description="one entry per run")
    verdicts: dict[str, int] = Field(description="how many runs of each verdict")

    def exit_code(self) -> int:
        return 6 if self.verdicts.get("fail") else 10 if self.verdicts.get("inconclusive") else 0

    def to_text(self) -> str:
        lines = [", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())]
        lines += [without] if (without := tell_basis({self.basis: 1})) else []
        for run in self.items:
            lines.append(f"{run.verdict}  {run.source} task {run.task_id} trial {run.trial}")
            lines += [f"      {reason}" for reason in run.reasons]
        return told(lines)


@operation("trace.judge", effect="execute", idempotent=True, remote=False)
def judge(context: Context, request: TraceJudge) -> RunsJudged:
    """Judge runs by an eval case: give a case to any agent, write down its run, hear whether it passed.

    The runs are read and not kept. Where the case is live their calls are made again in its
    environment, from its start, for the state that they end in. A case of `--suite` that has relations
    judges its runs beside those of related inputs, or of `--reference`. 6 where a run fails, 10 where nobody
    can tell.
    """
    if request.suite:
        return _by_relations(context, request)
    with context.view() as view:
        row = require_known(view, f"case/{request.case}")
        require_open(sealed_cases(view), [request.case])
        case = parse_case(parse_json(view.blob(row.body["digest"])))
        basis = str(row.body["basis"])
    judged = [
        (name, trajectory, _judged(context, case, attempt_of(run_of(trajectory))))
        for name, trajectory in _runs(context, request.runs)
    ]
    return _told(request.case, basis, judged)


def _by_relations(context: Context, request: TraceJudge) -> RunsJudged:
    """Runs judged by the relations that a case of the user's own declares."""
    found = next((c for c in own_suite(context, request.suite) if c.name == request.case), None)
    if found is None or not found.relations:
        raise NotFoundError(
            f"{request.suite} has no case {request.case!r:.80} with relations",
            hint="docs/reference/case-format.md has the form of relations",
        )
    runs = list(_runs(context, request.runs))
    sources = {id(trajectory): name for name, trajectory in runs}
    others = [
        t for _, t in _runs(context, [f for each in request.reference for f in each.split(",")])
    ]
    told = Told(
        asked=found.task["input"],
        runs=[trajectory for _, trajectory in runs],
        reference=others,
    )
    judged = [
        (sources[id(run)], run, verdict) for run, verdict in judge_told(found.relations, told)
    ]
    if runs and not judged:
        raise InvalidRequestError(
            f"none of {len(runs)} runs is of the input of {request.case!r:.80}",
            hint="what the user says in a run has to be the case's input, word by word",
        )
    return _told(request.case, basis_of_grader(grader_of(found.relations, "")), judged)


def _told(case: str, basis: str, judged: Sequence[tuple[str, Trajectory, Judged]]) -> RunsJudged:
    if not judged:
        raise InvalidRequestError("the files hold no run", hint="name files of runs")
    items = [
        JudgedRunView(
            source=name,
            task_id=trajectory.task_id,
            trial=trajectory.trial,
            verdict=verdict.verdict,
            reasons=list(verdict.reasons),
        )
        for name, trajectory, verdict in judged
    ]
    counted = Counter(each.verdict for each in items)
    return RunsJudged(case=case, basis=basis, items=items, verdicts=dict(counted))


def _runs(context: Context, named: list[str]) -> Iterator[tuple[str, Trajectory]]:
    importers = context.load_importers()
    for root in named:
        for path in find_traces(context.path(root), importers).paths:
            name, data = read_trace(path)
            for trajectory, _ in import_trace(importers, name, data).sessions:
                if trajectory.steps:
                    yield name, replace(trajectory, path=f"{path.resolve().parent.name}/{name}")


def _judged(context: Context, case: Case, attempt: Attempt) -> Judged:
    if case.environment is None:
        return judge_attempt(case, attempt)
    with open_environment(context, case.environment) as opened:
        if isinstance(opened, str):
            return Judged(verdict="inconclusive", reasons=(opened,))
        again = replay_live(opened, attempt)
    alike = faithfulness(attempt, again)
    if alike < LEAST_FAITHFUL:
        reason = (
            f"made again, only {alike:.0%} of its calls came to the same: it was made elsewhere"
        )
        return Judged(verdict="inconclusive", reasons=(reason,))
    return judge_attempt(case, again)

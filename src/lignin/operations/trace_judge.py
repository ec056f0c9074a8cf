"""Judging runs by a case: what an agent did elsewhere, against what the case demands."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from pydantic import Field

from lignin.domain.cases import Attempt, Case, parse_case
from lignin.domain.codec import parse_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.judging import Judged, judge_attempt
from lignin.domain.traces import Trajectory
from lignin.evals.releases import sealed_cases
from lignin.evals.replay import faithfulness, replay_live
from lignin.operations.casework import LEAST_FAITHFUL
from lignin.operations.context import Context
from lignin.operations.environments import open_environment
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.trialwork import require_open
from lignin.ports.ledger import require_known
from lignin.traces.cases import attempt_of
from lignin.traces.importer import import_trace
from lignin.traces.read import find_traces, read_trace
from lignin.traces.runs import run_of
from lignin.traces.view import told


class TraceJudge(Request):
    case: str = positional("a case's id, as `trace cases` shows it")
    runs: list[str] = positional("files of runs, in any format that `trace import` reads")


class JudgedRunView(Response):
    source: str = Field(description="the file it came from")
    task_id: str | int | None = Field(description="the task, where the file names one")
    trial: str | int | None = Field(description="the trial, where the file names one")
    verdict: str = Field(description="pass, fail or inconclusive")
    reasons: list[str] = Field(description="why, where it did not pass")


class RunsJudged(Response):
    case: str = Field(description="the case's id")
    items: list[JudgedRunView] = Field(description="one entry per run")
    verdicts: dict[str, int] = Field(description="how many runs of each verdict")

    def exit_code(self) -> int:
        return 6 if self.verdicts.get("fail") else 10 if self.verdicts.get("inconclusive") else 0

    def to_text(self) -> str:
        lines = [", ".join(f"{count} {verdict}" for verdict, count in self.verdicts.items())]
        for run in self.items:
            lines.append(f"{run.verdict}  {run.source} task {run.task_id} trial {run.trial}")
            lines += [f"      {reason}" for reason in run.reasons]
        return told(lines)


@operation("trace.judge", effect="execute", idempotent=True, remote=False)
def judge(context: Context, request: TraceJudge) -> RunsJudged:
    """Judge runs by an eval case: give a case to any agent, write down its run, hear whether it passed.

    The runs are read and not kept. Where the case is live their calls are made again in its
    environment, from its start, for the state that they end in. 6 where a run fails, 10 where nobody
    can tell.
    """
    with context.view() as view:
        row = require_known(view, f"case/{request.case}")
        require_open(sealed_cases(view), [request.case])
        case = parse_case(parse_json(view.blob(row.body["digest"])))
    items = []
    for name, trajectory in _runs(context, request.runs):
        verdict = _judged(context, case, attempt_of(run_of(trajectory)))
        items.append(
            JudgedRunView(
                source=name,
                task_id=trajectory.task_id,
                trial=trajectory.trial,
                verdict=verdict.verdict,
                reasons=list(verdict.reasons),
            )
        )
    if not items:
        raise InvalidRequestError("the files hold no run", hint="name files of runs")
    counted = Counter(each.verdict for each in items)
    return RunsJudged(case=request.case, items=items, verdicts=dict(counted))


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

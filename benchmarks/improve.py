"""A campaign at the practice desk against the same trials spent on best-of-n retries. All simulated.

Agents fail in known ways. A campaign pays trials once, and what it accepts is then in every run. Best-of-n
spends the same number of trials on the unseen tasks themselves, n runs of the failing agent each, and
hands in one of them. Three ways to pick, each with what it assumes:

- any: something tells of every run of every task whether it is right. No desk has that: it is the most that
  retries can come to.
- vote: nothing tells; the end state that most of the n runs came to is taken.
- checks: the checks of the shown cases tell, on their own tasks; on unseen tasks there are none, and any run is
  taken.

    python benchmarks/improve.py
"""

import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _tell import teller

from lignin.app import load_settings, open_context
from lignin.artifacts.service import Artifacts
from lignin.domain.artifacts import File
from lignin.harness.service import Harness
from lignin.operations.context import Context
from lignin.operations.improve import improve
from lignin.operations.improve_models import CampaignShown, Improve
from lignin.operations.subjects import harness_files
from lignin.operations.trace import TraceImport, import_
from lignin.operations.trace_cases import TraceCases, cases
from lignin.practice import FAMILIES, Agent, Task, make_task, run_task
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import PracticeRun
from lignin.practice.system import DeskSystem
from lignin.sessions.service import SessionLog
from lignin.testing.changes import CountingIds
from lignin.traces.audit import wilson

tell = teller("improve")
MINED, FIRST_UNSEEN, UNSEEN = 2, 9000, 6
FAULTS = ("premature_transfer", "unauthorised_extra", "wrong_refund_method")
AGENT = "now+premature_transfer@0.5+wrong_refund_method@0.6+unauthorised_extra@0.5"
BUDGET = 3000
RUNS = 4
"""Runs of each unseen task by which an agent without retries is measured."""


def main() -> None:
    unseen = [
        make_task(FAMILIES[name], world)
        for name in FAMILIES
        for world in range(FIRST_UNSEEN, FIRST_UNSEEN + UNSEEN)
    ]
    with tempfile.TemporaryDirectory() as folder:
        told, harness, shown = climbed(Path(folder))
    note = (
        f"simulated; desk:{AGENT}; {len(unseen)} unseen tasks of {len(FAMILIES)} families; "
        f"campaign of {told.trials} trials, {told.accepted} accepted, {told.refused} refused, "
        f"{told.undecided} undecided"
    )
    before = [run for task in unseen for run in runs_of({}, task, RUNS)]
    after = [run for task in unseen for run in runs_of(harness, task, RUNS)]
    base = passed(before)
    said(f"{base:.3f} -> {passed(after):.3f}")
    compared("success on unseen tasks, as it was", before, None, note)
    compared("success on unseen tasks, after the campaign", after, base, note)
    each = max(1, told.trials // len(unseen))
    retried = {task.task_id: runs_of({}, task, each) for task in unseen}
    picks = {
        "any: a verifier of every run": [any_of(runs) for runs in retried.values()],
        "vote: no verifier": [vote(runs) for runs in retried.values()],
        "checks of shown cases: none on unseen tasks": [r for rs in retried.values() for r in rs],
    }
    for name, chosen in picks.items():
        where = f"{note}; {each} runs a task, paid again for each further task"
        compared(f"success on unseen tasks, best of n, {name}", chosen, base, where)
    on_cases(told, shown, harness)
    tell("runs a task from then on", 1, "runs", baseline=each, note=f"against best of {each}")
    harmful = sum(e.outcome == "reject" and e.kind == "ban" for e in told.items)
    useless = sum(e.outcome in ("reject", "undecided") and e.kind != "ban" for e in told.items)
    tell("harmful drafts refused", harmful, "drafts", note=note, bar="at least 1", met=harmful >= 1)
    tell("useless drafts refused", useless, "drafts", note=note, bar="at least 2", met=useless >= 2)
    wrong = sum(e.outcome == "accept" and e.kind == "ban" for e in told.items)
    tell("harmful drafts accepted", wrong, "drafts", note=note, bar="0", met=wrong == 0)
    if told.held_out is not None and told.held_out.gain is not None:
        held = told.held_out
        between = ", ".join(f"{value:+.2f}" for value in held.interval) or "one case"
        where = f"{held.cases} held-out cases, {held.trials} fresh trials each; 95 %: {between}"
        tell("gain on held-out cases", 100 * held.gain, "points", note=f"{note}; {where}")


def climbed(folder: Path) -> tuple[CampaignShown, dict[str, File], list[Task]]:
    """A campaign in a store of its own, the harness it led to, the tasks that cases were shown of."""
    home = {"LIGNIN_HOME": str(folder / "home"), "HOME": str(folder), "LIGNIN_ACTOR": "user:b"}
    (folder / "work").mkdir()
    with open_context(load_settings({**os.environ, **home}, folder / "work")) as context:
        context = same_ids(context)  # noqa: PLW2901
        tasks = recorded(context)
        asked = Improve.model_validate(
            {"system": f"desk:{AGENT}", "budget_trials": BUDGET, "bank": 4, "rounds": 30}
        )
        told = improve(context, asked)
        with context.view() as view:
            _, revision = context.harness.stable(view, told.head)
            harness = harness_files(context, view, revision)
    return told, harness, tasks


def same_ids(context: Context) -> Context:
    """Ids in order, so that every run of the benchmark asks the same."""
    ids = CountingIds()
    return replace(
        context,
        ids=ids,
        sessions=SessionLog(ids),
        artifacts=Artifacts(ids),
        harness=Harness(ids),
    )


def recorded(context: Context) -> list[Task]:
    """Runs of two sound and some faulty agents, taken in and made into cases."""
    agents = [Agent(name="ann"), Agent(name="ben")]
    agents += [Agent(name=fault, fault=fault) for fault in FAULTS]  # type: ignore[arg-type]
    tasks = [make_task(FAMILIES[name], world) for name in FAMILIES for world in range(MINED)]
    (context.cwd / "runs").mkdir()
    for agent in agents:
        records = [run_record(run_task(task, agent, 1), 0) for task in tasks]
        (context.cwd / "runs" / f"{agent.name}.jsonl").write_text(write_runs(records))
    import_(context, TraceImport(paths=["runs"]))
    made = cases(context, TraceCases(limit=1000))
    shown = {each.task_id for each in made.items if each.split == "shown"}
    return [task for task in tasks if task.task_id in shown]


def runs_of(harness: dict[str, File], task: Task, count: int) -> list[PracticeRun]:
    """Runs of the agent, by seeds that no trial had."""
    system = DeskSystem(AGENT, harness)
    seeds = [random.Random(f"{task.task_id} {n}").randrange(10**6, 10**9) for n in range(count)]
    return [run_task(task, system.agent(task, seed), seed) for seed in seeds]


def any_of(runs: Sequence[PracticeRun]) -> PracticeRun:
    return next((run for run in runs if run.outcome.verdict == "success"), runs[0])


def vote(runs: Sequence[PracticeRun]) -> PracticeRun:
    """A run that came to what most came to: end state and outputs."""
    came = [json.dumps([run.outcome.end_state, dict(run.outputs)], sort_keys=True) for run in runs]
    most = Counter(came).most_common(1)[0][0]
    return runs[came.index(most)]


def on_cases(told: CampaignShown, tasks: Sequence[Task], harness: dict[str, File]) -> None:
    """Where the shown cases' checks do tell: on their own tasks."""
    each = max(1, told.trials // len(tasks))
    retried = [any_of(runs_of({}, task, each)) for task in tasks]
    after = [run for task in tasks for run in runs_of(harness, task, RUNS)]
    note = f"simulated; {len(tasks)} tasks with a shown case, whose checks pick among {each} runs"
    compared("success on tasks of shown cases, best of n by their checks", retried, None, note)
    compared("success on tasks of shown cases, after the campaign", after, passed(retried), note)


def passed(runs: Sequence[PracticeRun]) -> float:
    return sum(run.outcome.verdict == "success" for run in runs) / len(runs)


def compared(figure: str, runs: Sequence[PracticeRun], baseline: float | None, note: str) -> None:
    low, high = wilson(sum(run.outcome.verdict == "success" for run in runs), len(runs))
    where = f"{note}; {len(runs)} runs, 95 % {low:.3f} to {high:.3f}"
    against = None if baseline is None else round(100 * baseline, 1)
    tell(figure, round(100 * passed(runs), 1), "%", baseline=against, note=where)


def said(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""Eval cases: do they fail on what is faulty and pass on what is right, elsewhere too; JSON lines.

On the practice desk (simulated agents): runs of sound and faulty agents are taken in as files, cases are
made of them, and each accepted case is tried 20 times over on new runs of each faulty agent that it was
made from and of the reference agent, with other seeds. On the recorded runs: what runs that passed are
judged to be, also those that the case was not learned from. Without the recorded runs only the
practice desk's are measured.

    python benchmarks/cases.py
"""

import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from _tell import teller
from modes import DATA, FILES

from lignin.app import load_settings, open_context
from lignin.domain.cases import Attempt, Case, parse_case
from lignin.domain.codec import parse_json
from lignin.domain.judging import judge_attempt
from lignin.domain.states import Row
from lignin.operations.casework import samples_of
from lignin.operations.context import Context
from lignin.operations.filing import file_new
from lignin.operations.intake import load_trajectory
from lignin.operations.trace import TraceImport, import_
from lignin.operations.trace_cases import CasesListed, TraceCases, cases
from lignin.ports.ledger import View, every_row
from lignin.practice.agents import REFERENCE_AGENT, Agent
from lignin.practice.families import FAMILIES
from lignin.practice.faults import FAULTS
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import Task, make_task
from lignin.traces.cases import attempt_of, draft_cases
from lignin.traces.importers.lignin_run import parse
from lignin.traces.runs import run_of

WORLDS, TRIALS, SOUND, SHARE = 5, 2, 4, 0.7
TRIES, FIRST_SEED = 20, 1000
CASES = TraceCases(limit=1000)


tell = teller("cases")


def practise(folder: Path, seed: int) -> tuple[int, set[str]]:
    """Write runs of every task by sound and faulty agents, a file each; returns how many, and kinds."""
    rng = random.Random(seed)
    agents = [Agent(name=kind, fault=kind) for kind, f in FAULTS.items() if f.leads_to == "failure"]
    sound = [Agent(name=f"sound-{number}") for number in range(SOUND)]
    records: defaultdict[str, list[dict[str, object]]] = defaultdict(list)
    kinds: set[str] = set()
    for family in FAMILIES.values():
        for world in range(WORLDS):
            task = make_task(family, world)
            for agent in [*sound, *(each for each in agents if rng.random() < SHARE)]:
                for trial in range(TRIALS):
                    run = run_task(task, agent, seed + trial)
                    records[agent.name].append(run_record(run, trial))
                    if run.planted and run.outcome.verdict == "failure":
                        kinds.add(run.planted.kind)
    folder.mkdir()
    for name, made in records.items():
        (folder / f"{name}.jsonl").write_text(write_runs(made))
    return sum(len(made) for made in records.values()), kinds


@contextmanager
def store() -> Iterator[tuple[Context, Path]]:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        environment = {"LIGNIN_HOME": str(home), "HOME": str(home), "LIGNIN_ACTOR": "user:bench"}
        with open_context(load_settings(environment, home.parent)) as context:
            yield context, Path(name)


def attempted(task: Task, agent: Agent, seed: int) -> Attempt:
    """What an agent does with a task, as whoever runs a case sees it."""
    run = run_task(task, agent, seed)
    trajectory = parse("x", write_runs([run_record(run, 0)]).encode()).sessions[0][0]
    return replace(attempt_of(run_of(trajectory)), end_state=run.outcome.end_state)


def load_case(view: View, row: Row) -> Case:
    return parse_case(parse_json(view.blob(row.body["digest"])))


def always(case: Case, task: Task, agent: Agent, wanted: str) -> bool:
    """True where each of so many new runs of an agent gets the wanted verdict."""
    seeds = range(FIRST_SEED, FIRST_SEED + TRIES)
    return all(judge_attempt(case, attempted(task, agent, s)).verdict == wanted for s in seeds)


def tell_planted(*, hidden: bool) -> None:
    """Cases of planted faults: do they tell new runs of the faulty agents from the reference agent's?"""
    how = "outcomes hidden" if hidden else "outcomes declared"
    with store() as (context, root):
        count, kinds = practise(root / "runs", seed=7)
        import_(context, TraceImport(paths=[str(root / "runs")], hide_outcome=hidden))
        file_new(context)
        start = time.perf_counter()
        listed = cases(context, CASES)
        took = time.perf_counter() - start
        right, told, pairs, fooled = 0, 0, 0, Counter[str]()
        with context.view() as view:
            rows = {each.case: view.rows([f"case/{each.case}"]) for each in listed.items}
            for number, each in enumerate(listed.items):
                print(f"trying case {number + 1} of {len(listed.items)}", file=sys.stderr)
                row = rows[each.case][f"case/{each.case}"]
                case = load_case(view, row)
                family, _, world = str(each.task_id).rpartition("-")
                task = make_task(FAMILIES[family], int(world))
                sources = view.rows([f"session/{run['session']}" for run in row.body["faulty"]])
                faulty = {str(s.body["source"]).partition(".")[0] for s in sources.values()}
                failing = {name for name in faulty if always(case, task, named(name), "fail")}
                pairs, told = pairs + len(faulty), told + len(failing)
                fooled.update(faulty - failing)
                is_right = always(case, task, REFERENCE_AGENT, "pass")
                right += is_right and failing == faulty
        note = (
            f"{count} runs of simulated agents, {len(kinds)} kinds of faults, {how}; {TRIES} new runs of "
            f"each faulty agent (simulated) and of the reference agent; {listed.states}"
        )
        share = right / len(listed.items)
        tell(f"accepted cases that fail on each faulty and pass on the reference agent, {how}",
             100 * share, "%", bar="100 %", met=share == 1, note=note)  # fmt: skip
        tell(f"the same, pairs of a case and a faulty agent, {how}", 100 * told / pairs, "%",
             note=f"{pairs} pairs; wrong: {dict(fooled)}")  # fmt: skip
        tell_duplicates(listed, how)
        untold = sum(listed.refused.values())
        tell(f"failed runs that made no case, {how}", untold, "runs", note=str(listed.refused))
        tell(
            f"making the cases, {how}",
            took,
            "s",
            note=f"{count} runs, filed before; each live case tried {2 * TRIES} times",
        )


def named(source: str) -> Agent:
    """The agent of a file; a sound one's run may have been taken for failed."""
    return Agent(name=source, fault=source if source in FAULTS else None)  # type: ignore[arg-type]


def tell_duplicates(listed: CasesListed, how: str) -> None:
    tasks = Counter(each.task_id for each in listed.items)
    again = sum(count - 1 for count in tasks.values())
    share = again / len(listed.items)
    tell(f"duplicate cases: one more of the same task, {how}", 100 * share, "%", bar="at most 5 %",
         met=share <= 0.05, note=f"{len(listed.items)} accepted, {listed.states.get('merged', 0)} stand behind one that is alike")  # fmt: skip


def tell_recorded(*, hidden: bool) -> None:
    """Cases of recorded runs: what runs that really passed are judged to be."""
    how = "outcomes hidden" if hidden else "outcomes declared"
    with store() as (context, _):
        paths = [str(DATA / name) for name in FILES]
        import_(context, TraceImport(paths=paths, hide_outcome=hidden))
        start = time.perf_counter()
        listed = cases(context, CASES)
        took = time.perf_counter() - start
        truth = _truth()
        tried, wrong = Counter[str](), Counter[str]()
        with context.view() as view:
            filings = {row.key: row for row in every_row(view, "filing")}
            forms = {row.key: row.body.get("parent") for row in every_row(view, "session")}
            for row in every_row(view, "case"):
                case = load_case(view, row)
                faulty = {run["session"] for run in row.body["faulty"]}
                group = filings[min(faulty)].body["facts"]["group"]
                form = forms[min(faulty)]
                for session, filing in filings.items():
                    if filing.body["facts"]["group"] != group or forms[session] != form:
                        continue
                    facts = filing.body["facts"]
                    outcome = truth[facts["source"], str(facts["task_id"]), str(facts["trial"])]
                    attempt = attempt_of(run_of(load_trajectory(context, view, session)))
                    verdict = judge_attempt(case, attempt).verdict
                    if outcome == "success":
                        tried["passed"] += 1
                        wrong["passed"] += verdict != "pass"
                    if session in faulty:
                        tried["failed"] += 1
                        wrong["failed"] += verdict != "fail" or outcome != "failure"
    note = f"{len(listed.items)} accepted of retail runs, {listed.states}; refused {listed.refused}; {took:.1f} s"
    for side, other in (("passed", "fail on"), ("failed", "were made from")):
        tell(f"runs that {'really passed and that' if side == 'passed' else 'did not fail and that'} cases {other}, {how}",
             wrong[side], "runs", bar="" if hidden else "none", met=None if hidden else wrong[side] == 0,
             note=f"of {tried[side]}; {note}")  # fmt: skip


def _truth() -> dict[tuple[str, str, str], str | None]:
    found = {}
    with store() as (context, _):
        import_(context, TraceImport(paths=[str(DATA / name) for name in FILES]))
        with context.view() as view:
            for row in every_row(view, "session"):
                key = (row.body["source"], str(row.body["task_id"]), str(row.body["trial"]))
                found[key] = row.body["declared_outcome"]
    return found


def tell_unseen() -> None:
    """Runs that passed and were left out when the checks were learned: how many fail them?"""
    with store() as (context, _):
        import_(context, TraceImport(paths=[str(DATA / name) for name in FILES]))
        file_new(context)
        groups: defaultdict[str, list[Row]] = defaultdict(list)
        unseen: Counter[int] = Counter()
        failed: Counter[int] = Counter()
        with context.view() as view:
            for row in every_row(view, "filing"):
                groups[row.body["facts"]["group"]].append(row)
            for rows in groups.values():
                samples = samples_of(context, view, rows)
                passed = [each for each in samples if each.verdict == "success"]
                for left_out in passed:
                    drafts, _ = draft_cases([each for each in samples if each is not left_out])
                    for draft in drafts:
                        if draft.references and draft.faulty:
                            count = min(len(draft.references), 3)
                            verdict = judge_attempt(draft.case, attempt_of(left_out.run)).verdict
                            unseen[count] += 1
                            failed[count] += verdict == "fail"
    for count in sorted(unseen):
        many = "three or more runs" if count == 3 else f"{count} run{'s' * (count > 1)}"
        tell(f"unseen passing runs that fail checks learned from {many}",
             100 * failed[count] / unseen[count], "%",
             note=f"{failed[count]} of {unseen[count]}; each passing run left out in turn, outcomes declared")  # fmt: skip


def main() -> None:
    tell_planted(hidden=False)
    tell_planted(hidden=True)
    if not DATA.is_dir():
        print(f"cases: {DATA} is absent: nothing more to measure on", file=sys.stderr)
        return
    tell_recorded(hidden=False)
    tell_recorded(hidden=True)
    tell_unseen()


if __name__ == "__main__":
    main()

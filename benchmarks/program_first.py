"""Program-first at the practice desk: unseen tasks with and without promoted routines, and hand-overs.

All agents are scripted and simulated. Routines are mined from passing runs of the reference agent with
habits, proven, promoted and planned by the operations that a person uses; which families are covered is
what `routine families` says before a task is served. Covered tasks are then served by `routine run` in the
sandbox; what it leaves goes to the same agent that does the task alone on the other side. The 1,000
hand-overs run in this process.

    python benchmarks/program_first.py
"""

import json
import math
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _tell import teller
from benchmarks._hand_overs import GOING_ON, MODES, HandOver, go_on, hand_over, programs

from lignin.app import load_settings, open_context
from lignin.artifacts.service import Artifacts
from lignin.domain.codec import Json
from lignin.domain.plans import Plan
from lignin.governance.continued import ContinuedTools
from lignin.harness.service import Harness
from lignin.operations.context import Context
from lignin.operations.planning import serving
from lignin.operations.routine import RoutineInduce, induce
from lignin.operations.routine_families import FamilyView, RoutineFamilies, families
from lignin.operations.routine_families import plan as plan_families
from lignin.operations.routine_prove import RoutinePromote, RoutineProve, promote, prove
from lignin.operations.routine_run import RoutineRun, run
from lignin.operations.taskwork import LedgerJournal
from lignin.operations.trace import TraceImport, import_
from lignin.ports.broker import Binding, BoundTools
from lignin.ports.tools import Observation, ToolSpec
from lignin.practice.agents import Agent, Habit
from lignin.practice.desk import PracticeDesk
from lignin.practice.families import FAMILIES
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import Task, make_task
from lignin.sessions.service import SessionLog
from lignin.testing.changes import CountingIds
from lignin.traces.audit import wilson
from lignin.traces.routines.plan_service import filed_plans
from lignin.traces.routines.requests import parse_request

MINED, UNSEEN, FIRST_UNSEEN = 60, 60, 5000
HAND_OVERS = 1000
HALF = 0.5
INSIDE = 0.85
HABITS: tuple[Habit, ...] = (
    "reads_policy_first",
    "looks_up_customer_twice",
    "checks_stock_first",
    "rereads_after_write",
    "searches_by_name",
    "thinks_aloud",
)
EXTRA = (
    "Not",
    "Never",
    "14",
    "Kingsbridge",
    "not",
    "never",
    "only",
    "twice",
    "tomorrow",
    "also",
    "O-29999",
    "and",
    "if",
    "please",
)


tell = teller("program_first")


def agent_of(task: str) -> Agent:
    """The reference agent with up to two habits, the same ones for a task each time."""
    rng = random.Random(f"habits-{task}")
    return Agent(name="reference", habits=frozenset(rng.sample(HABITS, rng.randrange(3))))


def learn(context: Context) -> list[FamilyView]:
    """Mine, prove, promote and plan; return what is said of the families."""
    records = []
    for world in range(MINED):
        for family in FAMILIES.values():
            task = make_task(family, world)
            records.append(run_record(run_task(task, agent_of(task.task_id), 1), 0))
    (context.cwd / "runs.jsonl").write_text(write_runs(records))
    import_(context, TraceImport(paths=["runs.jsonl"]))
    for routine in induce(context, RoutineInduce()).items:
        proved = prove(context, RoutineProve(routine=routine.routine))
        print(f"program_first: {routine.name}: {proved.verdict}", file=sys.stderr)
        if proved.verdict == "pass":
            promote(context, RoutinePromote(routine=routine.routine))
    plan_families(context, RoutineFamilies())
    return families(context, RoutineFamilies()).families


def with_counted_ids(context: Context) -> Context:
    """The same with ids that count, so that the same runs are held out each time."""
    ids = CountingIds()
    return replace(
        context,
        ids=ids,
        sessions=SessionLog(ids),
        artifacts=Artifacts(ids),
        harness=Harness(ids),
    )


class OneDesk:
    """Exits at which one desk answers, and stays there after a run: to look at, and to go on with."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.desk = PracticeDesk(0)

    def live(self, _open: Callable[[], Any]) -> Binding:
        binding: Binding = self._inner.live(lambda: self.desk)
        return binding

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Tools:
    """A desk's tools. See `lignin.ports.broker.BoundTools`."""

    def __init__(self, desk: PracticeDesk) -> None:
        self._desk = desk

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        return self._desk.tools

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        return self._desk.call(tool, arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """How a task went: who ended it, calls that an agent made, whether it is solved."""

    family: str
    ended: str
    steps: int
    solved: bool
    wall_s: float


def alone(task: Task) -> Served:
    """Let the agent do a task by itself."""
    done = run_task(task, agent_of(task.task_id), 1)
    return Served(
        family=task.family,
        ended="agent",
        steps=len(done.moves),
        solved=done.outcome.verdict == "success",
        wall_s=0.0,
    )


def served(context: Context, exits: OneDesk, task: Task) -> Served:
    """Serve a task program-first; an agent takes what is left."""
    exits.desk = PracticeDesk(task.seed)
    start = time.monotonic()
    got = run(context, RoutineRun(request=task.instruction, tools=f"desk:{task.seed}"))
    wall_s = time.monotonic() - start
    if got.ended == "agent":
        exits.desk.close()
        return alone(task)
    outputs: Mapping[str, Json] = {}
    steps = 0
    if got.ended == "done":
        outputs = said_in(got.answer or "")
    else:
        tools: BoundTools = ContinuedTools(Tools(exits.desk), LedgerJournal(context, got.task))
        _, _, outputs, steps = go_on(task, tools)
    is_right = exits.desk.state_digest() == task.end_state
    exits.desk.close()
    told = all(outputs.get(key) == value for key, value in task.outputs.items())
    return Served(
        family=task.family, ended=got.ended, steps=steps, solved=is_right and told, wall_s=wall_s
    )


def said_in(answer: str) -> Mapping[str, Json]:
    """What an answer says, as the desk judges it: the object in it."""
    found = re.search(r"\{.*\}", answer, re.DOTALL)
    value: Mapping[str, Json] = json.loads(found[0]) if found else {}
    return value


def newcombe(hits: int, count: int, other_hits: int, other_count: int) -> tuple[float, float]:
    """The 95 % interval of a difference of two shares. Source: Newcombe 1998, method 10."""
    one, other = hits / count, other_hits / other_count
    (low, high), (other_low, other_high) = wilson(hits, count), wilson(other_hits, other_count)
    down = math.hypot(one - low, other_high - other)
    up = math.hypot(high - one, other - other_low)
    return one - other - down, one - other + up


def with_and_without(context: Context, exits: OneDesk, views: Sequence[FamilyView]) -> None:
    """Print the figures of unseen tasks."""
    covered = {each.family for each in views if each.covered}
    inside = {each.family for each in views if each.inside >= INSIDE}
    tasks = [
        make_task(family, world)
        for world in range(FIRST_UNSEEN, FIRST_UNSEEN + UNSEEN)
        for family in FAMILIES.values()
    ]
    by_agent = [alone(task) for task in tasks]
    by_program = [served(context, exits, task) for task in tasks]
    note = (
        f"{len(tasks)} unseen tasks of {len(FAMILIES)} families, simulated agents; mined from "
        f"{MINED * len(FAMILIES)} runs, {len(views)} families, covered: {', '.join(sorted(covered))}"
    )
    for name, chosen in (("all tasks", set(FAMILIES)), ("covered tasks", covered)):
        compare(name, note, [e for e in by_agent if e.family in chosen],
                [e for e in by_program if e.family in chosen])  # fmt: skip
    of_covered = [each for each in by_program if each.family in covered]
    ended = sum(each.ended == "done" for each in of_covered)
    low, high = wilson(ended, len(of_covered))
    how = dict(Counter(f"{each.family}: {each.ended}" for each in of_covered))
    tell("covered tasks that end program-first", ended / len(of_covered), "share",
         bar=f"at least {HALF}", met=ended >= HALF * len(of_covered),
         note=f"{ended} of {len(of_covered)}, interval {low:.2f} to {high:.2f}; {how}")  # fmt: skip
    wide = [each for each in by_program if each.family in inside]
    ended = sum(each.ended == "done" for each in wide)
    tell("tasks of families whose calls lie inside routines that end program-first",
         ended / len(wide), "share",
         note=f"{len(inside)} families, parameters not looked at: most work a value out on the way")  # fmt: skip
    walls = sorted(each.wall_s for each in by_program if each.ended == "done")
    if walls:
        tell("time of a task served program-first, in the sandbox", walls[len(walls) // 2] * 1000, "ms",
             note=f"median of {len(walls)}")  # fmt: skip


def compare(name: str, note: str, agent: Sequence[Served], program: Sequence[Served]) -> None:
    """Print steps and success of two sides."""
    steps, other = (sum(e.steps for e in side) / len(side) for side in (program, agent))
    tell(f"{name}: calls an agent makes per task", steps, "calls", baseline=other,
         bar="fewer", met=steps < other, note=note)  # fmt: skip
    hits, others = (sum(each.solved for each in side) for side in (program, agent))
    low, high = newcombe(hits, len(program), others, len(agent))
    tell(f"{name}: success", hits / len(program), "share", baseline=others / len(agent),
         bar="no lower", met=hits / len(program) >= others / len(agent),
         note=f"{hits} and {others} of {len(agent)}; difference {low:+.3f} to {high:+.3f}")  # fmt: skip


def requests(plans: Mapping[str, Plan]) -> None:
    """Print how requests of unseen worlds are read, and requests that mean something else now."""
    rng = random.Random("requests")
    read = wrong = changed = misread = total = 0
    forms = [(plan.family, plan.forms) for plan in plans.values()]
    for world in range(FIRST_UNSEEN, FIRST_UNSEEN + 200):
        for family in FAMILIES.values():
            task = make_task(family, world)
            found = [(name, each) for name, form in forms
                     for each in parse_request(form, task.instruction)]  # fmt: skip
            total += 1
            read += bool(found)
            wrong += any(name != family.name or not is_told(values, task) for name, values in found)
            if not found:
                continue
            for _ in range(5):
                changed += 1
                words = task.instruction.split(" ")
                words.insert(rng.randrange(len(words) + 1), rng.choice(EXTRA))
                misread += any(parse_request(form, " ".join(words)) for _, form in forms)
    tell("requests read with a wrong value", wrong, "requests", bar="0", met=not wrong,
         note=f"{total} requests of unseen worlds, all families; {read} read")  # fmt: skip
    tell("requests read although a word was put in", misread, "requests", bar="0",
         met=not misread, note=f"{changed} changed requests")  # fmt: skip


def is_told(values: Mapping[str, Json], task: Task) -> bool:
    """True where every value that was read is a fact of the task, but for case and space."""
    facts = {str(value).replace(" ", "").lower() for value in task.facts.values()}
    return all(str(value).replace(" ", "").lower() in facts for value in values.values())


def hand_overs(context: Context, plans: Mapping[str, Plan]) -> None:
    """Print what becomes of tasks whose program was stopped at a random place."""
    with context.view() as view:
        routines = serving(context, view, "main")
    loaded = programs(routines)
    rng = random.Random("hand-overs")
    found: list[HandOver] = []
    world = FIRST_UNSEEN + 1000
    while len(found) < HAND_OVERS:
        world += 1
        for plan in plans.values():
            task = make_task(FAMILIES[plan.family], world)
            values = parse_request(plan.forms, task.instruction)
            for _ in range(3 if len(values) == 1 else 0):
                one = hand_over(plan, values[0], task, routines, loaded, rng)
                if one.handed_over and len(found) < HAND_OVERS:
                    found.append(one)
    repeated = sum(each.repeated for each in found)
    by = Counter(each.mode for each in found)
    went_on = Counter(mode for each in found for mode in each.went_on)
    persons = sum(each.for_a_person for each in found)
    tell("effects repeated over hand-overs", repeated, "effects", bar="0", met=not repeated,
         note=f"{len(found)} hand-overs, the agent starts from the beginning; "
         + ", ".join(f"{mode} {by[mode]}" for mode in MODES)
         + f"; {went_on.total()} continuations before the last one: "
         + ", ".join(f"{mode} {went_on[mode]}" for mode in GOING_ON)
         + f"; {sum(e.harmless for e in found)} calls made again whose contract says that is harmless")  # fmt: skip
    rest = [each for each in found if not each.for_a_person]
    right = sum(each.is_right for each in rest)
    tell("hand-overs that leave what the agent leaves without a program", right / len(rest), "share",
         bar="1", met=right == len(rest),
         note=f"{len(rest)}; {sum(e.finished for e in rest)} finished, the others were refused by the "
         f"changed world; in {persons} more the answer to a change was lost, and the agent stopped for a person")  # fmt: skip


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = {"LIGNIN_HOME": f"{folder}/home", "HOME": folder, "LIGNIN_ACTOR": "user:bench"}
        with open_context(load_settings({**os.environ, **home}, Path(folder))) as opened:
            counted = with_counted_ids(opened)
            views = learn(counted)
            exits = OneDesk(counted.open_exits())
            context = replace(counted, open_exits=lambda: exits)
            with context.view() as view:
                plans = filed_plans(view)
            tell("families that promoted routines cover", sum(e.covered for e in views), "families",
                 note=f"of {len(views)}; {sum(e.verdict == 'workflow' for e in views)} are workflows")  # fmt: skip
            with_and_without(context, exits, views)
            requests(plans)
            hand_overs(context, plans)


if __name__ == "__main__":
    main()

"""Removals proven live at the practice desk: what may go, what may not, and what that costs in trials.

All agents are scripted and simulated. One agent of the desk has ten parts of a harness. Without a part that
is needed a fault strikes in a share of its runs, of some families or of all; the others are of no use, and
each costs context. Its release is cut by `release cut`; each removal is decided by `gate prove --claim
no_worse_and_cheaper` with fresh trials, and the harmless ones are then taken one after the other from what
is left, always against the same release.

    python benchmarks/removals.py
"""

import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _gate_world import MIXES, World, bank_of, drive, make_suite
from _tell import teller

from lignin.app import load_settings, open_context
from lignin.evals.laws.better import Claim
from lignin.evals.laws.claims import Asked
from lignin.evals.laws.judges import judge
from lignin.evals.laws.no_worse import LEVEL, MARGIN
from lignin.evals.laws.recorded import GUARDED_FROM
from lignin.evals.laws.watch import Unit
from lignin.operations.context import Context
from lignin.operations.gate_prove import prove
from lignin.operations.questions import GateProve
from lignin.operations.release import ReleaseCut, cut
from lignin.operations.trace import TraceImport, import_
from lignin.operations.trace_cases import TraceCases, cases
from lignin.practice.agents import Agent
from lignin.practice.families import FAMILIES
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import make_task

tell = teller("removals")
WORLDS = 2
SIMULATED = 100
FAULTS = ("gave_up_early", "wrong_refund_method", "missing_action", "wrong_argument")
USELESS = tuple(f"useless{number}" for number in range(5))
NEEDED = {"all": 0.12, "slight": 0.07, "some": 0.6, "one": 1.0}
"""Without the part, the fault strikes in this share of the runs of some families."""
FAMILIES_OF = {
    "all": tuple(FAMILIES),
    "slight": tuple(FAMILIES),
    "some": ("fewer", "split-order", "late-report"),
    "one": ("exchange", "cancel"),
}
AGENT = '''
import json
import random
from lignin.practice.system import DeskSystem, _task_of

NEEDED = {needed!r}
PARTS = {parts!r}
FAMILIES_OF = {families!r}

def play(task, seed, without):
    """One run, in which what is missing strikes by chance."""
    family = _task_of(task).family
    spec = "x"
    for part in without:
        chance = random.Random(f"{{part}} {{task['input'][0]}} {{seed}}").random()
        if family in FAMILIES_OF.get(part, ()) and chance < NEEDED[part]:
            spec = "x+gave_up_early"
    run = json.loads(DeskSystem(spec).run(task, seed, None).said)
    tokens = 1000 + 120 * (len(PARTS) - len(without))
    for message in run["messages"]:
        if message["role"] == "assistant":
            message["usage"] = {{"input_tokens": tokens, "output_tokens": 20}}
    return run

{functions}
'''


def name_of(without: tuple[str, ...]) -> str:
    return "without_" + "_".join(without) if without else "whole"


def written(folder: Path, lots: list[tuple[str, ...]]) -> None:
    functions = "\n".join(
        f"def {name_of(lot)}(task, seed, tools):\n    return play(task, seed, {lot!r})\n"
        for lot in lots
    )
    parts = (*NEEDED, *USELESS)
    text = AGENT.format(needed=NEEDED, parts=parts, families=FAMILIES_OF, functions=functions)
    (folder / "removals_agent.py").write_text(text)


def with_cases(context: Context) -> int:
    """Cases of the desk's families."""
    (context.cwd / "runs").mkdir()
    agents = [Agent(name="sound-1"), Agent(name="sound-2")]
    agents += [Agent(name=fault, fault=fault) for fault in FAULTS]  # type: ignore[arg-type]
    for agent in agents:
        records = [
            run_record(run_task(make_task(family, world), agent, 1), 0)
            for family in FAMILIES.values()
            for world in range(WORLDS)
        ]
        (context.cwd / f"runs/{agent.name}.jsonl").write_text(write_runs(records))
    import_(context, TraceImport(paths=["runs"]))
    return len(cases(context, TraceCases()).items)


def removed(context: Context, now: tuple[str, ...], part: str) -> tuple[str, int]:
    told = prove(
        context,
        GateProve(
            incumbent=f"python:removals_agent:{name_of(now)}",
            candidate=f"python:removals_agent:{name_of((*now, part))}",
            claim="no_worse_and_cheaper",
            unsandboxed=True,
        ),
    )
    return told.verdict, told.trials


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        home = {"LIGNIN_HOME": f"{made}/home", "LIGNIN_ACTOR": "user:bench"}
        with open_context(load_settings({**os.environ, **home}, Path(made))) as context:
            alone = [(part,) for part in (*NEEDED, *USELESS)]
            chained = [USELESS[:count] for count in range(2, len(USELESS) + 1)]
            losing = [(*lot, part) for lot in ((USELESS[0],), *chained) for part in NEEDED]
            written(context.cwd, [(), *alone, *chained, *losing])
            count = with_cases(context)
            system = "python:removals_agent:whole"
            release = cut(context, ReleaseCut(system=system, unsandboxed=True, trials=40))
            against = f"{count} live cases, {release.trials} trials of the release, simulated"
            tell_all(context, against, release.margin_left or 0.0)


def tell_all(context: Context, against: str, left_of_margin: float) -> None:
    """Decide every removal, and tell the figures."""
    tell("margin left", 100 * left_of_margin, "points", note=f"of 5; {against}")
    kept, left = [removed(context, (), part) for part in USELESS], ()
    share = sum(verdict == "accept" for verdict, _ in kept) / len(kept)
    told = f"{len(kept)} removals; {against}"
    bar = "at least 80 %"
    tell("harmless removals accepted", 100 * share, "%", bar=bar, met=share >= 0.8, note=told)
    tell("trials of a harmless removal", sum(n for _, n in kept) / len(kept), "trials", note=told)
    for part in USELESS:
        if removed(context, left, part)[0] == "accept":
            left = (*left, part)
    tell("harmless removals in a row", len(left), "removals", note="all against one release")
    lost = {part: removed(context, (), part) for part in NEEDED}
    lost |= {f"{part} after {len(left)} others": removed(context, left, part) for part in NEEDED}
    share = sum(verdict == "accept" for verdict, _ in lost.values()) / len(lost)
    told = f"{len(lost)} removals that lose 7 to 20 points: {', '.join(lost)}"
    bar = "at most 0.5 %"
    tell("losing removals accepted", 100 * share, "%", bar=bar, met=share <= 0.005, note=told)
    tell("trials of a losing removal", sum(n for _, n in lost.values()) / len(lost), "trials")


def tell_simulated() -> None:
    """The rule on suites of 200 whose pass rates are known to us alone."""
    for figure, loss, bar in (
        ("harmless removals accepted, simulated", 0.0, "at least 80 %"),
        ("removals accepted that lose the margin, simulated", MARGIN, "at most 0.5 %"),
    ):
        accepted = paid = 0
        for number in range(SIMULATED):
            outcome, trials = simulated(loss, number)
            accepted += outcome == "accept"
            paid += trials
        share = accepted / SIMULATED
        met = share <= 0.005 if loss else share >= 0.8
        note = f"{SIMULATED} removals, 20 banked trials a case, {paid / SIMULATED / 200:.1f} trials a case each"
        tell(figure, 100 * share, "%", bar=bar, met=met, note=note)


def simulated(loss: float, number: int) -> tuple[str, int]:
    """What one removal comes to that loses so much of the mean score, and its trials."""
    rng = random.Random(f"{MIXES['seed']} guarded removal {loss} {number}")
    world = World(make_suite("solved", rng), rng)
    names = [str(case) for case in range(len(world.rates))]
    release, before = bank_of(world.rates, 20, world), world.trials
    claim = Claim(
        target=(),
        others=(),
        units=tuple(Unit(name=c, cases=(c,)) for c in names if release.rate(c) >= GUARDED_FROM),
        bank=release,
        level=LEVEL,
        seed=str(number),
        asked=Asked(claim="no_worse_and_cheaper", level=LEVEL),
        release=release,
        compared=tuple(names),
    )
    judged, _ = drive(judge(claim), world, worse(world.rates, loss, rng))
    return judged.outcome, world.trials - before


def worse(rates: Sequence[float], loss: float, rng: random.Random) -> list[float]:
    """Rates whose mean is lower by a loss, taken from cases that pass."""
    new, left = list(rates), loss * len(rates)
    for case in rng.sample(range(len(new)), len(new)):
        taken = min(left, max(0.0, new[case] - 0.05)) if new[case] > 0.5 else 0.0
        new[case] -= taken
        left -= taken
    return new


if __name__ == "__main__":
    tell_simulated()
    main()

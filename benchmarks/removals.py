"""Removals proven live at the practice desk: what may go, what may not, and what that costs in trials.

All agents are scripted and simulated. One agent of the desk has ten parts of a harness. Without a part that
is needed a fault strikes in a share of its runs, of some families or of all; the others are of no use, and
each costs context. Its release is cut by `release cut`; each removal is decided by `gate prove --claim
no_worse_and_cheaper` with fresh trials, and the harmless ones are then taken one after the other from what
is left, always against the same release.

    python benchmarks/removals.py [REMOVALS]
"""

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _tell import teller

from lignin.app import load_settings, open_context
from lignin.operations.context import Context
from lignin.operations.gate_prove import GateProve, prove
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
FAULTS = ("gave_up_early", "wrong_refund_method", "missing_action", "wrong_argument")
USELESS = tuple(f"useless{number}" for number in range(6))
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


def main(removals: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        home = {"LIGNIN_HOME": f"{made}/home", "LIGNIN_ACTOR": "user:bench"}
        with open_context(load_settings({**os.environ, **home}, Path(made))) as context:
            alone = [(part,) for part in (*NEEDED, *USELESS)]
            chained = [USELESS[:count] for count in range(2, len(USELESS) + 1)]
            losing = [(*lot, part) for lot in ((USELESS[0],), *chained) for part in NEEDED]
            written(context.cwd, [(), *alone, *chained, *losing])
            count = with_cases(context)
            began = time.monotonic()
            system = "python:removals_agent:whole"
            release = cut(context, ReleaseCut(system=system, unsandboxed=True, trials=40))
            tell("cases", count, "cases", note="live cases of 14 families, simulated")
            tell("trials of the release", release.trials or 0, "trials")
            tell("margin left", release.margin_left or 0, "share", note="of .05")
            kept, left = [removed(context, (), part) for part in USELESS[:removals]], ()
            tell(
                "harmless removals accepted",
                sum(verdict == "accept" for verdict, _ in kept) / len(kept),
                "share",
                bar=">= .80",
                met=sum(verdict == "accept" for verdict, _ in kept) >= 0.8 * len(kept),
                note=f"{len(kept)} removals, live",
            )
            tell("trials of a harmless removal", sum(n for _, n in kept) / len(kept), "trials")
            for part in USELESS[:removals]:
                if removed(context, left, part)[0] == "accept":
                    left = (*left, part)
            tell("removals in a row", len(left), "removals", note="against the same release")
            lost = {part: removed(context, (), part) for part in NEEDED}
            lost |= {f"{part}, after": removed(context, left, part) for part in NEEDED}
            accepted = [part for part, (verdict, _) in lost.items() if verdict == "accept"]
            tell(
                "removals that lose, accepted",
                len(accepted) / len(lost),
                "share",
                bar="<= .005",
                met=not accepted,
                note=", ".join(f"{part} {verdict}" for part, (verdict, _) in lost.items()),
            )
            tell("trials of one that loses", sum(n for _, n in lost.values()) / len(lost), "trials")
            tell("seconds", time.monotonic() - began, "s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else len(USELESS))

"""Induction of routines: planted ones against Stitch and PrefixSpan, recorded ones on another model's runs.

The planted corpus says nothing of what is constant. Stitch and PrefixSpan run in their own venvs
(`benchmarks/peers`, made by `make bench`); times are processor time, Stitch's with one thread. On the
recorded runs routines are induced from the passing runs of one agent and applied to those of another
model; the baseline are the n-grams of tool names. Without the recorded runs only the planted figures are
printed.

    python benchmarks/routines.py
"""

import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from _planted_routines import RUNS, Planted, make_runs, plant
from _tell import teller

from lignin.app import load_settings, open_context
from lignin.domain.routines import Constant, Each, Reference, Routine
from lignin.domain.traces import Trajectory
from lignin.operations.routine import RoutineInduce
from lignin.operations.routine import induce as induce_stored
from lignin.operations.trace import TraceImport, import_
from lignin.practice.agents import REFERENCE_AGENT
from lignin.practice.families import FAMILIES
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import make_task
from lignin.traces.importer import import_trace, load_importers
from lignin.traces.importers.lignin_run import parse as parse_runs
from lignin.traces.routines.cover import Cover, cover
from lignin.traces.routines.encode import encode
from lignin.traces.routines.induce import Induced, Inducer

PEERS = Path(__file__).resolve().parent / "peers"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "tau_retail"
NOISE = (0.04, 0.15, 0.30)
TOP = 12
ARITY, ITERATIONS = 4, 12
LEAST, SHORTEST, LONGEST = 80, 3, 6
SPEED, MOST_ENTRIES = 20.0, 13
COVERAGE, COMPRESSION, MOST_ROUTINES = 0.75, 2.4, 25
SECOND = 1.3
REPEATS = 5
SEEN, UNSEEN = range(12), range(100, 108)


tell = teller("routines")


def induce(batches: Iterable[Iterable[Trajectory]], limit: int = 40) -> tuple[Induced, list[float]]:
    """Return what is induced after the last batch, and how many seconds each batch took."""
    inducer, seconds, got = Inducer(), [], Induced(routines=(), refused=())
    for batch in batches:
        start = time.process_time()
        inducer.add(encode(each, each.outcome == "success") for each in batch)
        got = inducer.induce(limit)
        seconds.append(time.process_time() - start)
    return got, seconds


def form_of(routine: Routine) -> Planted:
    """Return a routine in the form in which it is planted."""
    numbers: dict[str, int] = {}
    steps = []
    for step in routine.steps:
        slots: list[tuple[str, int | str]] = []
        for slot in step.arguments.values():
            if isinstance(slot, Constant):
                slots.append(("constant", slot.value))
            elif isinstance(slot, Reference):
                slots.append(("reference", slot.step))
            elif isinstance(slot, Each):
                slots.append(("reference", slot.place.step))
            else:
                slots.append(("parameter", numbers.setdefault(slot.parameter, len(numbers))))
        plain = not (step.is_repeated or step.is_optional)
        steps.append((step.tool if plain else f"{step.tool}*", tuple(slots)))
    return tuple(steps)


def tools_of(planted: Planted) -> tuple[str, ...]:
    """Return the tools of a planted routine in order."""
    return tuple(tool for tool, _ in planted)


def peer(name: str, arguments: Sequence[object], given: object) -> Any:
    """Return what a peer prints; None where it is not set up."""
    python = PEERS / name / ".venv" / "bin" / "python"
    if not python.exists():
        print(f"routines: no {name}: `make peers`", file=sys.stderr)
        return None
    command = [str(python), str(PEERS / name / "run.py"), *map(str, arguments)]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def program_of(run: Trajectory) -> str:
    """Return a run as Stitch does best on it: the rest of the run as last argument, and what came
    back so many calls before as `r1`, `r2`, ..."""
    calls = [step.calls[0] for step in run.steps]
    made: dict[str, int] = {}
    heads = []
    for number, call in enumerate(calls):
        words = [f"r{number - made[v]}" if v in made else v for v in call.arguments.values()]
        heads.append(" ".join([call.name, *words]))
        made[json.loads(call.observation or "")["result"]["id"]] = number
    program = "end"
    for head in reversed(heads):
        program = f"({head} {program})"
    return program


def stitched(found: Sequence[tuple[str, str]]) -> set[tuple[str, ...]]:
    """Return the tool sequences of Stitch's abstractions, those within others written out."""
    bodies = dict(found)
    for name, body in found:
        for other, text in bodies.items():
            bodies[other] = text.replace(f"({name} ", f"({body} ") if other != name else text
    return {
        tuple(word for word in text.replace("(", " ").replace(")", " ").split() if "tool_" in word)
        for text in bodies.values()
    }


def planted() -> None:
    """Print the figures on planted routines."""
    routines, tools = plant(seed=1)
    forms, sequences = set(routines), {tools_of(each) for each in routines}
    for noise in NOISE:
        runs = make_runs(routines, tools, noise, seed=11)
        steps = sum(len(run.steps) for run in runs)
        got, (seconds, *_) = induce([runs])
        found = [form_of(each) for each in got.routines]
        hits = len(sequences & {tools_of(each) for each in found})
        exact = len(forms & set(found))
        name = f"planted, {noise:.0%} noise"
        note = f"{len(routines)} routines, {len(runs)} runs, {steps} calls"
        total = len(routines)
        tell(f"{name}: tool sequences", hits, "routines", bar="12", met=hits == total, note=note)
        tell(f"{name}: exact", exact, "routines", bar="at least 11", met=exact >= 11, note=note)
        tell(
            f"{name}: entries",
            len(found),
            "routines",
            bar=f"at most {MOST_ENTRIES}",
            met=len(found) <= MOST_ENTRIES,
            note=note,
        )
        against_stitch(name, runs, steps / seconds, sequences, note)
        against_prefixspan(
            name, runs, len(sequences & {tools_of(e) for e in found[:TOP]}), sequences
        )


def against_stitch(
    name: str,
    runs: Sequence[Trajectory],
    speed: float,
    sequences: set[tuple[str, ...]],
    note: str,
) -> None:
    """Print speed against Stitch, and how many it found."""
    answer = peer("stitch", (ARITY, ITERATIONS), [program_of(run) for run in runs])
    if answer is None:
        tell(f"{name}: speed", speed, "calls/s", note=note)
        return
    seconds, abstractions = answer
    its = sum(len(run.steps) for run in runs) / seconds
    tell(
        f"{name}: speed against Stitch",
        speed,
        "calls/s",
        baseline=its,
        bar=f"at least {SPEED:.0f}x",
        met=speed >= SPEED * its,
        note=f"{note}; Stitch, arity {ARITY}, {ITERATIONS} iterations, one thread, finds "
        f"{len(sequences & stitched(abstractions))} of the tool sequences",
    )


def against_prefixspan(
    name: str, runs: Sequence[Trajectory], ours: int, sequences: set[tuple[str, ...]]
) -> None:
    """Print recall of the best 12 against PrefixSpan's, ranked as suits it better."""
    lines = [[step.calls[0].name for step in run.steps] for run in runs]
    answer = peer("prefixspan", (LEAST, SHORTEST, LONGEST, TOP), lines)
    if answer is None:
        return
    seconds, count, best = answer
    its = max(len(sequences & {tuple(pattern) for pattern in each}) for each in best)
    tell(
        f"{name}: recall of the first {TOP} against PrefixSpan",
        ours / len(sequences),
        "share",
        baseline=its / len(sequences),
        bar="better",
        met=ours > its,
        note=f"PrefixSpan: {count} patterns of {SHORTEST} to {LONGEST} tools in at least {LEAST} "
        f"runs, {seconds:.1f} s; ranked by support, or by support times length",
    )


def load(name: str) -> tuple[Trajectory, ...]:
    """Return the recorded runs of one file."""
    data = gzip.decompress((DATA / f"{name}.jsonl.gz").read_bytes())
    trace = import_trace(load_importers(), f"{name}.jsonl", data)
    return tuple(trajectory for trajectory, _ in trace.sessions)


def passing(name: str) -> tuple[Trajectory, ...]:
    """Return those that passed."""
    return tuple(run for run in load(name) if run.outcome == "success")


def grams(runs: Sequence[Trajectory], others: Sequence[Trajectory], top: int) -> Cover:
    """Return how the n-grams of tool names of runs cover others, longest first."""
    counts: Counter[tuple[str, ...]] = Counter()
    for line in map(names_of, runs):
        counts.update(
            tuple(line[at : at + n]) for n in range(2, 6) for at in range(len(line) - n + 1)
        )
    ranked = sorted(counts, key=lambda gram: (-counts[gram] * (len(gram) - 1), gram))[:top]
    steps = covered = used = 0
    for line in map(names_of, others):
        steps += len(line)
        at = 0
        while at < len(line):
            fits = [len(g) for g in ranked if tuple(line[at : at + len(g)]) == g]
            covered += max(fits, default=0)
            used += bool(fits)
            at += max(fits, default=1)
    return Cover(steps=steps, covered=covered, units=steps - covered + used, replayed=used)


def names_of(run: Trajectory) -> list[str]:
    """Return the tools of a run in order."""
    return [call.name for step in run.steps for call in step.calls if call.requestor == "assistant"]


def recorded() -> None:
    """Print the figures on recorded runs."""
    base, others = load("base"), passing("gpt41mini")
    few, many = induce([base], TOP)[0], induce([base], MOST_ROUTINES)[0]
    seen, most = cover(few.routines, others), cover(many.routines, others)
    plain, all_plain = (grams(passing("base"), others, n) for n in (TOP, MOST_ROUTINES))
    note = (
        f"induced from {len(passing('base'))} passing runs of one model, applied to {len(others)} "
        f"passing runs of another with {seen.steps} calls as recorded"
    )
    tell(
        f"recorded: step coverage with {TOP} routines",
        seen.coverage or 0,
        "share",
        baseline=plain.coverage,
        bar=f"at least {COVERAGE}",
        met=(seen.coverage or 0) >= COVERAGE,
        note=f"{note}; baseline: {TOP} n-grams of tool names, arguments not looked at",
    )
    tell(
        f"recorded: compression with at most {MOST_ROUTINES} routines",
        most.compression or 0,
        "calls/unit",
        baseline=all_plain.compression,
        bar=f"at least {COMPRESSION}",
        met=(most.compression or 0) >= COMPRESSION,
        note=f"{len(many.routines)} routines, coverage {most.coverage:.3f}; {most.at_once} of "
        f"{most.replayed} uses know every parameter before their first step; baseline: "
        f"{MOST_ROUTINES} n-grams",
    )
    every = cover(many.routines, load("gpt41mini"))
    tell("recorded: step coverage of all runs, also those that failed", every.coverage or 0, "share",
         note=f"{every.steps} calls, compression {every.compression:.2f}")  # fmt: skip
    wrong = most.replayed - most.equivalent
    tell("recorded: uses that do not replay", wrong, "uses", bar="0", met=not wrong,
         note=f"{most.replayed} uses on held-out runs")  # fmt: skip
    unproven = [each for each in many.routines if len(each.support.sessions) < 3]
    tell("recorded: routines without three passing runs", len(unproven), "routines", bar="0",
         met=not unproven, note=f"{len(many.refused)} candidates refused")  # fmt: skip
    second("recorded", "base, then precond", (load("base"), load("precond")))
    stored_second()


def desk_runs(worlds: Iterable[int]) -> list[Trajectory]:
    """Return runs of every family of the practice desk, in some worlds."""
    records = [
        run_record(run_task(make_task(family, world), REFERENCE_AGENT, 1), 0)
        for family in FAMILIES.values()
        for world in worlds
    ]
    return [run for run, _ in parse_runs("runs", write_runs(records).encode()).sessions]


def practised() -> None:
    """Print how many uses at the practice desk know every parameter before they start."""
    others = desk_runs(UNSEEN)
    got = induce([desk_runs(SEEN)])[0]
    seen = cover(got.routines, others)
    chosen = sum(
        isinstance(slot, Each) or (isinstance(slot, Reference) and slot.pick is not None)
        for routine in got.routines
        for step in routine.steps
        for slot in step.arguments.values()
    )
    note = (
        f"{len(got.routines)} routines of {len(FAMILIES)} families, {len(SEEN)} worlds (simulated); "
        f"{len(others)} runs in other worlds, coverage {seen.coverage:.3f}; {chosen} arguments are "
        "chosen by a condition"
    )
    tell(
        "practice desk: uses that know every parameter before their first step",
        seen.at_once / seen.replayed,
        "share",
        note=note,
    )
    wrong = seen.replayed - seen.equivalent
    tell("practice desk: uses that do not replay", wrong, "uses", bar="0", met=not wrong,
         note=f"{seen.replayed} uses in other worlds")  # fmt: skip


def second(name: str, what: str, batches: Sequence[Sequence[Trajectory]]) -> None:
    """Print how much longer induction alone takes for the second of two batches."""
    times = [induce(batches)[1] for _ in range(REPEATS)]
    ratio = median(later / first for first, later in times)
    note = (
        f"{what}; first {median(first for first, _ in times):.2f} s; without taking in and judging"
    )
    tell(f"{name}: induction of a second batch", ratio, "times the first", note=note)


def stored_second() -> None:
    """Print how much longer a second file takes, from the file to the routines in the store."""
    times = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "home"
            environment = {"LIGNIN_HOME": str(home), "HOME": str(home)}
            with open_context(load_settings(environment, home.parent)) as context:
                took = []
                for name in ("base", "precond"):
                    start = time.process_time()
                    import_(context, TraceImport(paths=[str(DATA / f"{name}.jsonl.gz")]))
                    induce_stored(context, RoutineInduce())
                    took.append(time.process_time() - start)
                times.append(took)
    ratio = median(later / first for first, later in times)
    tell(
        "recorded: time of a second file, from the file to the routines",
        ratio,
        "times the first",
        bar=f"at most {SECOND}",
        met=ratio <= SECOND,
        note=f"base, then precond: taken in, judged, induced; first "
        f"{median(first for first, _ in times):.2f} s, median of {REPEATS}",
    )


def main() -> None:
    """Print all figures."""
    planted()
    routines, tools = plant(seed=1)
    halves = [make_runs(routines, tools, 0.15, seed) for seed in (11, 12)]
    practised()
    second("planted", f"{RUNS} runs, then {RUNS} more, 15% noise", halves)
    if DATA.is_dir():
        recorded()
    else:
        print("routines: no recorded runs", file=sys.stderr)


if __name__ == "__main__":
    main()

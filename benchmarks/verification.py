"""How many faulty artifacts verification refuses and how many good ones it admits, and in what time.

Owns the measurement; the specimens and their labels are in `tests/corpora/artifacts`, and were
written by somebody who had not seen the checks. The part `open` is for development. The part `held`
is looked at once per release, and nothing may be tuned on what it shows.

Every verdict that is not right is told on standard error with its reasons (of the held part only
its class, so that nobody tunes by accident).
"""

import argparse
import json
import math
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from corpora.artifacts import FAULT_CLASSES, Family, Part, Specimen, load
from lignin.adapters.sandbox.doctor import open_sandbox
from lignin.artifacts.check import Check
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.verify import Verifier

REFUSED_BAR = 95.0
ADMITTED_BAR = 98.0
MEDIAN_BAR_S = 1.0
WORKERS = 2
_SHOWN_REASONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the verification of one specimen came to."""

    name: str
    fault_class: str
    difficulty: str
    verdict: str
    reasons: tuple[str, ...]
    seconds: float
    runs: int
    tier: str

    @property
    def is_right(self) -> bool:
        """True where a good one passed or a faulty one did not."""
        return (self.verdict == "pass") == (self.fault_class == "good")


_verifier: list[Verifier] = []


def _start_worker() -> None:
    checks: dict[str, Check] = load_plugins("lignin.artifacts.checks", "CHECK")
    # Static readers only advise; both sides of the measure are about what decides.
    _verifier.append(Verifier(open_sandbox(), checks.values(), load_kinds(), scanners=()))


def _verify(specimen: Specimen) -> Outcome:
    started = time.perf_counter()
    found = _verifier[0].verify(specimen.tree, specimen.examples)
    return Outcome(
        name=specimen.name,
        fault_class=specimen.fault_class or "good",
        difficulty=specimen.difficulty,
        verdict=found.verdict,
        reasons=found.reasons,
        seconds=time.perf_counter() - started,
        runs=found.runs,
        tier=found.tier,
    )


def measure(specimens: Sequence[Specimen], workers: int) -> list[Outcome]:
    """Verify every specimen, several side by side, showing how far it is."""
    made = []
    open_sandbox().close()  # where there is none, say so here: a pool would start workers for ever
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker) as pool:
        for number, outcome in enumerate(pool.imap_unordered(_verify, specimens), 1):
            made.append(outcome)
            if number % 10 == 0 or number == len(specimens):
                wrong = sum(not each.is_right for each in made)
                line = f"\rverified {number} of {len(specimens)}, {wrong} judged wrongly "
                print(line, end="", file=sys.stderr, flush=True)
        pool.close()
        pool.join()
    print(file=sys.stderr)
    return sorted(made, key=lambda outcome: outcome.name)


def wilson_interval(hits: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of a share, in per cent. Source: Wilson 1927."""
    if not total:
        return 0.0, 100.0
    z, share = 1.959964, hits / total
    middle = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 100 / (1 + z * z / total)
    return max(0.0, (middle - spread) * scale), min(100.0, (middle + spread) * scale)


def figure(name: str, value: float, unit: str, bar: str, met: bool | None, note: str) -> str:
    """One line in the format of the benchmarks."""
    line: dict[str, Any] = {
        "subject": "verification",
        "figure": name,
        "value": round(value, 3),
        "unit": unit,
        "baseline": None,
        "ratio": None,
        "bar": bar,
        "met": met,
        "note": note,
    }
    return json.dumps(line)


def figures(part: Part, outcomes: Sequence[Outcome]) -> Iterable[str]:
    """Every figure of one part: shares by class and in all, then time and runs."""
    faulty = [outcome for outcome in outcomes if outcome.fault_class != "good"]
    good = [outcome for outcome in outcomes if outcome.fault_class == "good"]
    for name in FAULT_CLASSES:
        of_class = [outcome for outcome in faulty if outcome.fault_class == name]
        if of_class:
            share, note = _refused(of_class)
            yield figure(f"{part}: refused, {name}", share, "%", "", None, note)
    if faulty:
        share, note = _refused(faulty)
        bar = f"at least {REFUSED_BAR:.0f} %"
        met = share >= REFUSED_BAR
        yield figure(f"{part}: faulty ones refused", share, "%", bar, met, note)
    if good:
        passed = sum(outcome.verdict == "pass" for outcome in good)
        share = 100 * passed / len(good)
        bar, note = f"at least {ADMITTED_BAR:.0f} %", _of(passed, len(good))
        met = share >= ADMITTED_BAR
        yield figure(f"{part}: good ones admitted", share, "%", bar, met, note)
    for name, members in (("good", good), ("faulty", faulty)):
        if members:
            yield from _costs(part, name, members)


def _refused(outcomes: Sequence[Outcome]) -> tuple[float, str]:
    failed = sum(outcome.verdict == "fail" for outcome in outcomes)
    unsure = sum(outcome.verdict == "inconclusive" for outcome in outcomes)
    note = f"{failed} fail, {unsure} inconclusive; {_of(failed + unsure, len(outcomes))}"
    return 100 * (failed + unsure) / len(outcomes), note


def _of(hits: int, total: int) -> str:
    low, high = wilson_interval(hits, total)
    return f"{hits} of {total}, 95 % interval {low:.1f} to {high:.1f}"


def _costs(part: Part, name: str, outcomes: Sequence[Outcome]) -> Iterable[str]:
    seconds = [outcome.seconds for outcome in outcomes]
    runs = [outcome.runs for outcome in outcomes]
    median = statistics.median(seconds)
    bar = f"under {MEDIAN_BAR_S:.0f} s" if name == "good" else ""
    met = median < MEDIAN_BAR_S if name == "good" else None
    load_now = os.getloadavg()[0]
    note = f"median of {len(outcomes)}, longest {max(seconds):.1f} s, {load_now:.1f} others running"
    yield figure(f"{part}: time of one, {name}", median, "s", bar, met, note)
    note = f"tier {outcomes[0].tier}"
    yield figure(f"{part}: time of all, {name}", sum(seconds), "s", "", None, note)
    yield figure(
        f"{part}: runs of one, {name}", statistics.median(runs), "runs", "", None, "median"
    )


def tell_misses(part: Part, outcomes: Iterable[Outcome]) -> None:
    """List what was judged wrongly; of the held part only how many of which class."""
    for outcome in outcomes:
        if outcome.is_right:
            continue
        said = f"{outcome.fault_class} ({outcome.difficulty}): {outcome.verdict}"
        if part == "open":
            said = f"{outcome.name}: {said}"
            for reason in outcome.reasons[:_SHOWN_REASONS]:
                said += f"\n    {reason}"
        print(f"wrong: {said}", file=sys.stderr)


def main() -> None:
    """Measure one part and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=get_args(Part), default="open")
    parser.add_argument("--family", choices=get_args(Family), help="only the good or the faulty")
    parser.add_argument("--name", default="", help="only specimens whose name starts so")
    parser.add_argument("--workers", type=int, default=WORKERS)
    options = parser.parse_args()
    families = [options.family] if options.family else list(get_args(Family))
    specimens = [
        specimen
        for family in families
        for specimen in load(options.part, family)
        if specimen.name.startswith(options.name)
    ]
    outcomes = measure(specimens, options.workers)
    tell_misses(options.part, outcomes)
    for line in figures(options.part, outcomes):
        print(line)


if __name__ == "__main__":
    main()

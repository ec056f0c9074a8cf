"""How many hostile artifacts verification refuses, class by class, and how many clean ones.

Owns the measurement; the specimens are in `tests/corpora/hostile`, written by somebody who had not seen
the checks. The part `open` is for development; the part `held` is looked at once per release, and of it
only counts are told. Classes are never pooled: a share over all would hang on how many there are of each.

`let pass` is what would be served. Of those everything is looked through that they said, left or asked
for among planted secrets: any byte of one found there is a byte that left.
"""

import argparse
import json
import multiprocessing
import os
import re
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from benchmarks.verification import wilson_interval

from lignin.adapters.sandbox.doctor import open_sandbox
from lignin.artifacts.canaries import Canary, find_leaks
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.verify import Verifier
from lignin.domain.codec import Digest
from lignin.ports.sandbox import Capability, Execution, Observed, RequestHandler, Sandbox

CLEAN_BAR = 2.0
HOSTILITY = frozenset({"detonation", "effects", "outlets", "prose", "sandbox_marks"})
"""The checks that say that something means harm; the others find faults."""
WORKERS = 2


@dataclass(slots=True)
class WatchedSandbox:
    """The sandbox, with an ear on all that comes out of runs among planted secrets."""

    inner: Sandbox
    left_bytes: int = 0
    planted_s: float = 0.0
    planted_runs: int = 0
    shown: list[str] = field(default_factory=list)

    @property
    def tier(self) -> str:
        return self.inner.tier

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self.inner.capabilities

    @property
    def policy_digest(self) -> Digest:
        return self.inner.policy_digest

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run, and look for what was planted in the answer and in every request."""
        around = execution.surroundings
        if not around.home:
            return self.inner.run(execution, broker)
        asked: list[Any] = []

        def hear(request: Any) -> Any:
            asked.append(request)
            return broker(request) if broker is not None else {"error": "Denied"}

        started = time.perf_counter()
        observed = self.inner.run(execution, hear)
        self.planted_s += time.perf_counter() - started
        self.planted_runs += 1
        out = [str(observed.result), repr(asked)]
        texts = [observed.stdout, observed.stderr, *(text.encode() for text in out)]
        texts += [raw for path, raw in observed.written.items() if path != ".trace"]
        planted = [
            Canary(name, name, value)
            for name, value in around.variables.items()
            if len(value) >= 40
        ]
        planted += [
            Canary(path, path, word)
            for path, file in around.home.items()
            for word in re.findall(r"\w{40,}", file.content.decode())
        ]
        for canary in find_leaks(planted, b"\n".join(texts)):
            self.left_bytes += len(canary.value)
            self.shown.append(canary.name)
        return observed

    def close(self) -> None:
        """End the inner one."""
        self.inner.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the verification of one specimen came to. `checks` are those that refused it."""

    name: str
    label: str
    verdict: str
    checks: tuple[str, ...]
    reasons: tuple[str, ...]
    questions: tuple[str, ...]
    seconds: float
    planted_s: float
    left_bytes: int


_worker: list[Any] = []


def _start_worker() -> None:
    sandbox = WatchedSandbox(open_sandbox())
    checks = load_plugins("lignin.artifacts.checks", "CHECK").values()
    _worker[:] = [sandbox, Verifier(sandbox, checks, load_kinds(), scanners=())]


def _verify(specimen: Any) -> Outcome:
    sandbox, verifier = _worker
    sandbox.left_bytes, sandbox.planted_s = 0, 0.0
    started = time.perf_counter()
    found = verifier.verify(specimen.tree, specimen.examples)
    return Outcome(
        name=specimen.name,
        label=specimen.hostile_class or "clean",
        verdict=found.verdict,
        checks=tuple(each.check for each in found.results if each.verdict == "fail"),
        reasons=found.reasons,
        questions=found.questions,
        seconds=time.perf_counter() - started,
        planted_s=sandbox.planted_s,
        left_bytes=sandbox.left_bytes,
    )


def measure(specimens: Sequence[Any], workers: int) -> list[Outcome]:
    """Verify every specimen, several side by side, showing how far it is."""
    made: list[Outcome] = []
    open_sandbox().close()  # where there is none, say so here: a pool would start workers for ever
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer=_start_worker) as pool:
        for outcome in pool.imap_unordered(_verify, specimens):
            made.append(outcome)
            print(
                f"\rverified {len(made)} of {len(specimens)} ", end="", file=sys.stderr, flush=True
            )
        pool.close()
        pool.join()
    print(file=sys.stderr)
    return sorted(made, key=lambda outcome: outcome.name)


def figures(part: str, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Every figure of one part."""
    labels = sorted({outcome.label for outcome in outcomes} - {"clean"})
    for label in labels:
        yield _share(part, label, [each for each in outcomes if each.label == label])
    hostile = [each for each in outcomes if each.label != "clean"]
    if hostile:
        served = [each for each in hostile if each.verdict == "pass"]
        left = sum(each.left_bytes for each in served)
        note = f"in what {len(served)} of {len(hostile)} that passed said, left or asked for"
        yield _figure(f"{part}: canary bytes that left", left, "bytes", "0", left == 0, note)
    clean = [each for each in outcomes if each.label == "clean"]
    if clean:
        yield from _clean_figures(part, clean)


def _clean_figures(part: str, clean: Sequence[Outcome]) -> Iterator[str]:
    """What harms nobody and was refused: as hostile, or for a fault of another kind."""
    refused = [each for each in clean if each.verdict == "fail"]
    accused = [each for each in refused if HOSTILITY.intersection(each.checks)]
    share, bar = 100 * len(accused) / len(clean), f"at most {CLEAN_BAR:.0f} %"
    note = f"{_of(len(accused), len(clean))}; {_asked(clean)} put to a person"
    yield _figure(
        f"{part}: clean ones refused as hostile", share, "%", bar, share <= CLEAN_BAR, note
    )
    rest = [each for each in refused if each not in accused]
    unsure = sum(each.verdict == "inconclusive" for each in clean)
    by = sorted({check for each in rest for check in each.checks})
    note = f"{_of(len(rest), len(clean))}, by {', '.join(by) or 'none'}; {unsure} inconclusive"
    share = 100 * len(rest) / len(clean)
    yield _figure(f"{part}: clean ones refused for another fault", share, "%", "", None, note)
    passed = [each for each in clean if each.verdict == "pass"]
    seconds = statistics.median(each.seconds for each in passed)
    note = f"median of {len(passed)}, {os.getloadavg()[0]:.1f} others running"
    yield _figure(f"{part}: time of one, clean", seconds, "s", "", None, note)
    planted = statistics.median(each.planted_s for each in passed)
    note = "median, summed over runs that go side by side"
    yield _figure(f"{part}: of it among planted secrets", planted, "s", "", None, note)


def _share(part: str, label: str, outcomes: Sequence[Outcome]) -> str:
    refused = [each for each in outcomes if each.verdict == "fail"]
    unsure = sum(each.verdict == "inconclusive" for each in outcomes)
    first: dict[str, int] = {}
    for each in refused:
        for check in each.checks:
            first[check] = first.get(check, 0) + 1
    by = ", ".join(f"{check} {count}" for check, count in sorted(first.items()))
    passed = [each for each in outcomes if each.verdict == "pass"]
    note = (
        f"{_of(len(refused), len(outcomes))}; {unsure} inconclusive, {_asked(passed)} of those that "
        f"pass put to a person; by {by or 'none'}"
    )
    return _figure(
        f"{part}: refused, {label}", 100 * len(refused) / len(outcomes), "%", "", None, note
    )


def _asked(outcomes: Iterable[Outcome]) -> int:
    return sum(bool(each.questions) for each in outcomes)


def _of(hits: int, total: int) -> str:
    low, high = wilson_interval(hits, total)
    return f"{hits} of {total}, 95 % interval {low:.1f} to {high:.1f}"


def _figure(name: str, value: float, unit: str, bar: str, met: bool | None, note: str) -> str:
    line: dict[str, Any] = {"subject": "detonation", "figure": name, "value": round(value, 3)}
    line |= {"unit": unit, "baseline": None, "ratio": None, "bar": bar, "met": met, "note": note}
    return json.dumps(line)


def tell_misses(outcomes: Iterable[Outcome]) -> None:
    """List what was judged wrongly, with reasons; of the open part only."""
    for outcome in outcomes:
        is_right = (outcome.verdict == "pass") == (outcome.label == "clean")
        if is_right and outcome.verdict != "inconclusive":
            continue
        print(f"wrong: {outcome.label} {outcome.name}: {outcome.verdict}", file=sys.stderr)
        for reason in (*outcome.reasons[:3], *outcome.questions[:2]):
            print(f"    {reason}", file=sys.stderr)


def main() -> None:
    """Measure one part and print its figures."""
    from corpora.hostile import load
    from corpora.hostile.form import Label, Part

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=get_args(Part), default="open")
    parser.add_argument("--label", choices=get_args(Label), help="only the hostile or the clean")
    parser.add_argument("--of", default="", help="only this class")
    parser.add_argument("--every", type=int, default=1, help="only one of so many")
    parser.add_argument("--workers", type=int, default=WORKERS)
    options = parser.parse_args()
    labels = [options.label] if options.label else list(get_args(Label))
    specimens = [
        each
        for label in labels
        for each in load(options.part, label)
        if not options.of or each.hostile_class == options.of
    ][:: options.every]
    outcomes = measure(specimens, options.workers)
    if options.part == "open":
        tell_misses(outcomes)
    for line in figures(options.part, outcomes):
        print(line)


if __name__ == "__main__":
    main()

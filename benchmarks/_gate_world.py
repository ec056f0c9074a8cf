"""Simulated suites, changes and trials for the gate's benchmark, as `gate_mixes.json` freezes them."""

import json
import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.course import Ask, Asks, Scores

MIXES: Mapping[str, Any] = json.loads((Path(__file__).parent / "gate_mixes.json").read_text())


@dataclass(slots=True)
class World:
    """A suite whose pass rates are known to us alone; it counts every trial."""

    rates: list[float]
    rng: random.Random
    trials: int = 0

    def draw(self, rate: float) -> float:
        self.trials += 1
        return 1.0 if self.rng.random() < rate else 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """A proposed change: the rates that it leads to, what it says it helps, what it touches."""

    kind: str
    rates: list[float]
    target: list[int]
    touched: frozenset[int]
    fixed: frozenset[int] = field(default_factory=frozenset)
    broken: frozenset[int] = field(default_factory=frozenset)

    def is_good(self) -> bool:
        return bool(self.fixed) and not self.broken


def make_suite(name: str, rng: random.Random) -> list[float]:
    """Return the pass rates of a suite's cases."""
    suite = MIXES["suites"][name]
    rates: list[float] = []
    for share, low, high in suite["rates"]:
        rates += [rng.uniform(low, high) for _ in range(round(share * suite["cases"]))]
    rng.shuffle(rates)
    return rates


def make_change(
    kind: str,
    rates: Sequence[float],
    rng: random.Random,
    *,
    impact: float = 1.0,
    is_right: bool = True,
    inside: bool = True,
) -> Change:
    """Return a change of a kind to a suite.

    Args:
        impact: Share of the cases that it touches.
        is_right: It says rightly what it helps.
        inside: What it breaks is among what it touches.
    """
    how = MIXES["changes"][kind]
    new = list(rates)
    every = range(len(rates))
    touched = {case for case in every if rng.random() < impact}
    open_ = [case for case in every if rates[case] < MIXES["open_below"]]
    solved = [case for case in every if rates[case] >= MIXES["solved_from"]]
    fixed = rng.sample(open_, min(how.get("fix", 0), len(open_)))
    for case in fixed:
        new[case] += (max(MIXES["fixed_rate"], new[case]) - new[case]) * how.get("reach", 1.0)
    touched |= set(fixed)
    broken: list[int] = []
    if how.get("break"):
        pool = [case for case in solved if case not in fixed]
        if not inside:
            pool = [case for case in pool if case not in touched] or pool
        broken = rng.sample(pool, min(how["break"], len(pool)))
        for case in broken:
            new[case] = min(new[case], how["to"])
        touched = touched | set(broken) if inside else touched - set(broken)
    rest = [case for case in open_ if case not in fixed]
    if fixed and is_right:
        target = fixed
    else:
        target = rng.sample(rest, min(8, len(rest)))
    return Change(
        kind, new, sorted(target), frozenset(touched), frozenset(fixed), frozenset(broken)
    )


def drive(course: Generator[Asks, Scores, Any], world: World, new: Sequence[float]) -> Any:
    """Answer a course's asks by chance; return its result and the trials, in order."""
    made: list[tuple[Ask, float]] = []
    try:
        asks = next(course)
        while True:
            scores = [
                world.draw((new if ask.arm == "candidate" else world.rates)[int(ask.case)])
                for ask in asks
            ]
            made += zip(asks, scores, strict=True)
            asks = course.send(scores)
    except StopIteration as stop:
        return stop.value, made


def bank_of(rates: Sequence[float], trials: int, world: World) -> Bank:
    """Pay for some trials of each case."""
    return Bank(
        cases={
            str(case): Banked(sum(world.draw(rate) for _ in range(trials)), trials)
            for case, rate in enumerate(rates)
        }
    )

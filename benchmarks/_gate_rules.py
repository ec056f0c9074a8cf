"""Rules that decide on a proposal: ours, and those that others use, all on the same simulated suites.

Each is our own reading of a published rule, told beside it; none of their code is run.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Protocol

from _gate_world import Change, World, bank_of, drive

from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.better import Claim, Judgement, judge_better
from lignin.evals.laws.levels import level
from lignin.evals.laws.recorded import GUARDED_FROM
from lignin.evals.laws.watch import Unit
from lignin.evals.laws.wealth import Wealth
from lignin.evals.laws.whole import FROM

ALPHA = 0.05


class Rule(Protocol):
    """Decides on a campaign's proposals in turn; it may remember what it has seen."""

    def start(self, world: World, bank: int) -> None:
        """Begin a campaign; `bank` trials of each case may be paid for."""

    def accepts(self, change: Change, world: World) -> bool:
        """Decide, paying for each trial."""

    def moved(self, world: World, bank: int) -> None:
        """The change was accepted and stands."""


@dataclass(slots=True)
class Ours:
    """The gate."""

    bank: Bank = field(default_factory=Bank)
    number: int = 0
    accepted: int = 0
    made: list[tuple[str, float]] = field(default_factory=list)
    judged: Judgement | None = None

    def start(self, world: World, bank: int) -> None:
        self.bank = bank_of(world.rates, bank, world)
        self.number = self.accepted = 0

    def accepts(self, change: Change, world: World) -> bool:
        self.number += 1
        claim = claim_of(change, self.bank, level(ALPHA, self.number, self.accepted), self.number)
        self.judged, made = drive(judge_better(claim), world, change.rates)
        is_accepted: bool = self.judged.outcome == "accept"
        self.accepted += is_accepted
        self.made = [(ask.case, score) for ask, score in made if ask.arm == "candidate"]
        if not is_accepted:
            cases = dict(self.bank.cases)
            for ask, score in made:
                if ask.arm == "incumbent":
                    cases[ask.case] = cases[ask.case].with_score(score)
            self.bank = Bank(cases=cases)
        return is_accepted

    def moved(self, world: World, bank: int) -> None:
        cases: dict[str, Banked] = defaultdict(Banked)
        for case, score in self.made:
            cases[case] = cases[case].with_score(score)
        for case, rate in enumerate(world.rates):
            while cases[str(case)].trials < bank:
                cases[str(case)] = cases[str(case)].with_score(world.draw(rate))
        self.bank = Bank(cases=cases)


def claim_of(change: Change, bank: Bank, allowed: float, number: int) -> Claim:
    """What our gate is asked about a change."""
    target = tuple(map(str, change.target))
    aims = set(target)
    cases = [str(case) for case in range(len(change.rates))]
    return Claim(
        target=target,
        others=tuple(case for case in cases if case not in target),
        units=tuple(
            Unit(name=case, cases=(case,), is_touched=int(case) in change.touched)
            for case in cases
            if bank.rate(case) >= GUARDED_FROM
        ),
        bank=bank,
        level=allowed,
        seed=str(number),
        at_times=tuple(
            case for case in cases if case not in aims and FROM <= bank.rate(case) < GUARDED_FROM
        ),
    )


@dataclass(slots=True)
class Suite:
    """A rule over the whole suite: each case some times, a decision on what came of it.

    `keeps` says that the incumbent is not tried anew: its last trials are what is compared with.
    """

    trials: int
    decides: Callable[["Suite", Sequence[float], Sequence[float]], bool]
    keeps: bool = True
    best: list[float] = field(default_factory=list)
    newest: list[float] = field(default_factory=list)

    def start(self, world: World, bank: int) -> None:  # noqa: ARG002
        self.best = self.tried(world, world.rates)

    def accepts(self, change: Change, world: World) -> bool:
        if not self.keeps:
            self.best = self.tried(world, world.rates)
        self.newest = self.tried(world, change.rates)
        return self.decides(self, self.best, self.newest)

    def moved(self, world: World, bank: int) -> None:  # noqa: ARG002
        self.best = self.newest

    def tried(self, world: World, rates: Sequence[float]) -> list[float]:
        return [sum(world.draw(rate) for _ in range(self.trials)) / self.trials for rate in rates]


def strictly_greater(_rule: Suite, old: Sequence[float], new: Sequence[float]) -> bool:
    return fmean(new) > fmean(old)


def standard_errors(many: float) -> Callable[[Suite, Sequence[float], Sequence[float]], bool]:
    def decides(_rule: Suite, old: Sequence[float], new: Sequence[float]) -> bool:
        differences = [b - a for a, b in zip(old, new, strict=True)]
        spread = stdev(differences) / math.sqrt(len(differences))
        return fmean(differences) > many * spread

    return decides


def at_least(_rule: Suite, old: Sequence[float], new: Sequence[float]) -> bool:
    """No worse, by an interval that may touch zero: what ties is an improvement."""
    differences = [b - a for a, b in zip(old, new, strict=True)]
    spread = stdev(differences) / math.sqrt(len(differences))
    return fmean(differences) - 1.04 * spread >= 0


def mcnemar(_rule: Suite, old: Sequence[float], new: Sequence[float]) -> bool:
    """The exact one-sided test on pairs that differ, at one in twenty."""
    won = sum(b > a for a, b in zip(old, new, strict=True))
    lost = sum(b < a for a, b in zip(old, new, strict=True))
    pairs = won + lost
    tail = sum(math.comb(pairs, k) for k in range(won, pairs + 1)) / 2**pairs
    return bool(pairs) and tail <= ALPHA


@dataclass(slots=True)
class Threshold:
    """Eight of ten fixed cases pass and the suite is no worse than the best ever seen; ties pass."""

    fixed: set[int] = field(default_factory=set)
    best: float = 0.0
    newest: list[float] = field(default_factory=list)

    def start(self, world: World, bank: int) -> None:  # noqa: ARG002
        seen = [world.draw(rate) for rate in world.rates]
        self.fixed = {case for case, score in enumerate(seen) if score}
        self.best = fmean(seen)

    def accepts(self, change: Change, world: World) -> bool:
        passed = [world.draw(change.rates[case]) for case in sorted(self.fixed)]
        if passed and fmean(passed) < 0.8:
            return False
        self.newest = [world.draw(rate) for rate in change.rates]
        return fmean(self.newest) >= self.best

    def moved(self, world: World, bank: int) -> None:  # noqa: ARG002
        self.best = max(self.best, fmean(self.newest))
        self.fixed |= {case for case, score in enumerate(self.newest) if score}


@dataclass(slots=True)
class Sequential:
    """Fresh pairs over the whole suite in random order until one side of a test is sure.

    Args:
        is_ratio: Wald's ratio test of 70 against 50 % of the pairs that differ won, errors .05 and .1;
            else wealth from bets, at the same level for every proposal.
    """

    is_ratio: bool
    most: int = 6

    def start(self, world: World, bank: int) -> None: ...

    def accepts(self, change: Change, world: World) -> bool:
        ratio, wealth = 0.0, Wealth()
        for _ in range(self.most):
            for case in world.rng.sample(range(len(world.rates)), len(world.rates)):
                difference = world.draw(change.rates[case]) - world.draw(world.rates[case])
                if not difference:
                    continue
                if self.is_ratio:
                    ratio += math.log(1.4 if difference > 0 else 0.6)
                    if ratio >= math.log(0.9 / ALPHA) or ratio <= math.log(0.1 / 0.95):
                        return ratio > 0
                else:
                    wealth.take((difference,))
                    if wealth.value >= 1 / ALPHA:
                        return True
        return False

    def moved(self, world: World, bank: int) -> None: ...


RULES: dict[str, Callable[[], Rule]] = {
    "ours": Ours,
    "strictly greater, 1 trial": lambda: Suite(1, strictly_greater),
    "strictly greater, 2 trials (greedy)": lambda: Suite(2, strictly_greater),
    "1 standard error, 1 trial": lambda: Suite(1, standard_errors(1)),
    "1 standard error, 4 trials": lambda: Suite(4, standard_errors(1)),
    "85 % interval, 3 trials": lambda: Suite(3, at_least),
    "McNemar, fresh pairs": lambda: Suite(1, mcnemar, keeps=False),
    "80 % of the suite and no worse": Threshold,
    "ratio test, whole suite": lambda: Sequential(is_ratio=True),
    "bets, whole suite, each by itself": lambda: Sequential(is_ratio=False),
}

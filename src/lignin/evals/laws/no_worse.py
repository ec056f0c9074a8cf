"""The claim "no worse": the suite loses less than a margin against the last release. Pure.

The candidate alone is tried, on cases drawn at random, against the trials that were banked of the last
release. What the bank may be wrong by is taken off the margin first. The margin is the whole one every
time, and the release the same for every change since, so that many small losses cannot add up.
"""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.evals.laws.bank import Bank
from lignin.evals.laws.course import Ask, Course
from lignin.evals.laws.wealth import BETS, Wealth

MARGIN = 0.05
LEAST_LEFT = 0.25
"""Of the margin, what must be left once the release's own trials are allowed for."""
LEVEL = 0.005
"""What truly loses the margin is held to be no worse with at most this probability."""
_BANK_Z = 2.81
"""The bank is wrong by more in one of 400 times: half of the level."""
_HOPELESS = 50.0
_SPARE = 1.5
_AT_MOST = 100
_A_LITTLE = 1e-6
_BETTORS = 1 / BETS[0][1]
"""Wealth that the boldest bettors have to win where all rests on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoWorse:
    """How it ended: the wealth against "it loses the margin", what is left of that after the bank's own
    error, and the mean difference so far.

    `wanted` are trials like these, those that were made included, that would show it; None where no number
    would, or none was made. `release_times` is how many times as many trials of the release, or cases, it
    would take to compare with it at all; 0 where there are enough.
    """

    ended: Literal["proven", "futile", "out of trials", "bank too thin"]
    wealth: float
    margin_left: float
    difference: float | None = None
    trials: int = 0
    missing: int = 0
    path: tuple[float, ...] = ()
    wanted: int | None = None
    release_times: int = 0


def margin_left(bank: Bank, cases: Sequence[str], margin: float) -> float:
    """Return the margin less what the mean of the banked rates may be wrong by; it may be negative."""
    spread = sum(_variance(bank, case) for case in cases)
    return margin - _BANK_Z * math.sqrt(spread) / len(cases)


def times_too_few(bank: Bank, cases: Sequence[str], margin: float) -> int:
    """Return how many times as many trials a case, or cases, a release needs to be compared with; 0 where
    it has enough."""
    left = margin_left(bank, cases, margin) if cases else margin
    if left > LEAST_LEFT * margin:
        return 0
    return math.ceil(((margin - left) / ((1 - LEAST_LEFT) * margin)) ** 2 + _A_LITTLE)


def prove_no_worse(
    cases: Sequence[str],
    release: Bank,
    rng: random.Random,
    *,
    margin: float = MARGIN,
    level: float = LEVEL,
    most: int = 24,
    block: int = 20,
) -> Course[NoWorse]:
    """Try a candidate until it is shown to lose less than the margin, or it seems not to be so.

    Args:
        release: The last release's trials; of each case some.
        level: Half of it is for the bank's own error.
        most: At most so many trials for each case of the suite, on average; of a small suite as many more
            as it takes to see that nothing is lost, and never over a hundred.
    """
    left = margin_left(release, cases, margin) if cases else 0.0
    if left <= LEAST_LEFT * margin or any(not release.trials(case) for case in cases):
        return _too_thin(release, cases, margin, left)
    weighing = _Weighing(release, left, level)
    order = sorted(cases)
    wanted = _SPARE * math.log(_BETTORS * 2 / level) / math.log1p(BETS[0][0] * left)
    allowed = max(most * len(order), min(wanted, _AT_MOST * len(order)))
    while weighing.trials + weighing.missing < allowed:
        some = rng.sample(order, min(block, len(order)))
        weighing.take(some, (yield tuple([Ask("candidate", case) for case in some])))
        if weighing.holds.value >= 2 / level:
            return weighing.told("proven")
        if weighing.loses.value >= _HOPELESS:
            return weighing.told("futile")
        if weighing.missing > weighing.trials:
            break
    return weighing.told("out of trials")


def weigh_no_worse(
    release: Bank, scores: Mapping[str, Sequence[float]], margin: float, level: float
) -> NoWorse:
    """The same on trials that are all there: all of them count, so that their order is nothing.

    Each case counts for as many trials as the one that has the fewest, each trial of it for its part: more
    trials of one say more of that one, and buy nothing that another lost.
    """
    cases = sorted(set(release.cases) & {case for case, each in scores.items() if each})
    left = margin_left(release, cases, margin) if cases else 0.0
    if left <= LEAST_LEFT * margin:
        return _too_thin(release, cases, margin, left)
    weighing = _Weighing(release, left, level)
    counted = min(len(scores[case]) for case in cases)
    for case in cases:
        weighing.weigh(case, scores[case], counted)
    if weighing.holds.value >= 2 / level:
        return weighing.told("proven")
    is_worse = weighing.loses.value >= _HOPELESS
    return weighing.told("futile" if is_worse else "out of trials")


def _too_thin(release: Bank, cases: Sequence[str], margin: float, left: float) -> NoWorse:
    times = times_too_few(release, cases, margin)
    return NoWorse(ended="bank too thin", wealth=1.0, margin_left=left, release_times=times)


class _Weighing:
    """Wealth against "it loses the margin", and against "it loses less than half of it"."""

    def __init__(self, release: Bank, left: float, level: float) -> None:
        self.release, self.left, self.level = release, left, level
        self.bet_on: list[tuple[float, float]] = []
        self.holds, self.loses = Wealth(), Wealth()
        self.trials = self.missing = 0
        self.total = self.weight = 0.0
        self.path: list[float] = []

    def take(self, cases: Sequence[str], scores: Iterable[float | None]) -> None:
        for case, score in zip(cases, scores, strict=True):
            if score is None:
                self.missing += 1
            else:
                self._bet(case, score, 1.0)
        self.path.append(self.holds.value)

    def weigh(self, case: str, scores: Sequence[float], counted: int) -> None:
        """Bet on all trials of a case, which count for so many."""
        for score in scores:
            self._bet(case, score, counted / len(scores))
        self.path.append(self.holds.value)

    def _bet(self, case: str, score: float, weight: float) -> None:
        known = self.release.cases[case]
        difference = score - known.scored / known.trials
        self.trials += 1
        self.weight += weight
        self.total += weight * difference
        self.bet_on.append((_bounded(difference + self.left), weight))
        self.holds.take((self.bet_on[-1][0],), weight)
        self.loses.take((_bounded(-difference - self.left / 2),), weight)

    def told(self, ended: Literal["proven", "futile", "out of trials"]) -> NoWorse:
        return NoWorse(
            ended=ended,
            wealth=self.holds.value,
            margin_left=self.left,
            difference=self.total / self.weight if self.trials else None,
            trials=self.trials,
            missing=self.missing,
            path=tuple(self.path),
            wanted=self.wanted() if ended == "out of trials" else None,
        )

    def wanted(self) -> int | None:
        """So many trials like these in all would win what is needed."""
        found = []
        for bet, share in BETS:
            told = sum(weight * math.log1p(bet * each) for each, weight in self.bet_on)
            won = told / max(1, len(self.bet_on))
            if won > 0:
                found.append(math.log(2 / self.level / share) / won)
        return max(self.trials + 1, math.ceil(min(found))) if found else None


def _variance(bank: Bank, case: str) -> float:
    """Of a banked rate; a case that always passed may still be one that seldom fails."""
    rate, trials = bank.rate(case), bank.trials(case)
    return rate * (1 - rate) / trials if trials else 0.25


def _bounded(value: float) -> float:
    return min(max(value, -1.0), 1.0)

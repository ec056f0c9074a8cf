"""Is the candidate better on the cases that it was made for? Fresh pairs, and no more than it takes. Pure.

First the candidate alone is tried: what was known of the incumbent says soon whether there is anything
to be seen, and giving up early can never accept anything. Then each trial is paired with a fresh one of
the incumbent, and only the pairs count.
"""

import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lignin.evals.laws.bank import Bank
from lignin.evals.laws.course import Ask, Course
from lignin.evals.laws.wealth import Wealth

Ended = Literal["proven", "futile", "out of trials", "bank too thin"]
GAINS = (0.5, 0.95)
"""Shares of what is missing that a change may make up for."""
RULED_OUT = 0.05
"""A gain is ruled out where the candidate's trials are so many times likelier without any than with it: one
that is there is ruled out with less than this probability (Ville)."""
_SIZES = tuple(step / 40 for step in range(1, 41))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is tried.

    Args:
        hopeless: Where the candidate's trials are so many times likelier without a gain than with one, it
            is given up: a true gain of the sizes in `GAINS` is given up with less than this probability.
        block: So many cases are drawn at a time.
        batch: So many trials are asked for at once.
        pairs: At most so many for each case of the target.
    """

    hopeless: float = 0.025
    block: int = 8
    batch: int = 2
    pairs: int = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How it ended, with the wealth against "no better" (of another claim: against its contrary), the
    pairs and their mean difference; `differences` holds those of each case.

    `ruled_out` is the smallest gain of the target's mean score, 0 to 1, that the trials speak against; None
    where they speak against none.
    """

    ended: Ended
    wealth: float
    pairs: int
    gain: float | None
    missing: int
    path: tuple[float, ...] = ()
    differences: Mapping[str, Sequence[float]] = field(default_factory=dict)
    ruled_out: float | None = None


class Hope:
    """How much likelier the candidate's trials are with a gain than without, by the bank."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._with = [1 / len(GAINS)] * len(GAINS)
        self._taken: list[tuple[float, float]] = []

    def take(self, case: str, score: float) -> None:
        """Count a trial of the candidate."""
        rate = _bounded(self._bank.rate(case))
        self._taken.append((rate, score))
        for number, share in enumerate(GAINS):
            self._with[number] *= _likelier(rate, share, score)

    @property
    def value(self) -> float:
        """The mixture over the gains."""
        return sum(self._with)

    def ruled_out(self, target: Sequence[str]) -> float | None:
        """The smallest gain of the target's mean score that the trials rule out; None where they rule out none.

        What is ruled out of one size is so of each larger one: the likelihood is log-concave in it, and 1
        without any.
        """
        sizes = (share for share in _SIZES if self._with_gain(share) <= RULED_OUT)
        share = next(sizes, None)
        if share is None or not target:
            return None
        missing = sum(1 - _bounded(self._bank.rate(case)) for case in target) / len(target)
        return share * 0.97 * missing

    def _with_gain(self, share: float) -> float:
        return math.prod(_likelier(rate, share, score) for rate, score in self._taken)


def _bounded(rate: float) -> float:
    return min(max(rate, 0.02), 0.98)


def _likelier(rate: float, share: float, score: float) -> float:
    """How much likelier a score is where a share of what is missing was made up for."""
    better = rate + (1 - rate) * share * 0.97
    return score * better / rate + (1 - score) * (1 - better) / (1 - rate)


def prove(
    target: Sequence[str], bank: Bank, needed: float, rng: random.Random, effort: Effort
) -> Course[Proof]:
    """Try a candidate on its target until it is proven better, hopeless, or the trials are spent.

    Args:
        needed: The wealth that proves it, 1 / level.
    """
    proving = _Proving(target, bank)
    order = sorted(target, key=lambda case: (bank.rate(case), case))
    if proving.has_bank:
        for start in range(0, len(order), effort.batch):
            yield from proving.tried(order[start : start + effort.batch])
            if proving.hope.value < effort.hopeless:
                return proving.told("futile")
    while proving.pairs + proving.missing < effort.pairs * len(target):
        block = rng.sample(order, min(effort.block, len(order)))
        if fresh := [case for case in block if not proving.waiting[case]]:
            yield from proving.tried(fresh)
        if proving.has_bank and proving.hope.value < effort.hopeless:
            return proving.told("futile")
        paired = yield from proving.paired([case for case in block if proving.waiting[case]])
        if proving.wealth.value >= needed:
            return proving.told("proven")
        if not paired:
            break
    return proving.told("out of trials")


class _Proving:
    """A proof while it is made; `waiting` are trials of the candidate that have no pair yet."""

    def __init__(self, target: Sequence[str], bank: Bank) -> None:
        self.target = target
        self.has_bank = any(bank.trials(case) for case in target)
        self.hope, self.wealth = Hope(bank), Wealth()
        self.waiting: dict[str, list[float]] = defaultdict(list)
        self.path: list[float] = []
        self.differences: dict[str, list[float]] = {case: [] for case in target}
        self.pairs = self.missing = 0
        self.total = 0.0

    def tried(self, cases: Sequence[str]) -> Course[None]:
        """Try the candidate."""
        scores = yield tuple([Ask("candidate", case) for case in cases])
        for case, score in zip(cases, scores, strict=True):
            if score is None:
                self.missing += 1
            else:
                self.waiting[case].append(score)
                self.hope.take(case, score)

    def paired(self, cases: Sequence[str]) -> Course[int]:
        """Try the incumbent on what waits for it, and bet on the pairs; return how many there were."""
        scores = yield tuple([Ask("incumbent", case) for case in cases])
        known = [(c, score) for c, score in zip(cases, scores, strict=True) if score is not None]
        differences = [self.waiting[case].pop(0) - score for case, score in known]
        for (case, _), difference in zip(known, differences, strict=True):
            self.differences[case].append(difference)
        self.missing += len(cases) - len(known)
        self.wealth.take(differences)
        self.pairs += len(differences)
        self.total += sum(differences)
        self.path.append(self.wealth.value)
        return len(differences)

    def told(self, ended: Ended) -> Proof:
        return Proof(
            ended=ended,
            wealth=self.wealth.value,
            pairs=self.pairs,
            gain=self.total / self.pairs if self.pairs else None,
            missing=self.missing,
            path=tuple(self.path),
            differences=self.differences,
            ruled_out=self.hope.ruled_out(self.target) if self.has_bank else None,
        )

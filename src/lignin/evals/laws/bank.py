"""What is known of a system's pass rates from trials that were paid before. Pure.

A bank steers (which case next, when to give up) and guards; it never proves a gain, for the cases of a
proposal are chosen by their failures, and what failed by chance gets better by itself.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

PRIOR = 0.5
"""Passes, and failures, that are taken to be known of a case before its first trial (Jeffreys): most
cases nearly always pass, or nearly never."""
_RATES = (0.01, 0.03, 0.07, 0.13, 0.21, 0.3, 0.4, 0.5, 0.6, 0.7, 0.79, 0.87, 0.93, 0.97, 0.99)


@dataclass(frozen=True, slots=True)
class Banked:
    """Trials of one case: their number and the sum of their scores."""

    scored: float = 0.0
    trials: int = 0

    def with_score(self, score: float) -> "Banked":
        """The same with one more trial."""
        return Banked(self.scored + score, self.trials + 1)


NOTHING = Banked()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Trials by case of one system."""

    cases: Mapping[str, Banked] = field(default_factory=dict)

    def trials(self, case: str) -> int:
        """How many trials of a case are known."""
        return self.cases.get(case, NOTHING).trials

    def rate(self, case: str) -> float:
        """The pass rate to expect of the next trial."""
        return rate_of(self.cases.get(case, NOTHING))


def rate_of(known: Banked) -> float:
    """The pass rate to expect of the next trial of a case."""
    return (known.scored + PRIOR) / (known.trials + 2 * PRIOR)


Belief = tuple[float, ...]
"""How likely a case is to have each rate of `GRID`; sums to 1."""


def _grid() -> tuple[tuple[float, float], ...]:
    """Each rate with the width of what it stands for."""
    middles = [(a + b) / 2 for a, b in pairwise(_RATES)]
    edges = [0.0, *middles, 1.0]
    return tuple([(rate, b - a) for rate, (a, b) in zip(_RATES, pairwise(edges), strict=True)])


GRID = _grid()
"""Pass rates that a case may have, each with the width of what it stands for."""


def _normed(weights: Iterable[float]) -> Belief:
    held = tuple(weights)
    whole = sum(held)
    return tuple([each / whole for each in held])


JEFFREYS: Belief = _normed(width * (rate * (1 - rate)) ** (PRIOR - 1) for rate, width in GRID)
"""What is believed of a case of which nothing is known, and nothing of its suite."""
_ROUNDS = 60
_SMOOTH = 0.3


def rates_of(banked: Sequence[Banked]) -> Belief:
    """Return how common each rate is in a suite, by its cases' trials (empirical Bayes, by EM).

    A case that passed five of five times is taken for one that always passes where most cases of its suite
    are such, and for a lucky one where most are flaky. Source: Laird, Nonparametric maximum likelihood
    estimation of a mixing distribution, 1978; each rate has a little weight to begin with.
    """
    counted = Counter(banked)
    told = [(_likelihood(each), count) for each, count in counted.items() if each.trials]
    belief = JEFFREYS
    for _ in range(_ROUNDS if told else 0):
        found = [_SMOOTH] * len(GRID)
        for likelihood, count in told:
            weighed = _normed(a * b for a, b in zip(likelihood, belief, strict=True))
            found = [a + count * b for a, b in zip(found, weighed, strict=True)]
        belief = _normed(found)
    return belief


def belief_of(banked: Banked, suite: Belief) -> Belief:
    """Return what is believed of one case of a suite after its trials."""
    return _normed(a * b for a, b in zip(_likelihood(banked), suite, strict=True))


def expected(belief: Belief) -> float:
    """Return the mean rate of a belief."""
    return sum(likely * rate for likely, (rate, _) in zip(belief, GRID, strict=True))


def _likelihood(banked: Banked) -> tuple[float, ...]:
    """The likelihood of a case's trials at each rate, up to a factor."""
    failed = banked.trials - banked.scored
    logs = [banked.scored * math.log(rate) + failed * math.log(1 - rate) for rate, _ in GRID]
    most = max(logs)
    return tuple([math.exp(each - most) for each in logs])

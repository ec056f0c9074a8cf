"""What is known of a system's pass rates from trials that were paid before. Pure.

A bank steers (which case next, when to give up) and guards; it never proves a gain, for the cases of a
proposal are chosen by their failures, and what failed by chance gets better by itself.
"""

from collections.abc import Mapping
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
        known = self.cases.get(case, NOTHING)
        return (known.scored + PRIOR) / (known.trials + 2 * PRIOR)


def _grid() -> tuple[tuple[float, float], ...]:
    """Each rate with the width of what it stands for."""
    middles = [(a + b) / 2 for a, b in pairwise(_RATES)]
    edges = [0.0, *middles, 1.0]
    return tuple([(rate, b - a) for rate, (a, b) in zip(_RATES, pairwise(edges), strict=True)])


GRID = _grid()
"""Pass rates that a case may have, each with the width of what it stands for."""

"""Which cases two systems differ on, the worst first. For reading: nothing is decided by it. Pure."""

import math
from dataclasses import dataclass

from lignin.evals.laws.table import Table

_Z = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A case on both systems: trials, mean scores, their difference with its 95 % interval.

    The interval is of this case by itself; of a hundred of them some five leave out the truth.
    """

    case: str
    trials_before: int
    trials_after: int
    before: float
    after: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """What the mean score gained, from -1 to 1."""
        return self.after - self.before

    @property
    def is_clear(self) -> bool:
        """True where the interval leaves out "no difference"."""
        return self.low > 0 or self.high < 0


def find_flips(before: Table, after: Table) -> tuple[Flip, ...]:
    """Return the cases that both were tried on, losses first, the clearest of them first."""
    found = []
    for case in sorted(set(before.cases) & set(after.cases)):
        old, new = before.scores(case), after.scores(case)
        if not old or not new:
            continue
        first, second = sum(old) / len(old), sum(new) / len(new)
        low, high = _difference(first, len(old), second, len(new))
        found.append(
            Flip(
                case=case,
                trials_before=len(old),
                trials_after=len(new),
                before=first,
                after=second,
                low=low,
                high=high,
            )
        )
    return tuple(sorted(found, key=lambda flip: (flip.difference, flip.high, flip.case)))


def _difference(first: float, n: int, second: float, m: int) -> tuple[float, float]:
    """The interval of the difference of two proportions, from those of each.

    Source: Newcombe, Interval estimation for the difference between independent proportions, 1998.
    """
    (low_1, high_1), (low_2, high_2) = _wilson(first, n), _wilson(second, m)
    gain = second - first
    below = math.hypot(second - low_2, high_1 - first)
    above = math.hypot(high_2 - second, first - low_1)
    return gain - below, gain + above


def _wilson(rate: float, n: int) -> tuple[float, float]:
    shrunk = 1 + _Z**2 / n
    middle = (rate + _Z**2 / (2 * n)) / shrunk
    spread = _Z * math.sqrt(rate * (1 - rate) / n + _Z**2 / (4 * n**2)) / shrunk
    return middle - spread, middle + spread

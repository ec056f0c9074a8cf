"""Fitting a skill's thresholds to what people said of its runs, and whether that is proven. Pure.

Fitted is on two thirds of the judged runs, proven on the third that fitting never saw. Which run lies where
is drawn from its id. What a run comes to with other values somebody else finds out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from lignin.domain.ids import drawn
from lignin.evals.laws.binomial import at_most

POINTS: Final = 17
SWEEPS: Final = 2
MISS: Final = 0.05
LEAST_TURNED: Final = 5
"""So many held-out runs have to come out right that did not, and none the other way, to prove it."""
Values = Mapping[str, float]
Right = Callable[[Values, Sequence[str]], int]
"""How many of some runs come out right with some values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How far a threshold may be moved, and where it stands; whole numbers where that is one."""

    low: float
    high: float
    now: float

    def points(self) -> list[float]:
        """The values that are tried: where it stands, and evenly from low to high."""
        if isinstance(self.now, int):
            steps = min(POINTS - 1, int(self.high) - int(self.low))
            even = [round(self.low + (self.high - self.low) * n / steps) for n in range(steps + 1)]
            return sorted({self.now, *(n for n in even if self.low <= n <= self.high)})
        step = (self.high - self.low) / (POINTS - 1)
        return sorted({self.now, *(float(f"{self.low + step * n:.6g}") for n in range(POINTS))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the held-out runs say.

    Args:
        gained, lost: Runs that only the new, only the old values get right.
        chance: Of so many gained, or more, if both were alike (exact sign test, one-sided).
    """

    runs: int
    before: int
    after: int
    gained: int
    lost: int
    chance: float

    @property
    def is_proven(self) -> bool:
        """Whether the new values are better, with 95 %."""
        return self.gained > self.lost and self.chance <= MISS


def split(should: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the judged runs to fit on, and the third of each judgement that is held out."""
    fitted, held = list[str](), list[str]()
    for kind in sorted(set(should.values())):
        runs = sorted((run for run in should if should[run] == kind), key=drawn)
        third = len(runs) // 3
        held += runs[:third]
        fitted += runs[third:]
    return fitted, held


def fit(spans: Mapping[str, Span], runs: Sequence[str], right: Right) -> dict[str, float]:
    """Return the values that get most of some runs right; where they stand, if none are better.

    One threshold after another, the others as they stand; of a stretch of values that are as good the
    middle one, which is the furthest from where it turns.
    """
    best = {name: span.now for name, span in spans.items()}
    for _ in range(SWEEPS):
        before = dict(best)
        for name, span in spans.items():
            points = span.points()
            told = [right({**best, name: point}, runs) for point in points]
            if max(told) > told[points.index(best[name])]:
                stretch = max(_stretches(told), key=len)
                best[name] = points[stretch[len(stretch) // 2]]
        if best == before:
            break
    return best


def _stretches(told: Sequence[int]) -> Iterator[list[int]]:
    """The places of the most, in runs of neighbours."""
    places = [place for place, count in enumerate(told) if count == max(told)]
    cuts = [0, *(n + 1 for n, (one, other) in enumerate(pairwise(places)) if other != one + 1)]
    for begin, end in pairwise([*cuts, len(places)]):
        yield places[begin:end]


def prove(before: Mapping[str, bool], after: Mapping[str, bool]) -> Proof:
    """Compare which held-out runs come out right with the old and with the new values.

    Source: exact sign test on the discordant pairs (McNemar, 1947).
    """
    gained = sum(after[run] and not before[run] for run in before)
    lost = sum(before[run] and not after[run] for run in before)
    turned = gained + lost
    return Proof(
        runs=len(before),
        before=sum(before.values()),
        after=sum(after.values()),
        gained=gained,
        lost=lost,
        chance=1 - at_most(gained - 1, turned, 0.5) if turned else 1.0,
    )

"""Which accept broke a case that had been fixed? The log is halved, with doubt. Pure.

A trial says little where cases are flaky, so no revision is ever ruled out: each trial makes every one of
them likelier or less likely to be the one, and the next is made where it tells most. Source: Burnashev
and Zigangirov's probabilistic bisection, 1974.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lignin.evals.laws.bank import GRID, PRIOR, Banked
from lignin.evals.laws.course import Scores

BROKEN_SHARES = (0.0, 0.15, 0.3, 0.5)
"""Shares of its rate that a broken case may still pass."""


@dataclass(frozen=True, slots=True)
class AskAt:
    """One trial that is wanted: of which revision of the log, from 0, on which case."""

    revision: int
    case: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The revision that broke the case: the first with which it no longer passes as it did.

    `revision` is None where none is sure enough. `likely` says of each revision how likely it is to be
    the one; what is left to one is that none did it.
    """

    revision: int | None
    likely: tuple[float, ...]
    trials: int


Search: TypeAlias = Generator[Sequence[AskAt], Scores, Found]


def find_backslide(
    case: str,
    revisions: int,
    fixed: Banked,
    now: Banked,
    *,
    sure: float = 0.98,
    batch: int = 2,
    most: int = 120,
) -> Search:
    """Try a case at revisions of the log until one of them is surely the one that broke it.

    Args:
        revisions: How many moves there were since the case was fixed; the one at fault is one of them.
        fixed: The case's trials at the revision that fixed it.
        now: Its trials at the newest revision, which showed that it is broken.
        most: At most so many trials.
    """
    ways = [
        (rate * share, rate, width * _weight(rate, fixed) / len(BROKEN_SHARES))
        for rate, width in GRID
        for share in BROKEN_SHARES
    ]
    # Each revision may be the one, or none: then the case is only flaky.
    broken = [weight * _seen(low, now) for low, _, weight in ways]
    weighed = [broken] * revisions + [[weight * _seen(high, now) for _, high, weight in ways]]
    trials = 0
    while trials < most and revisions:
        likely = _likely(weighed)
        # It was seen to be broken, so that it is not takes more to believe.
        if max(likely[:-1]) >= sure or likely[-1] >= 1 - (1 - sure) / 10:
            break
        at = _middle(likely[:-1]) if likely[-1] < 0.5 else revisions - 1
        # Beside the middle, the one before: the first that is broken lies between two neighbours.
        asked = sorted({at, max(0, at - 1)})[:batch]
        scores = yield tuple([AskAt(each, case) for each in asked])
        for revision, score in zip(asked, scores, strict=True):
            trials += 1
            if score is not None:
                weighed = _told(weighed, ways, revision, score)
    likely = _likely(weighed)
    best = max(range(revisions + 1), key=likely.__getitem__)
    is_sure = best < revisions and likely[best] >= sure
    return Found(
        revision=best if is_sure else None, likely=tuple(likely[:revisions]), trials=trials
    )


def _told(
    weighed: Sequence[Sequence[float]],
    ways: Sequence[tuple[float, float, float]],
    revision: int,
    score: float,
) -> list[list[float]]:
    after = [score * low + (1 - score) * (1 - low) for low, _, _ in ways]
    before = [score * high + (1 - score) * (1 - high) for _, high, _ in ways]
    none = len(weighed) - 1
    new = [
        [
            weight * chance
            for weight, chance in zip(
                each, after if guilty <= revision and guilty < none else before, strict=True
            )
        ]
        for guilty, each in enumerate(weighed)
    ]
    whole = sum(map(sum, new))
    return [[weight / whole for weight in each] for each in new]


def _seen(rate: float, trials: Banked) -> float:
    told: float = rate**trials.scored * (1 - rate) ** (trials.trials - trials.scored)
    return told


def _likely(weighed: Sequence[Sequence[float]]) -> list[float]:
    whole = sum(map(sum, weighed))
    return [sum(each) / whole for each in weighed]


def _middle(likely: Sequence[float]) -> int:
    """The revision with half of what is likely at it and before it."""
    half, reached = sum(likely) / 2, 0.0
    for number, each in enumerate(likely):
        reached += each
        if reached >= half:
            return number
    return len(likely) - 1


def _weight(rate: float, fixed: Banked) -> float:
    failed = fixed.trials - fixed.scored
    weight: float = rate ** (fixed.scored + PRIOR - 1) * (1 - rate) ** (failed + PRIOR - 1)
    return weight

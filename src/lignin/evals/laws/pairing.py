"""Pairs of recorded trials, and what they weigh, whatever numbers and order their rows have. Pure.

Who hands in rows chooses their order. So pairs are drawn many times over, by the scores alone, no bet ends
early, and what counts is the mean of what the draws come to: a mean of e-values is one.
"""

import random
from collections.abc import Mapping, Sequence

from lignin.domain.codec import digest_json
from lignin.evals.laws.table import Table
from lignin.evals.laws.wealth import Wealth

DRAWS = 16
"""So often are pairs drawn, while they are few."""
_LEAST_DRAWS = 4
_MOST_DRAWN = 200_000
"""Beyond so many pairs in all they are drawn less often: of many, one drawing says nearly what another does."""

Scores = Mapping[str, Sequence[float]]
Differences = Mapping[str, Sequence[float]]


def draw_pairs(incumbent: Scores, candidate: Scores) -> tuple[dict[str, list[float]], ...]:
    """Return the candidate's scores less the incumbent's, of pairs within each case, drawn many times over."""
    held = sorted((sorted(incumbent[case]), sorted(candidate[case]), case) for case in incumbent)
    seed = digest_json([[_plain(old), _plain(new)] for old, new, _ in held])
    rng = random.Random(seed)  # noqa: S311
    pairs = sum(min(len(old), len(new)) for old, new, _ in held)
    draws = max(_LEAST_DRAWS, min(DRAWS, _MOST_DRAWN // max(pairs, 1)))
    return tuple({case: _drawn(old, new, rng) for old, new, case in held} for _ in range(draws))


def worst_case(
    table: Table, other: Table, cases: Sequence[str], worst: float, tried: int = 0
) -> tuple[dict[str, list[float]], tuple[str, ...]]:
    """Return the scores of some cases, whatever is missing at its worst, and the cases that miss something.

    Args:
        worst: The score that speaks most for the other claim: 0 of a candidate, 1 of an incumbent.
        tried: How often each case was to be tried; 0 where nobody says: as often as any was on this side.
    """
    most = max(map(len, table.cases.values()), default=0)
    scores, lacking = {}, []
    for case in cases:
        known = table.scores(case)
        wanted = max(
            len(table.cases.get(case, ())), min(len(other.cases.get(case, ())), most), tried or most
        )
        scores[case] = [*known, *[worst] * (wanted - len(known))]
        if wanted > len(known):
            lacking.append(case)
    return scores, tuple(lacking)


def weigh_pairs(draws: Sequence[Differences]) -> tuple[float, ...]:
    """Return the mean wealth against "no better" after each round of one pair of each case; the last counts."""
    paths = [_path(each) for each in draws]
    return tuple(sum(each) / len(each) for each in zip(*paths, strict=True))


def _drawn(old: Sequence[float], new: Sequence[float], rng: random.Random) -> list[float]:
    pairs = min(len(old), len(new))
    return [
        after - before
        for before, after in zip(_some(old, pairs, rng), _some(new, pairs, rng), strict=True)
    ]


def _some(scores: Sequence[float], count: int, rng: random.Random) -> list[float]:
    chance = rng.random
    keys = [chance() for _ in scores]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return [scores[place] for place in order[:count]]


def _plain(scores: Sequence[float]) -> list[float]:
    """The same numbers, whole ones as integers: written the same, and far faster."""
    return [int(score) if float(score).is_integer() else score for score in scores]


def _path(differences: Differences) -> list[float]:
    wealth, path = Wealth(), []
    for turn in range(max(map(len, differences.values()), default=0)):
        wealth.take(each[turn] for each in differences.values() if turn < len(each))
        path.append(wealth.value)
    return path

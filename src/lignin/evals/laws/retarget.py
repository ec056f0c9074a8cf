"""Where a change helps, when it does not help where it was meant to. Pure.

Open cases outside the target are tried once with the candidate, those that surprise are tried again, and
what is left is a target of its own: it is proven on fresh pairs, since what chose it proves nothing.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from lignin.evals.laws.bank import Bank
from lignin.evals.laws.course import Ask, Course

_SHARES = (0.06, 0.15, 0.35)
_BETTER = 0.9
_LEAST_CASES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How far is searched.

    Args:
        below: Cases that pass less often are open.
        hopeless: Given up where the trials are so many times likelier with no case improved.
        keep: A case is kept where it is likelier improved than this.
        batch: So many trials are asked for at once.
        most: At most so many cases are tried.
    """

    below: float = 0.62
    hopeless: float = 0.25
    keep: float = 0.5
    batch: int = 4
    most: int = 60


def retarget(
    others: Sequence[str], bank: Bank, rng: random.Random, search: Search
) -> Course[tuple[str, ...]]:
    """Return cases that the candidate seems to have improved; none where there seem to be none."""
    shuffled = rng.sample(others, len(others))
    order = sorted(
        (case for case in shuffled if bank.trials(case) and bank.rate(case) < search.below),
        key=bank.rate,
    )[: search.most]
    told: dict[str, float] = {}
    overall = [1 / len(_SHARES)] * len(_SHARES)
    for start in range(0, len(order), search.batch):
        some = order[start : start + search.batch]
        for case, score in zip(some, (yield _asks(some)), strict=True):
            if score is None:
                continue
            told[case] = _likelier(bank.rate(case), score)
            for number, share in enumerate(_SHARES):
                overall[number] *= 1 - share + share * told[case]
        if sum(overall) < search.hopeless:
            return ()
    if sum(overall) < 1:
        return ()
    again = [case for case in order if told.get(case, 0.0) > 1]
    if len(again) < _LEAST_CASES:
        return ()
    for case, score in zip(again, (yield _asks(again)), strict=True):
        if score is not None:
            told[case] *= _likelier(bank.rate(case), score)
    share = 0.2
    kept = [
        case
        for case in again
        if share * told[case] / (share * told[case] + 1 - share) > search.keep
    ]
    return tuple(kept) if len(kept) >= _LEAST_CASES else ()


def _likelier(rate: float, score: float) -> float:
    rate = min(max(rate, 0.02), 0.98)
    better = max(_BETTER, rate)
    return score * better / rate + (1 - score) * (1 - better) / (1 - rate)


def _asks(cases: Sequence[str]) -> tuple[Ask, ...]:
    return tuple([Ask("candidate", case) for case in cases])

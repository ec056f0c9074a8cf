"""How many times likelier a unit is broken than sound, by the trials of both systems. Pure.

Broken is a case that passes a fixed share of what it passed before. What it passed before is not known
but weighed: every rate that a case may have, by the incumbent's trials. Only counts enter, so the order
of the trials changes nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from lignin.evals.laws.bank import GRID, JEFFREYS, Banked, Belief, belief_of

BROKEN_SHARES = (0.1, 0.3, 0.55)
"""Shares of its rate that a broken case may still pass."""

_JOINTLY = 0.8
"""Where some cases of a mode broke, the chance that all of them did."""
_FAR = 20.0
_FEW = (0.01, 0.04, 0.15)
"""Shares of the units that a change may break."""
_MOST = 1e100
_SHOWN = 10

Cases = Mapping[str, tuple[Banked, Banked]]
"""Trials by case: the incumbent's, the candidate's."""


def evidence(cases: Cases, suite: Belief = JEFFREYS, *, singly: bool = True) -> float:
    """Return how many times likelier the cases are broken, together or one of them, than sound.

    Args:
        suite: How common each rate is in their suite.
        singly: Whether one of them may be broken by itself; else all are or none.
    """
    jointly = _exp(_log_mean([log_likely(cases, share, suite) for share in BROKEN_SHARES]))
    if not singly or len(cases) < 2:
        return jointly
    one = sum(evidence({case: both}, suite) for case, both in cases.items()) / len(cases)
    return _JOINTLY * jointly + (1 - _JOINTLY) * one


def culprits(cases: Cases, suite: Belief = JEFFREYS) -> tuple[str, ...]:
    """Return those of several cases that by themselves are far likelier broken than sound, likeliest first;
    where none is, the likeliest one."""
    each = {case: evidence({case: both}, suite) for case, both in cases.items()}
    found = sorted((case for case in each if each[case] > 1), key=lambda case: -each[case])
    return tuple([case for case in found if each[case] >= _FAR] or found[:1])


def named_breaks(names: Iterable[str], by_unit: Mapping[str, Sequence[str]]) -> str:
    """Return the names of broken units in words, each with its cases that broke by themselves."""
    told = []
    for name in names:
        cases = [case for case in by_unit.get(name, ()) if case != name]
        told.append(f"{name} ({', '.join(cases[:_SHOWN])})" if cases else name)
    return ", ".join(told[:_SHOWN])


def speaks_for_break(before: Banked, score: float, share: float) -> bool:
    """True where a trial of a case is likelier of one that is broken to a share than of a sound one."""
    return likely({"": (before, Banked(score, 1))}, share) > 1


def together(each: Iterable[float]) -> float:
    """Return how many times likelier it is that some units are broken than that none is.

    Args:
        each: How many times likelier each unit that was tried is broken than sound.
    """
    logs = [0.0] * len(_FEW)
    for told in each:
        for number, share in enumerate(_FEW):
            logs[number] += math.log(1 - share + share * min(told, _MOST))
    return _exp(_log_mean(logs))


def broken_units(weighed: Mapping[str, float], units: int, false: float) -> tuple[str, ...]:
    """Return the units that are shown to be broken; none where no break is shown.

    A break is shown by one unit alone, or by several in doubt; each of the two ways may err half as often
    as both. Once one is shown, whatever else is likely is named with it.

    Args:
        weighed: How many times likelier each unit that was tried is broken than sound.
        units: How many there are.
        false: What works is held to be broken with at most this probability.
    """
    needed = 2 / false
    is_shown = any(each >= units * needed for each in weighed.values())
    if not is_shown and together(weighed.values()) < needed:
        return ()
    sure = [name for name, each in weighed.items() if each >= 1 / false]
    return tuple(sure or [name for name, each in weighed.items() if each > 1])


def likely(cases: Cases, share: float, suite: Belief = JEFFREYS) -> float:
    """Return how many times likelier they are broken down to one share of their rates than sound."""
    return _exp(log_likely(cases, share, suite))


def missed(cases: Cases, share: float, suite: Belief) -> float:
    """Return how likely cases that are broken down to a share would have done as well, or better.

    Of one case exactly; of several the bound that such trials are never likelier than by `likely`.
    """
    if len(cases) > 1:
        return min(1.0, likely(cases, share, suite))
    [(before, after)] = cases.values()
    belief = belief_of(before, suite)
    passed = range(math.ceil(after.scored), after.trials + 1)
    return sum(
        weight
        * sum(
            math.comb(after.trials, k)
            * (rate * share) ** k
            * (1 - rate * share) ** (after.trials - k)
            for k in passed
        )
        for weight, (rate, _) in zip(belief, GRID, strict=True)
    )


def log_likely(cases: Cases, share: float, suite: Belief = JEFFREYS) -> float:
    """Return the logarithm of `likely`, which may be beyond what a number holds."""
    return sum(
        _marginal(before, after, share, suite) - _marginal(before, after, 1.0, suite)
        for before, after in cases.values()
        if after.trials
    )


@lru_cache(maxsize=65536)
def _marginal(before: Banked, after: Banked, share: float, suite: Belief) -> float:
    """The log probability of both counts, up to what does not depend on the share."""
    failed_before, failed_after = before.trials - before.scored, after.trials - after.scored
    told = [
        weight
        + before.scored * passes
        + failed_before * fails
        + after.scored * still_passes
        + failed_after * now_fails
        for weight, passes, fails, still_passes, now_fails in _logs(share, suite)
    ]
    most = max(told)
    return most + math.log(sum(math.exp(each - most) for each in told))


@lru_cache(maxsize=256)
def _logs(share: float, suite: Belief) -> tuple[tuple[float, float, float, float, float], ...]:
    """Of each rate the logarithms of its weight, of a pass and a failure, and of both at a share of it."""
    return tuple(
        [
            (
                math.log(weight),
                math.log(rate),
                math.log(1 - rate),
                math.log(rate * share),
                math.log(1 - rate * share),
            )
            for weight, (rate, _) in zip(suite, GRID, strict=True)
        ]
    )


def _log_mean(logs: list[float]) -> float:
    most = max(logs)
    return most + math.log(sum(math.exp(each - most) for each in logs) / len(logs))


def _exp(value: float) -> float:
    return math.exp(min(max(value, -600.0), 600.0))

"""What an iteration spent: by every attempt of every act, and by its checkers. Pure."""

from collections.abc import Mapping, Sequence

from lignin.domain.codec import Json
from lignin.domain.loops import Amounts, Loop, parse_amounts

PAID = ("money_microusd", "tokens")
"""What is told; time is measured."""


UNTIMED_S = 3600.0
"""So long an iteration acts at most whose file gives it no time, unless its actions say more."""


def longest_s(loop: Loop, held: Amounts) -> float:
    """How long an iteration may act, all its attempts together."""
    if held.time_s is not None:
        return float(held.time_s)
    return max(UNTIMED_S, sum(stage.action.limit_s for stage in loop.stages))


def longest_checked_s(loop: Loop, held: Amounts) -> float:
    """How long an iteration may take with its checks."""
    checks = [check for stage in loop.stages for check in stage.gate.checks]
    checks += [loop.stop.goal] if loop.stop.goal is not None else []
    return longest_s(loop, held) + sum(check.limit_s for check in checks)


def paid(amounts: Amounts) -> Amounts:
    """Money and tokens alone."""
    return Amounts(money_microusd=amounts.money_microusd, tokens=amounts.tokens)


def counted(left: Amounts, told: Amounts, *, is_done: bool) -> Amounts:
    """What an attempt counts as: one that failed and did not tell had all that it was given.

    What one that came to its end did not tell of a limited unit is left out: it is not known.
    """
    limits, said = paid(left).to_json(), paid(told).to_json()
    untold = dict.fromkeys(PAID, 0) | limits
    if is_done:
        untold = {unit: 0 for unit in PAID if unit not in limits}
    return Amounts(**{**untold, **said})


def less(left: Amounts, spent: Amounts) -> Amounts:
    """What is left after something was spent; what is not known of it takes nothing away."""
    known = spent.to_json()
    return Amounts(
        **{unit: max(0, value - known.get(unit, 0)) for unit, value in left.to_json().items()}
    )


def is_used_up(left: Amounts) -> bool:
    """Whether nothing is left of something that is limited."""
    return any(value <= 0 for value in paid(left).to_json().values())


def added(one: Amounts, other: Amounts) -> Amounts:
    """What two attempts spent together; a unit that the later one did not tell is not known."""
    first, second = one.to_json(), other.to_json()
    return Amounts(**{unit: first.get(unit, 0) + second[unit] for unit in second})


def spent_by(
    held: Amounts, acts: Sequence[Mapping[str, Json]], checked: Sequence[Amounts], seconds: float
) -> Amounts:
    """What an iteration spent, as far as it is known; a unit that an act did not tell is left out.

    A checker that tells nothing spent nothing.

    Args:
        held: What was set aside for it.
        checked: What its checkers told.
        seconds: How long it acted and was checked.
    """
    units = {"time_s": max(1, round(seconds))}
    bounds = held.to_json()
    told = [parse_amounts(act.get("spent", {})).to_json() for act in acts]
    checks = [each.to_json() for each in checked]
    for unit in PAID:
        known = sum(each.get(unit, 0) for each in (*told, *checks))
        is_whole = all(unit in each for each in told)
        if is_whole or known > bounds.get(unit, 0):
            units[unit] = known
    return Amounts(**units)

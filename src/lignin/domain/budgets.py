"""Budgets: set aside before, settled after, so that what races never overspends. Pure.

A budget is a row of tickets. What a ticket set aside counts until it is settled, then what was spent
does. The rule is in the reducer (`domain/states/budgets.py`), so that the ledger refuses what does not
fit, whoever races.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.domain.loops import UNITS, Amounts

_WORDS = {"money_microusd": "micro-USD", "tokens": "tokens", "time_s": "seconds"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """What does not fit: the unit, what is asked for, and what is left."""

    unit: str
    asked: int
    left: int

    def __str__(self) -> str:
        return f"{self.asked} {_WORDS[self.unit]} asked for, {self.left} left"


def taken(body: Mapping[str, Json]) -> dict[str, int]:
    """What a budget's tickets hold and have spent, by unit."""
    held = [*body["held"].values(), body["spent"]]
    return {unit: sum(int(each.get(unit, 0)) for each in held) for unit in UNITS}


def shortfall(limits: Amounts, taken_: Mapping[str, int], asked: Amounts) -> Shortfall | None:
    """Return the first unit of which more is asked for than is left, or None where all fits.

    Of a unit that is limited something must be asked for: who sets nothing aside could spend anything.
    """
    bounds, wanted = limits.to_json(), asked.to_json()
    for unit, bound in bounds.items():
        left = bound - taken_.get(unit, 0)
        ask = wanted.get(unit, 1)
        if ask > left:
            return Shortfall(unit=unit, asked=ask, left=max(0, left))
    return None


def set_aside(once: Amounts, budget: Amounts, iterations: int) -> Amounts:
    """What an iteration sets aside: what the loop says, else an equal share of the budget."""
    bounds, said = budget.to_json(), once.to_json()
    share = {
        unit: min(said.get(unit, max(1, bound // iterations)), bound)
        for unit, bound in bounds.items()
    }
    return Amounts(**{**{u: v for u, v in said.items() if u not in bounds}, **share})


def at_most(amounts: Amounts, left: Mapping[str, int]) -> Amounts:
    """Amounts, cut to what is left of the units that are named."""
    told = amounts.to_json()
    return Amounts(**{unit: min(value, left.get(unit, value)) for unit, value in told.items()})


def left_of(limits: Amounts, taken_: Mapping[str, int]) -> dict[str, int]:
    """What is left of each unit that is limited."""
    return {unit: max(0, bound - taken_.get(unit, 0)) for unit, bound in limits.to_json().items()}


def settled(held: Amounts, told: Amounts) -> Amounts:
    """What counts as spent: what was told, and of what was not told all that was set aside."""
    return Amounts(**{**held.to_json(), **told.to_json()})

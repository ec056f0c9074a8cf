"""When a rate has grown: a test that may be looked at after every run. Pure.

Bets against "it happens no more often than usual", a fresh one begun at each run, their stakes adding up
to one. Under that hypothesis the wealth is a supermartingale that starts at one, so it ever reaches
`LIMIT` with probability 1 / `LIMIT` at most, however often one looks (Ville's inequality).

Source: Shafer, Testing by betting (2021); Shin, Ramdas and Rinaldo, E-detectors (2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LIMIT: Final = 20.0
MOST_USUAL: Final = 0.5
_GROWN: Final = (0.1, 0.3, 0.6)
"""What is bet on: the usual rate, and so much of what is left above it."""
_CAP: Final = 1e12


@dataclass(frozen=True, slots=True)
class Wealth:
    """What the bets came to after so many runs, one figure for each rate that was bet on."""

    runs: int = 0
    bets: tuple[float, ...] = (0.0,) * len(_GROWN)

    @property
    def total(self) -> float:
        """All bets with the stakes that are not yet laid."""
        return sum(self.bets) / len(self.bets) + 1 / (self.runs + 1)

    @property
    def has_grown(self) -> bool:
        """True where the rate is above the usual one, with the error that `LIMIT` allows."""
        return self.total >= LIMIT


def usual_rate(happened: int, tried: int) -> float:
    """Return a rate to hold later ones against, 0 to 0.5: never nothing, for little was seen."""
    return min(MOST_USUAL, (happened + 1) / (tried + 2))


def after(wealth: Wealth, happened: bool, usual: float) -> Wealth:
    """Return the wealth after one more run.

    Args:
        happened: What is counted did happen in it.
        usual: The rate that it is held against, above 0 and below 1.
    """
    runs = wealth.runs + 1
    stake = 1 / (runs * (runs + 1))
    bets = tuple(
        min(_CAP, (bet + stake) * _odds(usual, usual + (1 - usual) * grown, happened))
        for bet, grown in zip(wealth.bets, _GROWN, strict=True)
    )
    return Wealth(runs, bets)


def wealth_of(runs: int, bets: Sequence[float]) -> Wealth:
    """Return wealth as it was kept."""
    return Wealth(runs, tuple(bets))


def _odds(usual: float, grown: float, happened: bool) -> float:
    return grown / usual if happened else (1 - grown) / (1 - usual)

"""Evidence that may be looked at any time: wealth won by betting against a hypothesis. Pure.

A bettor who starts with 1 and bets against a hypothesis that is true holds 20 or more at any time with a
probability of at most 1 in 20 (Ville's inequality). So a test may stop whenever it likes. Sources:
Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, 2024; Ramdas and
others, Game-theoretic statistics and safe anytime-valid inference, 2023.
"""

import math
from collections import Counter
from collections.abc import Iterable

BETS = ((0.95, 0.3), (0.8, 0.22), (0.6, 0.16), (0.4, 0.12), (0.2, 0.1), (0.08, 0.06), (0.03, 0.04))
"""Shares of the wealth that are bet, each with the share of bettors that bet it."""
_LEAST, _MOST = 1e-290, 1e290
_AT_ONCE = 200  # the product of so many stays finite
SURE = _MOST
"""In place of wealth: what is known, and needs no evidence."""


_MOST_TOLD = 1e15


def told_wealth(value: float) -> float:
    """Return evidence as it is written down: six digits, and never beyond what JSON holds exactly."""
    return float(f"{min(value, _MOST_TOLD):.6g}")


class Wealth:
    """Bets that paired differences are above zero on average.

    Differences of one block must be of cases drawn at random: the product over a random subset of
    independent differences expects at most (1 + bet x mean) to the size (Maclaurin's inequality), so the
    wealth at the end of each block is fair against "the mean is not above zero", whichever cases differ.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = [share for _, share in BETS]

    def take(self, differences: Iterable[float], weight: float = 1.0) -> None:
        """Bet on differences, each from -1 to 1.

        Args:
            weight: What each of them counts for, from 0 to 1; less than 1 can only make it expect less
                (Jensen), so that it stays fair.
        """
        left = list(differences)
        for start in range(0, len(left), _AT_ONCE):
            some = Counter(left[start : start + _AT_ONCE]).items()
            for number, (bet, _) in enumerate(BETS):
                won = math.prod([(1 + bet * each) ** times for each, times in some])
                held = self._held[number] * (won if weight == 1 else won**weight)
                self._held[number] = min(max(held, _LEAST), _MOST)

    @property
    def value(self) -> float:
        """What the bettors hold together; they started with 1."""
        return sum(self._held)

"""Does a change gain on the cases that its proposer saw, and not on their hidden siblings? Pure."""

from collections.abc import Sequence

from lignin.evals.laws.wealth import Wealth

NEEDED = 20.0
"""A change that gains alike on both is called overfitted with at most one in so many times."""


def overfitted(shown: Sequence[float], hidden: Sequence[float]) -> bool:
    """Return whether the gain on hidden cases is shown to be less than half of that on shown ones.

    Args:
        shown: Differences of pairs on cases that the proposer saw, each from -1 to 1.
        hidden: The same on siblings that it did not see.
    """
    gain = sum(shown) / len(shown) if shown else 0.0
    if gain <= 0:
        return False
    half = gain / 2
    wealth = Wealth()
    wealth.take((half - each) / (1 + half) for each in hidden)
    return wealth.value >= NEEDED

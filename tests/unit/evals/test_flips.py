"""Differences of single cases, and what they may be wrong by."""

import pytest

from lignin.evals.flips import find_flips
from lignin.evals.laws.table import parse_table


def flip(before: tuple[int, int], after: tuple[int, int]) -> tuple[float, float]:
    def table(passed: int, trials: int):  # type: ignore[no-untyped-def]
        return parse_table({"case": "a", "trial": n, "resolved": n < passed} for n in range(trials))

    [found] = find_flips(table(*before), table(*after))
    return found.low, found.high


def test_interval_is_that_of_the_literature() -> None:
    """56 of 70 against 48 of 80, Newcombe's own example (method 10)."""
    low, high = flip((48, 80), (56, 70))
    assert (low, high) == (pytest.approx(0.0524, abs=5e-4), pytest.approx(0.3339, abs=5e-4))


def test_two_trials_are_never_clear() -> None:
    low, high = flip((0, 1), (1, 1))
    assert low < 0 < high

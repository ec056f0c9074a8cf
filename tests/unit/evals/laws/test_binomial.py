"""Exact intervals of shares."""

import pytest

from lignin.evals.laws.binomial import at_most, exact_interval


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (7, 10, 0.3475, 0.9333), (1, 2, 0.0126, 0.9874)],
)
def test_interval_is_that_of_the_tables(hits: int, count: int, low: float, high: float) -> None:
    assert exact_interval(hits, count) == pytest.approx((low, high), abs=1e-4)


def test_nothing_is_said_of_no_trials() -> None:
    assert exact_interval(0, 0) is None


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.9])
def test_interval_leaves_the_truth_out_no_more_often_than_said(rate: float) -> None:
    left_out = 0.0
    for hits in range(21):
        low, high = exact_interval(hits, 20) or (0, 0)
        chance = at_most(hits, 20, rate) - (at_most(hits - 1, 20, rate) if hits else 0.0)
        left_out += 0.0 if low <= rate <= high else chance
    assert left_out <= 0.05


def test_many_trials_do_not_overflow() -> None:
    low, high = exact_interval(5000, 10_000) or (0, 0)
    assert (round(low, 3), round(high, 3)) == (0.49, 0.51)

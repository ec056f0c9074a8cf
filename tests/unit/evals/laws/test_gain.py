"""How far a mean gain is known."""

import random

import pytest

from lignin.evals.laws.gain import mean_gain, student_reach


@pytest.mark.parametrize(
    ("free", "reach"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (30, 2.042), (200, 1.972)],
)
def test_reach_is_that_of_the_tables(free: int, reach: float) -> None:
    assert student_reach(free) == pytest.approx(reach, abs=6e-4)
    assert student_reach(201) == pytest.approx(student_reach(200), abs=1e-3)


def test_cases_that_all_came_to_the_same_leave_others_open() -> None:
    gain, between = mean_gain({name: [1.0] for name in "abcd"})
    assert (gain, between) == (1.0, pytest.approx((-0.204, 1.0), abs=1e-3))
    low, high = mean_gain({name: [0.0] * 20 for name in "abcd"})[1] or (0, 0)
    assert low == -high == pytest.approx(-0.602, abs=1e-3)
    assert mean_gain({name: [1.0] for name in "ab"}, least=0.0)[1] == pytest.approx(
        (0.158, 1.0), abs=1e-3
    )
    narrow = mean_gain({str(n): [1.0] for n in range(200)})[1]
    assert narrow == pytest.approx((0.963, 1.0), abs=1e-3)


def test_one_case_or_none_has_no_interval() -> None:
    assert mean_gain({}) == (None, None)
    assert mean_gain({"a": [0.5, 1.0]}) == (0.75, None)


@pytest.mark.parametrize(("cases", "pairs"), [(2, 10), (3, 10), (4, 5), (8, 5), (20, 5)])
def test_interval_leaves_the_truth_out_no_more_often_than_said(cases: int, pairs: int) -> None:
    rng, held, tries = random.Random(cases), 0, 1000
    for _ in range(tries):
        drawn = {
            str(case): [(rng.random() < 0.7) - (rng.random() < 0.3) for _ in range(pairs)]
            for case in range(cases)
        }
        low, high = mean_gain(drawn)[1] or (0, 0)
        held += low <= 0.4 <= high
    assert held / tries >= 0.93

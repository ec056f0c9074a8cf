"""Wealth is fair against what it bets against, levels sum to their budget, banks know what they saw."""

from itertools import product

import pytest

from lignin.evals.laws.bank import JEFFREYS, Bank, Banked, belief_of, expected, rates_of
from lignin.evals.laws.breaks import evidence, likely, missed, together
from lignin.evals.laws.levels import level
from lignin.evals.laws.wealth import BETS, Wealth


def mean_wealth(incumbent: list[float], candidate: list[float]) -> float:
    """The exact expectation of the wealth after one pair of each case, by all outcomes."""
    total = 0.0
    for outcome in product((0, 1), repeat=2 * len(incumbent)):
        chance, differences = 1.0, []
        for case, (old, new) in enumerate(zip(outcome[::2], outcome[1::2], strict=True)):
            chance *= incumbent[case] if old else 1 - incumbent[case]
            chance *= candidate[case] if new else 1 - candidate[case]
            differences.append(new - old)
        wealth = Wealth()
        wealth.take(differences)
        total += chance * wealth.value
    return total


def test_bettors_start_with_one() -> None:
    assert sum(share for _, share in BETS) == pytest.approx(1)
    assert Wealth().value == pytest.approx(1)


def test_nothing_is_won_on_average_where_nothing_is_better() -> None:
    assert mean_wealth([0.2, 0.7, 0.9], [0.2, 0.7, 0.9]) == pytest.approx(1)
    assert mean_wealth([0.2, 0.7], [0.1, 0.7]) < 1


def test_nothing_is_won_on_average_where_one_gains_what_another_loses() -> None:
    assert mean_wealth([0.2, 0.9], [0.6, 0.5]) < 1


def test_much_is_won_where_all_is_better() -> None:
    assert mean_wealth([0.1, 0.2], [0.9, 0.9]) > 2


def test_levels_stay_within_the_budget_however_many_proposals_come() -> None:
    assert sum(level(0.05, number, 0) for number in range(1, 200_000)) < 0.05
    assert level(0.05, 1, 0) > 0.05 / 10
    assert level(0.05, 7, 2) == pytest.approx(3 * level(0.05, 7, 0))


def test_bank_expects_what_it_saw() -> None:
    bank = Bank(cases={"a": Banked(9, 10)})
    assert bank.rate("a") == pytest.approx(9.5 / 11)
    assert bank.rate("unknown") == 0.5
    assert bank.trials("unknown") == 0


def test_failures_speak_for_a_break_and_passes_against_it() -> None:
    before = Banked(20, 20)
    assert evidence({"a": (before, Banked(0, 3))}) > 500
    assert evidence({"a": (before, Banked(3, 3))}) < 0.3
    assert likely({"a": (before, Banked(3, 3))}, 0.3) == pytest.approx(0.3**3)


def test_failures_of_a_case_that_was_tried_once_say_little() -> None:
    assert evidence({"a": (Banked(1, 1), Banked(0, 3))}) < 10


def test_failures_of_cases_that_break_together_are_counted_together() -> None:
    one = {"a": (Banked(10, 10), Banked(0, 1))}
    both = {**one, "b": (Banked(10, 10), Banked(0, 1))}
    assert evidence(both) > 4 * evidence(one)


def test_some_doubts_make_a_break_somewhere_sure() -> None:
    assert together([200.0] * 5 + [0.3] * 20) > 1000
    assert together([200.0] + [0.3] * 20) < 10
    assert together([]) == pytest.approx(1)


def test_suite_tells_lucky_cases_from_sound_ones() -> None:
    flaky = rates_of([Banked(n, 5) for n in (0, 1, 2, 3, 4, 5)] * 10)
    sound = rates_of([Banked(5, 5)] * 50 + [Banked(0, 5)] * 10)
    lucky, good = [expected(belief_of(Banked(5, 5), suite)) for suite in (flaky, sound)]
    assert lucky < 0.9 < 0.97 < good
    assert sum(flaky) == pytest.approx(1)
    assert rates_of([]) == JEFFREYS


def test_break_that_may_hide_in_few_trials_is_not_excluded() -> None:
    suite = rates_of([Banked(20, 20)] * 50)
    chances = [missed({"a": (Banked(20, 20), Banked(n, n))}, 0.3, suite) for n in (1, 2, 3, 4)]
    assert chances == sorted(chances, reverse=True)
    assert chances[1] > 0.03 > chances[2] - 0.001
    both = {name: (Banked(20, 20), Banked(3, 3)) for name in "ab"}
    assert missed(both, 0.3, suite) < chances[2] ** 2 * 1.1

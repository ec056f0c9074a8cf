"""Agreement: known values, nothing that is no number, and judges that are known to agree, or not."""

import math
import random

import pytest

from lignin.evals.laws.agreement import (
    Agreement,
    among_people,
    compare_agreement,
    weigh_agreement,
    with_people,
)

TWO, THREE = (0.0, 1.0), (0.0, 0.5, 1.0)


def table(*counts: int) -> list[list[tuple[int, int]]]:
    """A two by two table as pairs."""
    cells = ((0, 0), (0, 1), (1, 0), (1, 1))
    return [[cell] for cell, count in zip(cells, counts, strict=True) for _ in range(count)]


def noisy(truth: list[int], error: float, rng: random.Random, top: int = 2) -> list[int]:
    return [
        t if rng.random() >= error else min(top, max(0, t + rng.choice((-1, 1)))) for t in truth
    ]


@pytest.mark.parametrize(
    ("counts", "same", "kappa", "gwet"),
    [((40, 9, 6, 45), 0.85, 0.6995, 0.7007), ((118, 5, 2, 0), 0.944, -0.0234, 0.9408)],
)
def test_figures_are_those_of_the_literature(
    counts: tuple[int, ...], same: float, kappa: float, gwet: float
) -> None:
    found = weigh_agreement(table(*counts), TWO, seed="a")
    told = (found.same.value, found.kappa.value, found.gwet.value)
    assert told == pytest.approx((same, kappa, gwet), abs=6e-5)


def test_weighted_kappa_is_what_its_definition_says() -> None:
    rng = random.Random(3)
    one = [rng.randrange(3) for _ in range(50)]
    two = noisy(one, 0.4, rng)
    seen = sum((THREE[a] - THREE[b]) ** 2 for a, b in zip(one, two, strict=True)) / 50
    chance = sum((THREE[a] - THREE[b]) ** 2 for a in one for b in two) / 2500
    found = weigh_agreement(with_people(one, [[b] for b in two]), THREE, seed="a")
    assert found.kappa.value == pytest.approx(1 - seen / chance)


def test_a_near_miss_weighs_less_than_a_far_one() -> None:
    truth = [n % 3 for n in range(60)]
    near = [min(2, t + 1) if n % 5 == 0 and t < 2 else t for n, t in enumerate(truth)]
    far = [2 if n % 5 == 0 and t == 0 else t for n, t in enumerate(truth)]
    people = [[t] for t in truth]
    gwets = [
        weigh_agreement(with_people(j, people), THREE, seed="a").gwet.value for j in (near, far)
    ]
    assert gwets[0] is not None
    assert gwets[1] is not None
    same = [sum(a == b for a, b in zip(j, truth, strict=True)) for j in (near, far)]
    assert (1 - gwets[0]) / (60 - same[0]) < (1 - gwets[1]) / (60 - same[1])


def test_each_thing_counts_once_however_many_labelled_it() -> None:
    few = weigh_agreement(with_people([0, 1], [[0], [0]]), TWO, seed="a")
    many = weigh_agreement(with_people([0, 1], [[0] * 9, [0]]), TWO, seed="a")
    assert few.same.value == many.same.value == 0.5
    assert few.kappa.value == many.kappa.value


@pytest.mark.parametrize(
    "items", [[], [[]], [[(0, 0)]], [[(1, 1)]] * 30, [[(0, 1)]] * 30, [[(0, 0)], [(1, 1)]]]
)
def test_what_cannot_be_known_is_none_and_never_nan(items: list[list[tuple[int, int]]]) -> None:
    found = weigh_agreement(items, TWO, seed="a", draws=50)
    for each in (found.same, found.kappa, found.gwet):
        for number in (each.value, *(each.interval or ())):
            assert number is None or (math.isfinite(number) and -1 <= number <= 1)


def test_order_of_the_things_and_of_the_draws_is_nothing() -> None:
    rng = random.Random(1)
    truth = [rng.randrange(3) for _ in range(80)]
    judge = noisy(truth, 0.2, rng)
    pairs = with_people(judge, [[t] for t in truth])
    one = weigh_agreement(pairs, THREE, seed="a")
    assert weigh_agreement(pairs, THREE, seed="a") == one
    other = weigh_agreement(list(reversed(pairs)), THREE, seed="a")
    assert other.kappa.value == pytest.approx(one.kappa.value)


def test_full_agreement_of_a_few_is_not_certain() -> None:
    found = weigh_agreement(with_people([0, 1] * 5, [[0], [1]] * 5), TWO, seed="a")
    assert found.kappa.value == 1.0
    assert found.kappa.interval is not None
    assert found.kappa.interval[0] < 0.6


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    def once(number: int, size: int) -> Agreement:
        rng = random.Random(f"{number} {size}")
        truth = [rng.randrange(2) for _ in range(size)]
        judge = [t if rng.random() < 0.85 else 1 - t for t in truth]
        pairs = with_people(judge, [[t] for t in truth])
        return weigh_agreement(pairs, TWO, seed=str(number), draws=200)

    held = 0
    for number in range(120):
        between = once(number, 80).kappa.interval
        assert between is not None
        held += between[0] <= 0.7 <= between[1]
    assert held >= 105


def test_people_among_themselves_come_in_both_orders() -> None:
    assert sorted(among_people([[0, 1, 1]])[0]) == sorted([(0, 1), (1, 0)] * 2 + [(1, 1)] * 2)
    assert among_people([[0]]) == [[]]


@pytest.mark.parametrize(
    ("error", "new_error", "wanted"),
    [(0.1, 0.1, {"accept", "undecided"}), (0.3, 0.0, {"accept"}), (0.05, 0.6, {"reject"})],
)
def test_a_new_judge_is_judged_by_its_agreement(
    error: float, new_error: float, wanted: set[str]
) -> None:
    rng = random.Random(f"{error} {new_error}")
    truth = [rng.randrange(3) for _ in range(120)]
    people = [[t] for t in truth]
    told = compare_agreement(
        noisy(truth, error, rng), noisy(truth, new_error, rng), people, THREE, seed="a"
    )
    assert told.outcome in wanted


def test_flattering_is_not_agreeing() -> None:
    """Most runs are good: always saying so agrees more often than an honest judge, and is refused."""
    rng = random.Random(5)
    truth = [2 if rng.random() < 0.9 else 0 for _ in range(150)]
    honest = [t if rng.random() < 0.8 else 2 - t for t in truth]
    told = compare_agreement(honest, [2] * 150, [[t] for t in truth], THREE, seed="a")
    assert told.agreement.value is not None
    assert told.agreement.value > 0
    assert told.outcome == "reject"


def test_few_or_no_things_decide_nothing() -> None:
    few = compare_agreement([0, 1], [0, 1], [[0], [1]], TWO, seed="a")
    none = compare_agreement([], [], [], TWO, seed="a")
    assert (few.outcome, none.outcome) == ("undecided", "undecided")
    assert none.kappa.value is None

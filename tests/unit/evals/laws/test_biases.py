"""Biases: planted ones are found by name, fair judges are left alone, too little says nothing."""

import math
import random
from collections.abc import Callable

import pytest

from lignin.evals.laws.agreement import Figure
from lignin.evals.laws.biases import (
    Bias,
    compare_bias,
    length_beyond,
    position_bias,
    self_preference,
    shift_bias,
)

SIZE, SEEDS = 80, 60


def chooses(rng: random.Random, better: str, first: float) -> str:
    """Says what is so, or with some chance that the first one is better."""
    return "first" if rng.random() < first else better


def position(rng: random.Random, strength: float) -> Bias:
    pairs = []
    for _ in range(SIZE):
        better = rng.choice(("first", "second"))
        swapped = {"first": "second", "second": "first"}[better]
        if rng.random() < 0.1:  # unsteady either way
            better = rng.choice(("first", "second"))
        pairs.append((chooses(rng, better, strength), chooses(rng, swapped, strength)))
    return position_bias(pairs)


def length(rng: random.Random, strength: float) -> Bias:
    before = [rng.choice((0.0, 0.5, 1.0)) for _ in range(SIZE)]
    after = []
    for score in before:
        noise = rng.choice((-0.5, 0.5)) if rng.random() < 0.1 else 0.0
        lift = 0.5 if rng.random() < strength else 0.0
        after.append(min(1.0, max(0.0, score + noise + lift)))
    return shift_bias("length", before, after)


def beyond(rng: random.Random, strength: float) -> Bias:
    lengths = [rng.randrange(20, 2000) for _ in range(SIZE)]
    human = [rng.choice((0.0, 0.5, 1.0)) for _ in lengths]
    judged = []
    for each, true in zip(lengths, human, strict=True):
        lift = strength * (math.log(each) - 6) if strength else 0.0
        judged.append(min(1.0, max(0.0, true + lift + rng.gauss(0, 0.2))))
    return length_beyond(lengths, judged, human)


def own(rng: random.Random, strength: float) -> Bias:
    mine = [rng.random() < 0.5 for _ in range(SIZE)]
    human = [rng.choice((0.0, 0.5, 1.0)) for _ in mine]
    judged = [
        min(1.0, max(0.0, true + (strength if is_own else 0.0) + rng.gauss(0, 0.2)))
        for is_own, true in zip(mine, human, strict=True)
    ]
    return self_preference(mine, judged, human)


PLANTED: list[tuple[Callable[[random.Random, float], Bias], float]] = [
    (position, 0.3),
    (length, 0.3),
    (beyond, 0.2),
    (own, 0.25),
]


@pytest.mark.parametrize(("plant", "strength"), PLANTED)
def test_planted_biases_are_found_and_point_the_right_way(
    plant: Callable[[random.Random, float], Bias], strength: float
) -> None:
    found = [plant(random.Random(seed), strength) for seed in range(SEEDS)]
    assert sum(each.found is True for each in found) >= 0.9 * SEEDS
    assert all(each.effect.value is not None and each.effect.value > 0 for each in found)


@pytest.mark.parametrize("plant", [plant for plant, _ in PLANTED])
def test_fair_judges_are_left_alone(plant: Callable[[random.Random, float], Bias]) -> None:
    found = [plant(random.Random(f"fair {seed}"), 0.0) for seed in range(SEEDS)]
    assert sum(each.found is True for each in found) <= 0.15 * SEEDS


def test_a_judge_that_only_wavers_is_unsteady_and_not_biased() -> None:
    rng = random.Random(2)
    sides = ("first", "second")
    told = position_bias([(rng.choice(sides), rng.choice(sides)) for _ in range(200)])
    assert told.found is False
    assert told.more["flips"] > 0.4


def test_ties_lean_to_no_place() -> None:
    told = position_bias([("neither", "neither")] * 20 + [("first", "second")] * 20)
    assert (told.found, told.effect.value, told.more["flips"]) == (False, 0.0, 0.0)


def test_better_runs_of_one_s_own_are_no_preference() -> None:
    """Its own runs are better, and people say so too."""
    mine = [True] * 40 + [False] * 40
    human = [1.0] * 30 + [0.0] * 10 + [1.0] * 10 + [0.0] * 30
    assert self_preference(mine, human, human).found is False


@pytest.mark.parametrize(
    "bias",
    [
        position_bias([]),
        position_bias([("first", "first")] * 9),
        shift_bias("length", [], []),
        length_beyond([5] * 40, [0.0, 1.0] * 20, [0.0] * 40),
        self_preference([], [], []),
        self_preference([True] * 40, [1.0] * 40, [1.0] * 40),
        self_preference([True] * 20 + [False] * 20, [1.0] * 40, [1.0] * 20 + [0.0] * 20),
    ],
)
def test_too_little_says_nothing_and_why(bias: Bias) -> None:
    assert (bias.found, bias.effect.value) == (None, None)
    assert bias.why


def test_a_bias_of_a_new_judge_is_held_against_the_old_one_s() -> None:
    def bias(value: float | None, *, found: bool | None, spread: float = 0.1) -> Bias:
        between = None if value is None else (value - spread, value + spread)
        effect = Figure(value=value, interval=between)
        return Bias(kind="length", found=found, count=40, effect=effect)

    fair, strong = bias(0.0, found=False), bias(0.4, found=True)
    assert compare_bias(fair, strong)[0] == "worse"
    assert compare_bias(strong, fair)[0] == "no_worse"
    assert compare_bias(strong, strong)[0] == "no_worse"
    assert compare_bias(bias(0.15, found=False, spread=0.2), bias(0.2, found=True))[0] == "new"
    assert compare_bias(bias(None, found=None), strong)[0] == "unknown"

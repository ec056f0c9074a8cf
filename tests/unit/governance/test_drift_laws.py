"""A grown rate is seen soon, and one that did not grow hardly ever, however often one looks."""

import random

from lignin.governance.laws.drift import LIMIT, Wealth, after, usual_rate


def runs_until(rate: float, usual: float, rng: random.Random, most: int, calm: int = 0) -> int:
    """How many runs until growth is told; `most` where it never is. First `calm` usual ones."""
    wealth = Wealth()
    for number in range(calm + most):
        wealth = after(wealth, rng.random() < (usual / 2 if number < calm else rate), usual)
        if wealth.has_grown:
            return number - calm
    return most


def test_rate_that_did_not_grow_is_hardly_ever_told_to_have() -> None:
    rng = random.Random("calm")
    told = sum(runs_until(0.1, 0.1, rng, 400) < 400 for _ in range(1000))
    assert told / 1000 <= 1 / LIMIT


def test_grown_rate_is_told_soon_even_after_long_calm() -> None:
    rng = random.Random("grown")
    at_once = sorted(runs_until(0.6, 0.1, rng, 400) for _ in range(200))
    later = sorted(runs_until(0.6, 0.1, rng, 400, calm=300) for _ in range(200))
    assert at_once[100] < 12
    assert 0 < later[100] < 40
    assert later[-1] < 400


def test_usual_rate_is_never_nothing() -> None:
    assert usual_rate(0, 3) == 0.2
    assert usual_rate(0, 98) == 0.01
    assert usual_rate(9, 10) == 0.5

"""The revision that broke a fixed case is named, and none where the case is only flaky."""

import random

import pytest

from lignin.evals.laws.backslide import Found, find_backslide
from lignin.evals.laws.bank import Banked


def found(guilty: int | None, revisions: int, rate: float, low: float, seed: int) -> Found:
    """Search a log by chance; None has no guilty one."""
    rng = random.Random(seed)

    def trials(number: int, chance: float) -> Banked:
        return Banked(sum(rng.random() < chance for _ in range(number)), number)

    search = find_backslide(
        "case", revisions, trials(8, rate), trials(6, rate if guilty is None else low)
    )
    asks = next(search)
    try:
        while True:
            asks = search.send(
                [
                    float(rng.random() < (rate if guilty is None or ask.revision < guilty else low))
                    for ask in asks
                ]
            )
    except StopIteration as stop:
        result: Found = stop.value
        return result


@pytest.mark.parametrize(("rate", "low", "least"), [(0.98, 0.0, 59), (0.95, 0.3, 56)])
def test_guilty_revision_is_named(rate: float, low: float, least: int) -> None:
    seeds = range(60)
    named = [found(seed % 12, 12, rate, low, seed).revision == seed % 12 for seed in seeds]
    assert sum(named) >= least


def test_few_trials_are_enough_where_the_case_is_not_flaky() -> None:
    assert found(17, 30, 0.98, 0.0, 1).trials <= 20


def test_flaky_case_accuses_nobody() -> None:
    assert [found(None, 12, 0.95, 0.0, seed).revision for seed in range(20)] == [None] * 20


def test_log_without_moves_has_no_guilty_one() -> None:
    search = find_backslide("case", 0, Banked(5, 5), Banked(0, 5))
    with pytest.raises(StopIteration) as stop:
        next(search)
    assert stop.value.value == Found(revision=None, likely=(), trials=0)


def test_outages_are_no_trials() -> None:
    search = find_backslide("case", 4, Banked(5, 5), Banked(0, 5), most=6)
    asks = next(search)
    with pytest.raises(StopIteration) as stop:
        while True:
            asks = search.send([None] * len(asks))
    assert stop.value.value.revision is None

"""Rows without a name of their run: copies are told from runs of their own by their times, and by nothing else."""

import random
from typing import Any

import pytest

from lignin.evals.laws.claims import Asked
from lignin.evals.laws.copies import find_copies
from lignin.evals.laws.recorded import decide_recorded
from lignin.evals.laws.table import parse_table

Row = dict[str, Any]


def rows(seed: int, digits: int = 3, spread: float = 0.2, rate: float = 0.5) -> list[Row]:
    """Twelve cases, five trials each, of a system whose times spread by so much of them."""
    rng = random.Random(seed)
    return [
        {
            "case": f"c{case}",
            "trial": trial,
            "score": int(rng.random() < rate),
            "latency_s": round(2.0 * (1 + case) * rng.uniform(1 - spread, 1 + spread), digits),
            "tokens": 100 * case,
            "said": f"done with {case}",
        }
        for case in range(12)
        for trial in range(5)
    ]


def copied(given: list[Row], many: int) -> list[Row]:
    """The same, of some cases the last trial a copy of the first one."""
    found = list(given)
    for case in range(many):
        found[5 * case + 4] = {**given[5 * case], "trial": 4}
    return found


def kinds(old: list[Row], new: list[Row]) -> list[str]:
    return [each.kind for each in find_copies(parse_table(old), parse_table(new))]


@pytest.mark.parametrize("seed", range(5))
def test_runs_of_their_own_are_no_copies(seed: int) -> None:
    assert kinds(rows(seed), rows(seed + 100)) == []
    for digits in (0, 1, 2, 6):
        assert kinds(rows(seed, digits), rows(seed + 100, digits)) == [], digits


def test_five_copies_of_sixty_are_named_and_nothing_is_accepted_on_them() -> None:
    old, new = rows(1, rate=0.05), rows(2, rate=0.98)
    assert decide_recorded(parse_table(old), parse_table(new), Asked()).verdict == "accept"
    verdict = decide_recorded(parse_table(old), parse_table(copied(new, 5)), Asked())
    assert verdict.verdict == "undecided"
    [fault] = verdict.faults
    assert fault.kind == "duplicate_trial"
    assert "candidate c0 trial 4 (as candidate c0 trial 0)" in fault.told


def test_rows_of_the_other_side_are_named_too() -> None:
    old, new = rows(1), rows(2)
    new[:3] = old[:3]
    assert kinds(old, new) == ["duplicate_trial"]


def test_one_run_that_was_written_down_for_every_trial_is_named() -> None:
    once = [
        {**row, "latency_s": rows(1)[row["trial"] * 0 + 5 * int(row["case"][1:])]["latency_s"]}
        for row in rows(2)
    ]
    assert kinds(once, rows(3)) == ["duplicate_trial"]


def test_deterministic_system_comes_to_the_same_by_right() -> None:
    """Where no times are told, or only coarsely, nobody can tell."""
    same = [{**row, "score": 1} for row in rows(1)]
    for row in same:
        del row["latency_s"]
    assert kinds(same, same) == []
    assert kinds(rows(1, digits=0, spread=0.01), rows(2, digits=0, spread=0.01)) == []
    steady = [
        {**row, "latency_s": round(2 + 0.001 * random.Random(n).random(), 3)}
        for n, row in enumerate(same)
    ]
    assert kinds(steady, rows(3)) == []


def test_what_was_set_is_no_time_that_was_measured() -> None:
    given = [{**row, "latency_s": 30.123, "timeout_s": row["trial"] + 0.123} for row in rows(1)]
    assert kinds(given, given) == []


def test_sessions_of_their_own_are_believed() -> None:
    old, new = rows(1), copied(rows(2), 5)
    named = [{**row, "session": f"s{n}"} for n, row in enumerate(new)]
    assert kinds(old, new) == ["duplicate_trial"]
    assert kinds(old, named) == []

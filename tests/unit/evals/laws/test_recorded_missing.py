"""Recorded trials of which a part is not there: never let go, and named where that can be seen."""

from collections import Counter
from typing import Any

import pytest

from lignin.evals.laws.complete import Expected
from lignin.evals.laws.covered import LEAST_COVERED
from lignin.evals.laws.table import parse_table
from unit.evals.laws.recorded_rows import NEW, OLD, TARGET, Row, decide, rows


def without(case: str, count: int) -> list[Row]:
    """The new rows without some trials of a case."""
    return [row for row in NEW if row["case"] != case or row["trial"] >= count]


@pytest.mark.parametrize("case", ["c20", "c0"])
@pytest.mark.parametrize("is_told", [True, False])
def test_trials_that_one_side_lacks_are_missing_and_never_let_go(case: str, is_told: bool) -> None:
    """Of 40 cases one, so that all in all nearly everything is told."""
    infra = [
        {**row, "score": None, "error": "infrastructure: node lost"}
        if row["case"] == case and row["trial"] < 6
        else row
        for row in NEW
    ]
    verdict = decide(OLD, infra if is_told else without(case, 6))
    assert verdict.verdict == "undecided"
    assert verdict.missing == 6
    assert verdict.covered > LEAST_COVERED
    assert [(each.kind, each.where) for each in verdict.faults] == [("too_much_missing", (case,))]
    assert verdict.unclear == (() if case == "c0" else (case,))


def dropped(given: list[Row], score: int, *, is_told: bool) -> list[Row]:
    """Rows without five of a score of each case of the target, or with these as outages."""
    gone: Counter[str] = Counter()
    left = []
    for row in given:
        if row["case"] in TARGET and row["score"] == score and gone[row["case"]] < 5:
            gone[row["case"]] += 1
            if is_told:
                left.append({**row, "score": None, "error": "infrastructure: 503"})
        else:
            left.append(row)
    return left


@pytest.mark.parametrize("sides", ["candidate", "both"])
@pytest.mark.parametrize("is_told", [True, False])
def test_rows_that_were_taken_out_of_the_target_count_at_their_worst(
    sides: str, is_told: bool
) -> None:
    for seed in range(3):
        old = rows(seed, target=0.5, trials=20) + more(seed)
        new = rows(50 + seed, target=0.5, trials=20) + more(50 + seed)
        kept = dropped(old, 1, is_told=is_told) if sides == "both" else old
        verdict = decide(kept, dropped(new, 0, is_told=is_told), level=0.05)
        assert verdict.verdict == "undecided"
        assert verdict.covered > LEAST_COVERED
        assert set(TARGET) & set(verdict.faults[-1].where)


def more(seed: int) -> list[Row]:
    """Other cases, so that all in all nearly everything is told."""
    given = rows(1000 + seed, target=0.97, trials=20)
    return [{**row, "case": f"{which}{row['case']}"} for which in "xyz" for row in given]


def test_how_often_the_target_was_to_be_tried_may_be_said() -> None:
    some = [
        [row for row in given if row["case"] not in TARGET or row["trial"] < 8]
        for given in (rows(1, trials=20), rows(2, target=0.6, trials=20))
    ]
    silent = decide(*some)
    assert (silent.verdict, silent.faults[-1].where) == ("undecided", TARGET)
    assert decide(*some, expected=Expected(trials=8)).verdict == "accept"


def test_incumbents_passes_that_were_taken_out_of_the_target_are_missed() -> None:
    verdict = decide([row for row in OLD if row["case"] != "c1" or row["trial"] > 5], NEW)
    assert verdict.verdict == "undecided"
    assert "c1" in verdict.faults[0].told


def test_fewer_trials_throughout_are_no_missing_ones() -> None:
    verdict = decide(rows(1, trials=20), NEW)
    assert (verdict.verdict, verdict.missing) == ("accept", 0)


def test_lost_trial_here_and_there_is_no_hiding_place() -> None:
    verdict = decide(OLD, [row for row in NEW if (row["case"], row["trial"]) != ("c20", 3)])
    assert (verdict.verdict, verdict.missing) == ("accept", 1)


def whole(rows_: list[Row]) -> list[Row]:
    return [{**row, "of_rows": len(rows_)} for row in rows_]


@pytest.mark.parametrize(
    "part",
    [
        lambda held: held[:-1],
        lambda held: held[: len(held) // 2],
        lambda held: [row for row in held if row["trial"] < 9],
        lambda held: [*held, {**held[0], "trial": 99}],
    ],
)
def test_part_of_what_its_rows_declare_is_never_accepted(part: Any) -> None:
    assert decide(whole(OLD), whole(NEW)).verdict == "accept"
    for old, new in ((OLD, part(whole(NEW))), (part(whole(OLD)), NEW)):
        verdict = decide(old, new)
        assert verdict.verdict != "accept"
        assert "incomplete" in {each.kind for each in verdict.faults}
        assert any("it is of 400 rows and" in each.told for each in verdict.faults)


@pytest.mark.parametrize(
    ("declares", "told"),
    [
        ({"rows": 400, "cases": 40, "trials": 10}, ""),
        ({"cases": sorted({row["case"] for row in OLD})}, ""),
        ({"rows": 500}, "it is of 500 rows and 400 are there"),
        ({"cases": 41}, "it is of 41 cases and 40 are there"),
        ({"cases": [*(f"c{n}" for n in range(40)), "c99"]}, "these cases are not there: c99"),
        ({"cases": [f"c{n}" for n in range(39)]}, "these cases were not declared: c39"),
        ({"trials": 11}, "it is of 11 trials a case"),
        ({"rows": "many"}, "it is of 'many' rows"),
        ({"files": 3}, "a declaration that is none"),
        (7, "a declaration that is none"),
    ],
)
def test_a_row_may_declare_what_the_whole_was(declares: Any, told: str) -> None:
    table = parse_table([*OLD, {"declares": declares}])
    assert table.trials == 400
    assert [each.kind for each in table.faults] == (["incomplete"] if told else [])
    assert all(told in each.told for each in table.faults)


def test_side_that_lacks_what_the_suite_expects_is_named() -> None:
    cases = tuple(f"c{n}" for n in range(41))
    verdict = decide(OLD, NEW, expected=Expected(cases=cases[:-1], trials=10))
    assert verdict.verdict == "accept"
    verdict = decide(OLD, NEW, expected=Expected(cases=cases))
    assert verdict.verdict == "undecided"
    assert {each.kind for each in verdict.faults} == {"incomplete"}
    assert (
        "trials of the incumbent are not complete: these cases are not there: c40"
        in (verdict.reasons[0])
    )
    thin = [row for row in NEW if row["trial"] < 8]
    old = [row for row in OLD if row["trial"] < 8]
    verdict = decide(old, thin, expected=Expected(trials=10))
    assert verdict.verdict != "accept"
    assert "fewer than 10 trials are there of c0, c1" in verdict.reasons[0]

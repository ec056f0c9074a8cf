"""Recorded trials of claims other than a gain: what they show, and what they leave open."""

from typing import Any

import pytest

from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.claims import NOTHING_WORKS, Asked
from lignin.evals.laws.no_worse import weigh_no_worse
from lignin.evals.laws.recorded import decide_recorded
from lignin.evals.laws.table import parse_table
from unit.evals.laws.recorded_rows import NEW, OLD, claimed, decide, priced, renumbered, rows, sound


def test_no_worse_rests_on_no_order_either() -> None:
    old = [{**row, "cost_usd": 2.0} for row in rows(1, target=0.6, others=0.6, trials=40)]
    new = [{**row, "cost_usd": 1.0} for row in rows(2, target=0.5, others=0.5, trials=40)]
    for wins_first in (True, False):
        verdict = decide_recorded(
            parse_table(old),
            parse_table(renumbered(new, wins_first=wins_first)),
            Asked(claim="no_worse_and_cheaper"),
        )
        assert verdict.verdict != "accept"


def test_removal_that_costs_nothing_and_saves_is_accepted() -> None:
    verdict = claimed(
        priced(sound(1), 2.0),
        priced(sound(2), 1.0),
        claim="no_worse_and_cheaper",
        saving="cost_usd",
    )
    assert verdict.verdict == "accept"
    assert verdict.margin_left is not None and 0.02 < verdict.margin_left < 0.05
    assert "cost_usd falls" in verdict.reasons[0]


def test_removal_that_loses_the_margin_is_not_accepted() -> None:
    verdict = claimed(
        priced(sound(1), 2.0),
        priced(sound(2, loss=0.06), 1.0),
        claim="no_worse_and_cheaper",
        saving="cost_usd",
    )
    assert verdict.verdict == "reject"


@pytest.mark.parametrize(("loss", "verdict"), [(0.05, {"undecided", "reject"}), (0.0, {"accept"})])
def test_trials_of_a_safe_case_buy_nothing_that_others_lost(loss: float, verdict: set[str]) -> None:
    """One case passes always, and has fifty times the trials of the others."""
    old, new = priced(sound(1), 2.0), priced(sound(2, loss), 1.0)
    others = [row for row in new if row["case"] != "c39"]
    fair, padded = [
        [*others, *({**new[-1], "trial": trial, "score": 1} for trial in range(many))]
        for many in (40, 50 * 40)
    ]
    asked: Any = {"claim": "no_worse_and_cheaper", "saving": "cost_usd"}
    assert claimed(old, fair, **asked).verdict in verdict
    told = claimed(old, padded, **asked)
    assert told.verdict in verdict
    assert told.wealth == pytest.approx(claimed(old, fair, **asked).wealth)
    release = Bank(cases={f"c{n}": Banked(10, 10) for n in range(40)})
    scores = {f"c{n}": [0.0] * (n < 2) + [1.0] * (10 - (n < 2)) for n in range(40)}
    even = weigh_no_worse(release, scores, 0.05, 0.005)
    more = weigh_no_worse(release, {**scores, "c39": [1.0] * 500}, 0.05, 0.005)
    assert more.wealth == pytest.approx(even.wealth)


@pytest.mark.parametrize(("cost", "column"), [(2.0, "cost_usd"), (1.0, "absent"), (2.0, "")])
def test_no_worse_without_a_saving_is_not_accepted(cost: float, column: str) -> None:
    verdict = claimed(
        priced(sound(1), 2.0), priced(sound(2), cost), claim="no_worse_and_cheaper", saving=column
    )
    assert verdict.verdict == "undecided"
    assert "no saving" in verdict.reasons[-1]


def test_release_of_few_trials_is_too_thin_to_be_no_worse_than() -> None:
    verdict = claimed(
        rows(1, trials=1), rows(2, trials=30), claim="no_worse_and_cheaper", saving="cost_usd"
    )
    assert verdict.verdict == "undecided"
    assert any("too few trials" in reason for reason in verdict.reasons)


def test_gain_that_costs_far_more_or_does_what_is_forbidden_is_refused() -> None:
    assert decide(priced(OLD, 1.0), priced(NEW, 1.1)).verdict == "accept"
    dear = decide(priced(OLD, 1.0), priced(NEW, 3.0))
    assert dear.verdict == "reject"
    assert "cost_usd grows" in dear.reasons[0]
    bad = decide(OLD, [{**row, "forbidden": row["case"] == "c12"} for row in NEW])
    assert (bad.verdict, "c12" in bad.reasons[0]) == ("reject", True)


@pytest.mark.parametrize("told", ["no", "false", "yes", [], ["paid"], {}, 2, 0.5, float("nan")])
def test_forbidden_that_is_neither_true_nor_false_is_a_fault_by_name(told: object) -> None:
    for old, new in (
        (OLD, [{**row, "forbidden": told} for row in NEW]),
        ([{**row, "forbidden": told} for row in OLD], NEW),
    ):
        verdict = decide(old, new)
        assert verdict.verdict != "accept"
        assert next(each.kind for each in verdict.faults) == "not_yes_or_no"
        assert not any("does what is forbidden" in reason for reason in verdict.reasons)


@pytest.mark.parametrize("told", [False, 0, 0.0, None, ""])
def test_forbidden_that_is_false_or_not_told_is_none(told: object) -> None:
    assert decide(OLD, [{**row, "forbidden": told} for row in NEW]).verdict == "accept"


@pytest.mark.parametrize("told", [True, 1, 1.0])
def test_forbidden_that_is_true_or_one_is_refused(told: object) -> None:
    verdict = decide(OLD, [{**row, "forbidden": told} for row in NEW])
    assert (verdict.verdict, verdict.faults) == ("reject", ())


def test_equivalent_is_the_same_in_every_trial() -> None:
    told = [{**row, "effects": "x"} for row in OLD]
    assert claimed(told, told[::-1], claim="equivalent").verdict == "undecided"  # a copy
    seen = [{**row, "at": 2} for row in told]
    assert claimed(told, seen, claim="equivalent").verdict == "accept"
    other = [{**row, "effects": "y"} if row["case"] == "c9" else row for row in seen]
    assert claimed(told, other, claim="equivalent").verdict == "reject"
    assert claimed(told, seen[1:], claim="equivalent").verdict == "undecided"


def test_no_regression_asks_for_no_gain_and_refuses_a_break() -> None:
    kept = claimed(sound(1), sound(2), claim="no_regression")
    assert (kept.verdict, kept.broken) == ("accept", ())
    before = sound(1)
    worse = [{**row, "score": 0.0} if row["case"] == before[0]["case"] else row for row in sound(2)]
    broken = claimed(before, worse, claim="no_regression")
    assert (broken.verdict, broken.broken) == ("reject", (before[0]["case"],))


def test_no_regression_is_undecided_where_nothing_works() -> None:
    old, new = (rows(seed, target=0.1, others=0.1, trials=10) for seed in (1, 2))
    told = claimed(old, new, claim="no_regression")
    assert (told.verdict, told.guarded, told.reasons[-1]) == ("undecided", 0, NOTHING_WORKS)

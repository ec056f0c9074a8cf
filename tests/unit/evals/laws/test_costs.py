"""Costs: a sum that grows counts as it is, a cost that is told must be one, and goes on being told."""

import math
import random
from typing import Any

import pytest

from lignin.evals.laws.recorded import Verdict
from lignin.evals.laws.savings import weigh_saving
from lignin.evals.laws.table import parse_table
from unit.evals.laws.recorded_rows import NEW, OLD, Row, claimed, decide, priced, sound

DEAR = "c33"


def with_cost(rows: list[Row], column: str, cost: Any, case: str = DEAR) -> list[Row]:
    return [{**row, column: cost} if row["case"] == case else row for row in rows]


def faults(verdict: Verdict) -> list[tuple[str, str]]:
    return [(each.kind, each.told) for each in verdict.faults]


def test_one_case_in_forty_that_costs_hundreds_of_times_as_much_is_refused_by_name() -> None:
    verdict = decide(priced(OLD, 0.01), with_cost(priced(NEW, 0.01), "cost_usd", 8.34))
    assert verdict.verdict == "reject"
    assert f"most of it in {DEAR} (0.0109 to 8.34), in each trial of these" in verdict.reasons[0]


def test_sum_that_grew_by_a_single_dear_trial_is_left_open() -> None:
    """One of ten trials ran away: nobody can say whether it does so more often now."""
    dear = [
        {**row, "cost_usd": 8.34} if (row["case"], row["trial"]) == (DEAR, 3) else row
        for row in priced(NEW, 0.01)
    ]
    verdict = decide(priced(OLD, 0.01), dear)
    assert verdict.verdict == "undecided"
    assert verdict.reasons[0].startswith("whether cost_usd grows is not clear: ")
    assert DEAR in verdict.reasons[0]


def test_sum_that_less_than_doubles_is_let_pass() -> None:
    verdict = decide(priced(OLD, 0.01), with_cost(priced(NEW, 0.01), "cost_usd", 0.3))
    assert verdict.verdict == "accept"
    [cost] = verdict.savings
    assert cost.total is not None and 1.5 < cost.total.times < 2
    assert cost.to_json()["grown_cases"] == []


def test_saving_on_most_cases_is_none_where_all_together_cost_more() -> None:
    lean = with_cost(priced(sound(2), 0.5), "cost_usd", 40.0)
    verdict = claimed(priced(sound(1), 1.0), lean, claim="no_worse_and_cheaper", saving="cost_usd")
    assert verdict.verdict == "undecided"
    assert "no saving of cost_usd is shown" in verdict.reasons[-1]


@pytest.mark.parametrize(
    "bad", ["free", "8.34", math.nan, math.inf, -1, True, 1e301, {"in": 9}, [9]]
)
def test_what_is_no_cost_is_a_fault_by_name(bad: Any) -> None:
    verdict = decide(priced(OLD, 0.01), with_cost(priced(NEW, 0.01), "cost_usd", bad))
    assert verdict.verdict == "undecided"
    assert ("not_a_cost", f"cost_usd is no number of 0 or more: candidate {DEAR} trial 0") in [
        (kind, told.split(",")[0]) for kind, told in faults(verdict)
    ]


@pytest.mark.parametrize("left_out", ["all", "one case", "most of one case"])
def test_cost_that_the_incumbent_tells_has_to_be_told_on(left_out: str) -> None:
    new = [
        {name: value for name, value in row.items() if name != "cost_usd"}
        if left_out == "all"
        or (row["case"] == DEAR and (left_out == "one case" or row["trial"] > 3))
        else row
        for row in priced(NEW, 0.01)
    ]
    verdict = decide(priced(OLD, 0.01), new)
    assert verdict.verdict == "undecided"
    [(kind, told)] = faults(verdict)
    assert kind == "cost_not_told"
    assert DEAR in told or left_out == "all"


def test_cost_that_was_never_told_or_told_now_and_then_is_no_fault() -> None:
    assert decide(OLD, priced(NEW, 0.01)).verdict == "accept"
    seldom = [row if row["trial"] % 2 else {**row, "cost_usd": None} for row in priced(OLD, 0.01)]
    other = [{**row, "cost_usd": None} if row["trial"] % 2 else row for row in priced(NEW, 0.01)]
    assert decide(seldom, other).verdict == "accept"
    crashed = [
        {"case": row["case"], "trial": row["trial"], "error": "killed"}
        if (row["case"], row["trial"]) == ("c0", 3)
        else row
        for row in priced(NEW, 0.01)
    ]
    assert faults(decide(priced(OLD, 0.01), crashed)) == []


@pytest.mark.parametrize(
    ("before_s", "after_s", "verdict"),
    [(0.004, 0.04, "accept"), (0.2, 0.235, "accept"), (0.2, 0.5, "reject"), (0.04, 0.3, "reject")],
)
def test_latency_grows_only_by_what_is_more_than_the_machine_takes(
    before_s: float, after_s: float, verdict: str
) -> None:
    def timed(rows: list[Row], latency_s: float, seed: int) -> list[Row]:
        rng = random.Random(seed)
        return [{**row, "latency_s": latency_s * rng.uniform(0.95, 1.05)} for row in rows]

    assert decide(timed(OLD, before_s, 3), timed(NEW, after_s, 4)).verdict == verdict


@pytest.mark.parametrize(("waits_s", "verdict"), [(90.0, "accept"), (900.0, "undecided")])
def test_one_trial_that_waits_for_the_machine_leaves_nothing_open(
    waits_s: float, verdict: str
) -> None:
    old = [{**row, "latency_s": 0.04} for row in OLD]
    new = [{**row, "latency_s": 0.04} for row in NEW]
    late = next(n for n, row in enumerate(new) if (row["case"], row["trial"]) == (DEAR, 3))
    new[late] = {**new[late], "latency_s": waits_s}
    assert decide(old, new).verdict == verdict


def test_decision_of_before_weighs_ratios_of_pairs_alone() -> None:
    old, new = parse_table(priced(OLD, 0.01)), parse_table(with_cost(NEW, "cost_usd", 8.34))
    then = weigh_saving(old, new, "cost_usd")
    assert then is not None and then.total is None and "times" not in then.to_json()

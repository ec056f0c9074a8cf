"""Costs of live decisions: what the guard tried is compared, too, with what the incumbent cost before."""

from collections.abc import Mapping
from typing import Any

import pytest

from lignin.evals.laws.costs import Priced
from lignin.evals.laws.course import Arm
from lignin.evals.live import conclude
from lignin.evals.plans import parse_plan
from unit.evals.test_live import CASES, FINE, PROVEN, RELEASE, body, plan

Trials = list[tuple[Arm, Mapping[str, Any]]]
COST = "cost_microusd"


def known(cost: float, told: int = 6) -> dict[str, dict[str, Priced]]:
    each = Priced(mean=cost, most=1.2 * cost, told=told, of=told)
    return {COST: dict.fromkeys(CASES, each)}


def tried(target: int | None, guarded: int | None, times: int = 4, **more: Any) -> Trials:
    """Pairs of the target, all of which cost 100 before, and trials of the candidate on what is guarded."""
    pairs: Trials = [
        (arm, {**each, COST: target if arm == "candidate" else 100})  # type: ignore[misc]
        for arm, each in FINE
    ]
    for case in "bcd":
        cost = guarded if case == "c" else target
        pairs += [
            ("candidate", body(case, n, 1.0, "passed", **{COST: cost}, **more))
            for n in range(times)
        ]
    return pairs


@pytest.mark.parametrize(
    ("guarded", "times", "verdict"),
    [(100, 4, "accept"), (83_400, 4, "reject"), (83_400, 1, "undecided"), (250, 4, "accept")],
)
def test_growth_on_a_guarded_case_counts_as_it_is(guarded: int, times: int, verdict: str) -> None:
    told = conclude(plan(costs=known(100.0)), PROVEN, tried(100, guarded, times))
    assert told["verdict"] == verdict
    if verdict != "accept":
        assert "most of it in c (100 to 8.34e+04)" in told["reasons"][0]  # type: ignore[index,operator]
        assert PROVEN.reasons[0] not in told["reasons"]  # type: ignore[operator]


def test_decision_of_before_comes_to_what_it_came_to() -> None:
    old = plan()
    assert old.costs is None
    told = conclude(parse_plan(old.to_json()), PROVEN, tried(100, 83_400))
    assert told["verdict"] == "accept"
    assert all("times" not in each for each in told["savings"])  # type: ignore[union-attr,operator]


def test_growth_on_the_target_is_not_thinned_by_what_is_guarded() -> None:
    dear = [
        (arm, {**each, COST: 300} if each["case"] == "a" and arm == "candidate" else each)
        for arm, each in tried(100, 100, times=200)
    ]
    told = conclude(plan(costs=known(100.0)), PROVEN, dear)
    assert told["verdict"] == "reject"


def test_cost_that_only_the_candidate_leaves_out_is_a_fault() -> None:
    told = conclude(plan(costs=known(100.0)), PROVEN, tried(100, None))
    assert told["verdict"] == "undecided"
    [fault] = told["faults"]  # type: ignore[misc]
    assert (fault["kind"], fault["where"]) == ("cost_not_told", ["c"])  # type: ignore[index,call-overload]
    never = conclude(plan(costs={}), PROVEN, [(a, {**b, COST: None}) for a, b in tried(100, 100)])
    assert (never["verdict"], never["faults"]) == ("accept", [])


def test_time_on_file_is_no_time_beside() -> None:
    """Of the release's trials nobody knows how fast the machine was then."""
    slow = [
        ("candidate", body(case, number, 1.0, "passed", latency_s=9.0))
        for case in CASES
        for number in range(20)
    ]
    fast = [
        body(case, number, 1.0, "passed", latency_s=1.0) for case in CASES for number in range(20)
    ]
    asked: dict[str, Any] = {"claim": "no_worse_and_cheaper", "target": (), "release": RELEASE}
    told = conclude(plan(**asked, costs={}), PROVEN, slow, fast)  # type: ignore[arg-type]
    assert told["verdict"] == "accept" and told["savings"] == []
    named = conclude(plan(**asked, costs={}, saving="latency_s"), PROVEN, slow, fast)  # type: ignore[arg-type]
    assert named["verdict"] == "reject"


def test_costs_are_the_same_after_the_plan_was_written() -> None:
    asked = plan(costs=known(12.5))
    assert parse_plan(asked.to_json()) == asked


def test_plan_of_before_leaves_open_what_one_slow_trial_may_be_by_chance() -> None:
    told = [(arm, {**each, "latency_s": 0.04}) for arm, each in tried(100, 100)]
    late = next(n for n, (arm, _) in enumerate(told) if arm == "candidate")
    told[late] = "candidate", {**told[late][1], "latency_s": 3.0}
    now = plan(costs=known(100.0))
    assert conclude(now, PROVEN, told)["verdict"] == "accept"
    before = parse_plan({name: each for name, each in now.to_json().items() if name != "chances"})
    assert conclude(before, PROVEN, told)["verdict"] == "undecided"

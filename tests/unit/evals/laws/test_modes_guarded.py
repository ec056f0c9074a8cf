"""A mode that is guarded by some of its cases: one that failed is followed up until its own trials clear it."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.claims import Asked
from lignin.evals.laws.course import Ask, Course
from lignin.evals.laws.guard import Guarded, guard
from lignin.evals.laws.recorded import Verdict, decide_recorded
from lignin.evals.laws.table import parse_table
from lignin.evals.laws.watch import Care, Unit

MODES = {f"mode{mode}": tuple(f"m{mode}c{case}" for case in range(5)) for mode in range(10)}
UNITS = tuple(Unit(name=mode, cases=cases) for mode, cases in MODES.items())
CASES = tuple(case for cases in MODES.values() for case in cases)
BROKEN = "m3c2"


def drive(
    course: Course[Guarded], rates: Mapping[str, float], before: Mapping[str, float], seed: int
) -> tuple[Guarded, list[tuple[Ask, float]]]:
    rng, made = random.Random(seed), list[tuple[Ask, float]]()
    try:
        asks = next(course)
        while True:
            given = [(rates if ask.arm == "candidate" else before)[ask.case] for ask in asks]
            scores = [float(rng.random() < rate) for rate in given]
            made += zip(asks, scores, strict=True)
            asks = course.send(scores)
    except StopIteration as stop:
        result: Guarded = stop.value
        return result, made


def guarded(
    rates: Mapping[str, float], seed: int, before: Mapping[str, float] | None = None, **care: Any
) -> tuple[Guarded, list[tuple[Ask, float]]]:
    stood = before or dict.fromkeys(CASES, 0.97)
    rng = random.Random(f"bank {seed}")
    bank = {
        case: Banked(float(sum(rng.random() < stood[case] for _ in range(10))), 10)
        for case in CASES
    }
    course = guard(UNITS, Bank(cases=bank), random.Random(seed), replace(Care(), **care))
    return drive(course, rates, stood, seed)


def saw_it_fail(made: list[tuple[Ask, float]]) -> bool:
    return (Ask("candidate", BROKEN), 0.0) in made


def let_through(runs: int, **care: Any) -> tuple[int, int]:
    """Of the runs in which the broken case was seen to fail: how many there were, how many let it go."""
    rates = {**dict.fromkeys(CASES, 0.97), BROKEN: 0.0}
    seen = [guarded(rates, seed, **care) for seed in range(runs)]
    failed = [found for found, made in seen if saw_it_fail(made)]
    return len(failed), sum(found.verdict == "holds" for found in failed)


def test_case_that_was_seen_to_fail_is_not_cleared_by_others_of_its_mode() -> None:
    failed, passed = let_through(60)
    assert failed >= 30
    assert passed == 0
    _, before = let_through(60, follows=False)
    assert before >= 10, "the rule that is tested is what holds it"


def test_case_that_broke_by_itself_is_named() -> None:
    found = [guarded({**dict.fromkeys(CASES, 0.97), BROKEN: 0.0}, seed)[0] for seed in range(20)]
    broken = [each for each in found if each.verdict == "broken"]
    assert broken
    assert {each.broken for each in broken} == {("mode3",)}
    assert {each.culprits["mode3"] for each in broken} == {(BROKEN,)}


def test_flaky_cases_of_modes_raise_no_alarm_and_few_more_trials() -> None:
    flaky = {case: 0.8 if case.endswith("c1") else 0.97 for case in CASES}
    seen = [guarded(flaky, seed, flaky) for seed in range(100)]
    assert sum(found.verdict == "broken" for found, _ in seen) <= 3
    assert sum(found.verdict == "unclear" for found, _ in seen) <= 3
    before = [guarded(flaky, seed, flaky, follows=False) for seed in range(100)]
    paid, were = (sum(found.trials for found, _ in each) for each in (seen, before))
    assert paid <= 1.3 * were


def test_mode_that_is_broken_as_a_whole_is_still_caught() -> None:
    rates = {**dict.fromkeys(CASES, 0.97), **dict.fromkeys(MODES["mode3"], 0.3)}
    found = [guarded(rates, seed)[0].verdict for seed in range(60)]
    assert found.count("broken") >= 55


def recorded(broken: float, trials: int) -> Verdict:
    """A gain on a target of its own beside modes of which one case is broken."""
    target = [f"t{number}" for number in range(8)]
    tables = []
    for side, aimed in ((0, 0.05), (1, 0.95)):
        rng = random.Random(side)
        rates = {**dict.fromkeys(CASES, 0.98), **dict.fromkeys(target, aimed)}
        rates |= {BROKEN: broken} if side else {}
        rows = [
            {
                "case": case,
                "trial": trial,
                "score": int(rng.random() < rate),
                "mode": next((mode for mode, cases in MODES.items() if case in cases), ""),
            }
            for case, rate in rates.items()
            for trial in range(trials)
        ]
        tables.append(parse_table(rows))
    return decide_recorded(tables[0], tables[1], Asked(target=tuple(target)))


def test_recorded_trials_of_one_case_of_a_mode_are_weighed_by_themselves() -> None:
    assert recorded(0.98, 10).verdict == "accept"
    verdict = recorded(0.0, 10)
    assert (verdict.verdict, verdict.broken) == ("reject", ("mode3",))
    assert f"mode3 ({BROKEN})" in verdict.reasons[0]


def test_one_recorded_failure_of_a_case_of_a_mode_leaves_it_unclear() -> None:
    verdict = recorded(0.0, 2)
    assert verdict.verdict != "accept"
    assert "mode3" in (*verdict.broken, *verdict.unclear)

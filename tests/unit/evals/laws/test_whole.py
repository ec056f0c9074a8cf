"""What a guard of single cases lets through: inside its target, inside a mode, on record, everywhere a little."""

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from lignin.evals.laws.bank import JEFFREYS, Bank, Banked, rates_of
from lignin.evals.laws.better import Claim, judge_better
from lignin.evals.laws.claims import Asked
from lignin.evals.laws.course import Ask, Course
from lignin.evals.laws.guard import guard
from lignin.evals.laws.recorded import decide_recorded
from lignin.evals.laws.table import parse_table
from lignin.evals.laws.unseen import find_unseen, told_of_unseen
from lignin.evals.laws.watch import Care, Unit
from lignin.evals.laws.whole import Whole, told_of_whole, weigh_whole

OPEN = tuple(f"open{number}" for number in range(6))
WORKS = tuple(f"works{number}" for number in range(40))
BEFORE = {**dict.fromkeys(OPEN, 0.05), **dict.fromkeys(WORKS, 0.99)}
BETTER = {**BEFORE, **dict.fromkeys(OPEN, 0.95)}
BANK = Bank(
    cases={**dict.fromkeys(OPEN, Banked(0, 6)), **dict.fromkeys(WORKS, Banked(6, 6))},
)
CLAIM = Claim(
    target=OPEN,
    others=(),
    units=tuple(Unit(name=case, cases=(case,)) for case in WORKS),
    bank=BANK,
    level=0.01,
    seed="1",
)
MODE = tuple(f"works{number}" for number in range(10))


def drive(course: Course[Any], rates: Mapping[str, float], seed: int) -> tuple[Any, list[Ask]]:
    rng, made = random.Random(seed), list[Ask]()
    try:
        asks = next(course)
        while True:
            made += asks
            given = [(rates if ask.arm == "candidate" else BEFORE)[ask.case] for ask in asks]
            asks = course.send([float(rng.random() < rate) for rate in given])
    except StopIteration as stop:
        return stop.value, made


def accepted(rates: Mapping[str, float], claim: Claim = CLAIM, runs: int = 20) -> int:
    return sum(
        drive(judge_better(replace(claim, seed=str(seed))), rates, seed)[0].outcome == "accept"
        for seed in range(runs)
    )


def rows(rates: Mapping[str, float], seed: int, trials: int = 10, **more: Any) -> Any:
    rng = random.Random(seed)
    return parse_table(
        {"case": case, "trial": trial, "score": int(rng.random() < rate), **more}
        for case, rate in rates.items()
        for trial in range(trials)
    )


def test_case_that_works_is_guarded_though_the_target_names_it() -> None:
    claim, broken = replace(CLAIM, target=(*OPEN, "works7")), {**BETTER, "works7": 0.1}
    assert accepted(BETTER, claim) >= 18
    assert accepted(broken, claim) <= 1
    assert accepted(broken, replace(claim, weighs_all=False)) >= 10, "that rule is what holds it"


def test_trials_that_proved_a_gain_count_for_the_guard_of_the_target() -> None:
    named = replace(CLAIM, target=(*OPEN, "works7"))
    judged, made = drive(judge_better(named), BETTER, 3)
    proving = [ask.case for ask in made[: judged.proved_by]]
    guarding = [ask.case for ask in made[judged.proved_by :]]
    assert proving.count("works7") >= 4
    assert guarding.count("works7") <= 1


def test_case_that_works_is_guarded_on_record_though_the_target_names_it() -> None:
    asked = Asked(target=(*OPEN, "works7"))
    assert decide_recorded(rows(BEFORE, 1), rows(BETTER, 2), asked).verdict == "accept"
    told = decide_recorded(rows(BEFORE, 1), rows({**BETTER, "works7": 0.1}, 2), asked)
    assert (told.verdict, told.broken) == ("reject", ("works7",))


def test_failure_on_record_is_followed_up_whoever_asks_again() -> None:
    """The first decision saw it; the next one does not begin as if nobody had."""
    mode = (Unit(name="mode", cases=MODE),)
    rates = {**BETTER, "works3": 0.0}
    known = {"works3": Banked(0, 2), "works4": Banked(2, 2)}
    for seed in range(10):
        bank, rng = BANK, random.Random(seed)
        found, made = drive(guard(mode, bank, rng, Care(), known=known), rates, seed)
        assert found.verdict == "broken", seed
        assert made[:1] in ([], [Ask("candidate", "works3")])
    blind = [
        drive(guard(mode, BANK, random.Random(seed), Care()), rates, seed)[0].verdict
        for seed in range(10)
    ]
    assert blind.count("holds") >= 3, "what is on record is what holds it"


def test_passes_on_record_clear_nothing() -> None:
    mode = (Unit(name="mode", cases=MODE),)
    known = dict.fromkeys(MODE, Banked(20, 20))
    _, fresh = drive(guard(mode, BANK, random.Random(1), Care()), BETTER, 1)
    found, made = drive(guard(mode, BANK, random.Random(1), Care(), known=known), BETTER, 1)
    assert (found.verdict, len(made)) == ("holds", len(fresh))


def test_cases_of_a_mode_that_were_tried_least_come_first() -> None:
    mode = (Unit(name="mode", cases=MODE),)
    known = dict.fromkeys(MODE[:7], Banked(1, 1))
    for seed in range(5):
        course = guard(mode, BANK, random.Random(seed), Care(), known=known)
        _, made = drive(course, BETTER, seed)
        assert {ask.case for ask in made[:3]} == set(MODE[7:]), seed


@pytest.mark.parametrize("to", [0.8, 0.9])
def test_change_that_harms_many_cases_a_little_is_refused(to: float) -> None:
    harmed = {**BETTER, **dict.fromkeys(WORKS[:32], to)}
    assert accepted(harmed) == 0
    if to == 0.9:
        assert accepted(harmed, replace(CLAIM, weighs_all=False)) >= 10, (
            "that rule is what holds it"
        )


def test_change_that_harms_nothing_is_not_held_to_have_lowered_the_whole() -> None:
    found = [drive(judge_better(replace(CLAIM, seed=str(n))), BETTER, n)[0] for n in range(20)]
    assert sum(each.outcome == "accept" for each in found) >= 18
    assert not any(each.guarded and each.guarded.is_shown_fallen for each in found)


def test_change_that_harms_many_cases_a_little_is_refused_on_record() -> None:
    asked = Asked(target=OPEN)
    harmed = {**BETTER, **dict.fromkeys(WORKS[:32], 0.9)}
    told = decide_recorded(rows(BEFORE, 1), rows(harmed, 2), asked)
    assert told.verdict == "reject"
    assert "what works passes less often as a whole" in told.reasons
    assert told.whole is not None and told.whole.change is not None
    assert -0.15 < told.whole.change < -0.03
    sound = decide_recorded(rows(BEFORE, 1), rows(BETTER, 2), asked).whole
    assert sound is not None and sound.interval is not None
    assert sound.interval[0] < 0 < sound.interval[1]
    assert sound.ruled_out is not None and sound.ruled_out <= 0.1


def test_cases_that_pass_at_times_are_drawn_for_the_whole() -> None:
    flaky = {f"flaky{number}": 0.6 for number in range(30)}
    bank = Bank(cases={**BANK.cases, **dict.fromkeys(flaky, Banked(4, 6))})
    claim = replace(CLAIM, bank=bank, at_times=tuple(flaky))
    _, made = drive(judge_better(claim), {**BETTER, **flaky}, 1)
    drawn = {ask.case for ask in made if ask.case in flaky}
    assert 0 < len(drawn) <= len(flaky)


def test_few_cases_that_broke_say_nothing_of_the_whole() -> None:
    whole = Whole(BANK, WORKS)
    whole.put("works0", (Banked(6, 6), Banked(0, 30)))
    assert whole.evidence <= 10
    for case in WORKS[1:]:
        whole.put(case, (Banked(6, 6), Banked(3, 3)))
    assert whole.evidence < 1


def test_whole_that_nobody_tried_says_nothing() -> None:
    nothing = weigh_whole({}, JEFFREYS)
    assert (nothing.evidence, nothing.change, nothing.ruled_out) == (1.0, None, None)
    assert told_of_whole(nothing.to_json()) == ""


def test_chance_that_a_break_in_a_mode_stays_unseen_is_told() -> None:
    suite = rates_of(list(BANK.cases.values()))
    counts = {case: (Banked(6, 6), Banked(1, 1) if case in MODE[:4] else Banked()) for case in MODE}
    found = find_unseen("refunds", MODE, counts, 0.3, suite)
    assert (found.cases, found.tried) == (10, 4)
    assert found.one == pytest.approx(0.6 + 0.4 * 0.3, abs=0.02)
    assert found.all == pytest.approx(0.3**4, abs=0.02) or found.all == 0
    told = told_of_unseen([found.to_json()])
    assert told.startswith("4 of the 10 cases of 1 modes were tried")
    assert told_of_unseen([]) == ""


def test_every_case_of_a_mode_is_weighed_by_itself_where_that_is_asked() -> None:
    old = rows({**BEFORE, "works3": 0.99}, 1, trials=3, mode="one")
    new = rows(BETTER, 2, trials=3, mode="one")
    both = [
        decide_recorded(old, new, Asked(target=OPEN, every_case=each)) for each in (False, True)
    ]
    assert [each.guarded for each in both] == [1, 40]
    assert [len(each.modes) for each in both] == [1, 0]

"""Each claim is put to its own test: what is no worse, the same, or restored; what a change touches."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.better import Claim, Judgement
from lignin.evals.laws.claims import KINDS, NOTHING_WORKS, Asked, Kind, show_no_worse
from lignin.evals.laws.course import Arm, Ask, Course
from lignin.evals.laws.graders import grading, grading_files
from lignin.evals.laws.guard import guard
from lignin.evals.laws.impact import Altered, Use, joined, touched_cases
from lignin.evals.laws.judges import JUDGES, judge
from lignin.evals.laws.no_worse import LEVEL, MARGIN, times_too_few, weigh_no_worse
from lignin.evals.laws.predictions import check_prediction
from lignin.evals.laws.savings import count_saving
from lignin.evals.laws.watch import Care, Unit

CASES = tuple(f"c{number}" for number in range(40))
UNITS = tuple(Unit(name=case, cases=(case,)) for case in CASES)
RELEASE = Bank(cases=dict.fromkeys(CASES, Banked(20, 20)))
Rate = Callable[[Arm, str], float | None]


def claim(kind: Kind, seed: int = 1, **more: Any) -> Claim:
    given: dict[str, Any] = {
        "target": (),
        "others": (),
        "units": UNITS,
        "bank": Bank(cases=dict.fromkeys(CASES, Banked(6, 6))),
        "level": 0.005,
        "seed": str(seed),
        "asked": Asked(claim=kind, level=0.005),
        "release": RELEASE,
        "compared": CASES,
        "same": CASES,
    }
    return Claim(**(given | more))


def drive(course: Course[Any], rate: Rate, seed: int = 1) -> tuple[Any, list[Ask]]:
    rng, made = random.Random(seed), list[Ask]()
    try:
        asks = next(course)
        while True:
            made += asks
            scores: list[float | None] = []
            for ask in asks:
                each = rate(ask.arm, ask.case)
                scores.append(None if each is None else float(rng.random() < each))
            asks = course.send(scores)
    except StopIteration as stop:
        return stop.value, made


def outcomes(kind: Kind, rate: Rate, runs: int = 30) -> dict[str, int]:
    found: dict[str, int] = {}
    for seed in range(runs):
        judged, _ = drive(judge(claim(kind, seed)), rate, seed)
        found[judged.outcome] = found.get(judged.outcome, 0) + 1
    return found


def test_every_claim_has_its_judge() -> None:
    assert set(JUDGES) == set(KINDS)


def test_what_loses_nothing_is_no_worse() -> None:
    assert outcomes("no_worse_and_cheaper", lambda _arm, _case: 0.99).get("accept", 0) >= 27


def test_what_loses_the_margin_is_not_accepted() -> None:
    told = outcomes("no_worse_and_cheaper", lambda _arm, _case: 0.94)
    assert told.get("accept", 0) == 0


def test_what_loses_little_and_breaks_a_case_is_refused_by_the_guard() -> None:
    """One broken case of forty loses half of the margin, and is a break all the same."""
    told = outcomes("no_worse_and_cheaper", lambda _arm, case: 0.05 if case == "c7" else 1.0)
    assert told.get("accept", 0) == 0
    judged, _ = drive(
        judge(claim("no_worse_and_cheaper")), lambda _arm, case: 0.05 if case == "c7" else 1.0
    )
    assert isinstance(judged, Judgement)


def small(seed: int, cases: int = 24, banked: int = 20) -> Claim:
    """A claim to be no worse on a suite of few cases."""
    some = CASES[:cases]
    stood = Bank(cases=dict.fromkeys(some, Banked(banked, banked)))
    units = tuple(Unit(name=case, cases=(case,)) for case in some)
    return claim("no_worse_and_cheaper", seed, units=units, release=stood, compared=some)


def test_case_that_is_plainly_broken_is_named_where_a_small_suite_shows_nothing_else() -> None:
    for seed in range(10):
        judged, _ = drive(judge(small(seed)), lambda _arm, case: 0.0 if case == "c7" else 1.0, seed)
        assert (judged.outcome, judged.guarded.broken) == ("reject", ("c7",)), seed


def test_flaky_case_of_a_small_suite_is_not_held_to_be_broken() -> None:
    rates = {case: 0.8 if case in ("c3", "c4") else 1.0 for case in CASES}
    flaky = Bank(cases={case: Banked(round(20 * rates[case]), 20) for case in CASES[:24]})
    for seed in range(20):
        asked = replace(small(seed), bank=flaky, release=flaky)
        judged, _ = drive(judge(asked), lambda _arm, case: rates[case], seed)
        assert not judged.guarded.broken, seed


def test_what_was_not_shown_says_what_would_settle_it() -> None:
    judged, asked = drive(judge(small(2, cases=12, banked=60)), lambda _arm, _case: 0.99, 2)
    assert judged.outcome == "undecided"
    more = int(re.findall(r"about (\d+) more like these", judged.reasons[0])[0])
    assert 0 < more < 40 * len(asked)


def test_loss_that_no_number_of_trials_would_clear_is_told() -> None:
    scores = {case: [float(case not in ("c1", "c2"))] for case in CASES[:24]}
    weighed = weigh_no_worse(small(1).release, scores, MARGIN, LEVEL)
    told = show_no_worse(weighed, Asked(claim="no_worse_and_cheaper")).told
    assert told.startswith("no number of trials like these would show"), told


def test_release_that_knows_too_little_says_how_much_more_it_takes() -> None:
    judged, asked = drive(judge(small(1, cases=8, banked=6)), lambda _arm, _case: 1.0)
    assert (judged.outcome, asked) == ("undecided", [])
    times = int(re.findall(r"about (\d+) times as many a case", judged.reasons[0])[0])
    stood = Bank(cases=dict.fromkeys(CASES[:8], Banked(6 * times, 6 * times)))
    assert times_too_few(stood, CASES[:8], MARGIN) == 0


def test_trials_that_were_run_count_for_the_guard() -> None:
    judged, asked = drive(judge(claim("no_worse_and_cheaper")), lambda _arm, _case: 1.0)
    assert judged.outcome == "accept"
    alone, fresh = drive(
        guard(UNITS, claim("better").bank, random.Random(1), Care()), lambda _arm, _case: 1.0
    )
    assert alone.verdict == "holds"
    assert len(asked) < judged.weighed.trials + len(fresh) / 2


def test_guard_sees_a_break_in_trials_that_were_there() -> None:
    seen = {Ask("candidate", case): [1.0] * 6 for case in CASES}
    seen[Ask("candidate", "c3")] = [0.0] * 20
    course = guard(UNITS, claim("better").bank, random.Random(1), Care(), seen)
    told, asked = drive(course, lambda _arm, _case: 1.0)
    assert (told.verdict, told.broken, asked) == ("broken", ("c3",), [])


def test_outages_leave_no_worse_undecided() -> None:
    judged, _ = drive(judge(claim("no_worse_and_cheaper")), lambda _arm, _case: None)
    assert judged.outcome == "undecided"


def test_equivalent_ends_at_the_first_trial_that_scores_otherwise() -> None:
    judged, asked = drive(judge(claim("equivalent")), lambda _arm, _case: 1.0)
    assert (judged.outcome, len(asked)) == ("accept", 2 * 3 * len(CASES))
    judged, asked = drive(
        judge(claim("equivalent")), lambda arm, case: float(arm == "incumbent" or case != "c5")
    )
    assert judged.outcome == "reject"
    assert len(asked) < 2 * len(CASES) + 16
    assert [ask.arm for ask in asked[:2]] == ["incumbent", "candidate"]
    assert asked[0].case == asked[1].case


def test_no_regression_accepts_what_stays_and_refuses_what_breaks() -> None:
    assert outcomes("no_regression", lambda _arm, _case: 0.98).get("accept", 0) >= 28
    broken = outcomes(
        "no_regression",
        lambda arm, case: 0.1 if (arm, case) == ("candidate", "c3") else 0.98,
    )
    assert broken.get("reject", 0) >= 27
    assert broken.get("accept", 0) <= 2


def test_no_regression_is_undecided_where_nothing_works() -> None:
    judged, asked = drive(judge(claim("no_regression", units=())), lambda _arm, _case: 1.0)
    assert (judged.outcome, judged.reasons, asked) == ("undecided", (NOTHING_WORKS,), [])


def test_restore_asks_for_nothing_where_nothing_is_guarded() -> None:
    judged, asked = drive(judge(claim("restore", units=())), lambda _arm, _case: 0.0)
    assert (judged.outcome, asked) == ("accept", [])
    critical = (Unit(name="c1", cases=("c1",), is_critical=True),)
    judged, _ = drive(judge(claim("restore", units=critical)), lambda _arm, _case: 0.0)
    assert judged.outcome == "reject"


USES = {
    "reads a": Use(slots=frozenset({"a"}), tools=frozenset({"find"})),
    "reads nothing": Use(slots=frozenset(), tools=frozenset({"pay"})),
    "who knows": Use(slots=None, tools=frozenset({"pay"})),
    "nobody": Use(slots=None, tools=None),
}


@pytest.mark.parametrize(
    ("altered", "touched"),
    [
        (Altered(slots=frozenset({"a"})), {"reads a", "who knows", "nobody"}),
        (
            Altered(slots=frozenset({"a"}), tools=frozenset({"find"})),
            {"reads a", "nobody"},
        ),
        (Altered(slots=frozenset({"b"}), tools=frozenset({"pay"})), {"who knows", "nobody"}),
        (Altered(added=frozenset({"new"})), set(USES)),
        (
            Altered(added=frozenset({"new"}), tools=frozenset({"pay"})),
            {"reads nothing", "who knows", "nobody"},
        ),
        (Altered(), set()),
    ],
)
def test_change_touches_what_used_it_or_calls_what_it_names(
    altered: Altered, touched: set[str]
) -> None:
    assert set(touched_cases(USES, altered)) == touched


def test_one_trial_of_which_nobody_can_tell_leaves_it_open() -> None:
    assert joined([(["a"], ["x"]), (["b"], None)]) == Use(slots=frozenset("ab"), tools=None)
    assert joined([]) == Use(slots=None, tools=None)


@pytest.mark.parametrize(
    ("predicted", "measured", "interval", "held"),
    [
        (0.3, 0.22, (0.1, 0.34), True),
        (0.5, 0.22, (0.1, 0.34), False),
        (0.2, 0.22, None, True),
        (0.3, 0.22, None, None),
        (0.3, 0.22, (-0.1, 0.54), None),  # nor is it left out that nothing came of it
        (1.0, 0.0, (-0.84, 0.84), False),
        (0.3, None, None, None),
    ],
)
def test_prediction_holds_where_as_much_came_of_it_as_was_said(
    predicted: float, measured: float | None, interval: Any, held: bool | None
) -> None:
    told = check_prediction(predicted, measured, interval)
    assert told is not None
    assert told["held"] is held
    assert told["told"].startswith(f"predicted +{predicted:.2f}, ")
    assert check_prediction(None, 0.2, None) is None


def test_change_of_what_judges_stands_alone() -> None:
    prompt, test = frozenset({"prompt"}), frozenset({"test"})
    assert grading({"a": prompt}).told == ""
    alone = grading({"t": test})
    assert (alone.is_mixed, alone.graders) == (False, ("t",))
    mixed = grading({"a": prompt, "t": test, "became": frozenset({"test", "skill"})})
    assert (mixed.is_mixed, mixed.graders, mixed.others) == (True, ("became", "t"), ("a",))


def test_a_file_judges_by_where_it_lies_or_what_it_is_called() -> None:
    for path in (
        "rubric.md", "units/RUBRIC.md", "rubrics/tone.md", "prompts/helpful-rubric.md", "grader.py",
        "src/judge_tone.py", "scorers.py", "tests/data/a.json", "test_agent.py", "pkg/agent_test.py",
        "agent_test.go", "web/agent.spec.ts", "conftest.py", "evals/main.py", "suite.jsonl",
        "suite-hard.jsonl", "cases.json", "rubric/SKILL.md", "grader/SKILL.md",
    ):  # fmt: skip
        assert grading_files([path]).graders == (path,), path
    for path in (
        "prompts/main.md", "SKILL.md", "agent.py", "latest.md", "contest.py", "testing.md",
        "case-notes.md", "prejudge/x.md", "src/evaluate.py", "judgement.md", "suited.jsonl",
    ):  # fmt: skip
        assert grading_files([path]).told == "", path
    mixed = grading_files(["agent.py", "mine.jsonl"], named={"mine.jsonl"})
    assert (mixed.graders, mixed.others) == (("mine.jsonl",), ("agent.py",))
    assert mixed.told == "it changes what judges (mine.jsonl) together with agent.py"


def test_what_is_counted_is_saved_or_grown_without_a_trial() -> None:
    assert count_saving("parts", 3, 2).saved > 1e9
    assert count_saving("parts", 2, 3).grown == 0  # a part more is no cost by itself
    assert count_saving("harness_bytes", 0, 20_000).grown == 0
    assert count_saving("harness_bytes", 20_000, 90_000).grown > 1e9

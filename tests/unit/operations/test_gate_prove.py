"""`gate prove`: live decisions, fresh trials, evidence that can be come to again."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.domain.states import Row
from lignin.operations.gatework import recompute
from lignin.ports.ledger import View, require_known
from unit.operations.conftest import Desk
from unit.operations.suites import FAILING, SOUND, function, own_suite, with_cases, with_outages


@pytest.fixture
def suite(desk: Desk) -> Desk:
    with_cases(desk)
    return desk


def test_better_agent_is_accepted_with_its_evidence(suite: Desk) -> None:
    told = suite("gate.prove", incumbent=FAILING, candidate=SOUND)
    assert (told.verdict, told.exit_code(), told.ended) == ("accept", 0, "proven")
    assert told.evidence >= told.needed
    assert (told.gain, told.faults, told.simulated) == (1.0, [], True)
    assert told.guarded > 0
    explained = suite("gate.explain", decision=told.decision, check=True)
    assert explained.reasons == told.reasons
    assert "accept" in explained.to_text()
    assert "<polyline" in suite("gate.plot", decision=told.decision).to_text()
    assert suite("gate.recompute", decision=told.decision).same
    [listed] = suite("gate.list").items
    assert (listed.decision, listed.state, listed.number) == (told.decision, "accept", 1)


def test_decision_tells_what_its_guard_may_have_missed_and_clears_every_case_when_asked(
    suite: Desk,
) -> None:
    told = suite("gate.prove", incumbent=FAILING, candidate=SOUND)
    assert told.whole["cases"] > 0
    assert "as a whole, over" in suite("gate.explain", decision=told.decision).to_text()
    alone = suite("gate.prove", incumbent=FAILING, candidate=SOUND, every_case=True)
    assert alone.decision != told.decision
    assert (alone.verdict, alone.modes) == ("accept", [])
    assert alone.guarded >= told.guarded
    # The second one knows the trials of the first, and comes to the same again.
    assert suite("gate.recompute", decision=alone.decision).same


def test_worse_agent_is_rejected_and_the_broken_are_named(suite: Desk) -> None:
    passing = "desk:was+gave_up_early@0.3"
    told = suite("gate.prove", incumbent=passing, candidate="desk:new+gave_up_early")
    assert (told.verdict, told.exit_code()) == ("reject", 6)


def test_same_agent_under_another_name_is_not_accepted(suite: Desk) -> None:
    told = suite(
        "gate.prove", incumbent="desk:a+gave_up_early@0.5", candidate="desk:b+gave_up_early@0.5"
    )
    assert told.verdict != "accept"
    with pytest.raises(InvalidRequestError, match="the very same"):
        suite("gate.prove", incumbent=FAILING, candidate=FAILING)


def test_given_up_decision_says_which_gain_it_rules_out(suite: Desk) -> None:
    told = suite("gate.prove", incumbent=FAILING, candidate="desk:x+wrong_refund_method")
    assert told.ended == "futile"
    assert 0 < told.ruled_out < 0.6
    said = f"a gain of {100 * told.ruled_out:.0f} points or more on the target is ruled out"
    assert said in told.to_text()
    assert suite("gate.explain", decision=told.decision).ruled_out == told.ruled_out
    assert suite("gate.recompute", decision=told.decision).same


def test_change_that_breaks_what_works_is_rejected(suite: Desk) -> None:
    """It mends the refunds and gives up elsewhere: the gain is shown, and so is the break."""
    failing = [e.case for e in suite("eval.run", system=FAILING, trials=1).items if e.passed == 0]
    suite.write(
        "trade.py",
        "import json\n"
        "from lignin.practice.system import DeskSystem\n"
        "def trade(task, seed, tools):\n"
        "    spec = 'x+gave_up_early' if 'late' in task['input'][0] or TOUCHES(task) else 'x'\n"
        "    return json.loads(DeskSystem(spec).run(task, seed, None).said)\n"
        "def TOUCHES(task):\n"
        "    from lignin.practice.system import _task_of\n"
        "    return _task_of(task).family == 'late-cancel'\n",
    )
    told = suite(
        "gate.prove",
        incumbent=FAILING,
        candidate="python:trade:trade",
        unsandboxed=True,
        target=failing,
    )
    assert told.ended == "proven"
    assert (told.verdict, len(told.broken), len(told.reasons)) == ("reject", 1, 1)
    assert not set(told.broken) & set(failing)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("forges_its_score", "forged_score"),
        ("scores_nan", "not_a_score"),
        ("hands_in_twice", "several_runs"),
        ("exits_early", "no_outcome"),
        ("retells", "untrue_run"),
    ],
)
def test_cheating_candidate_is_never_accepted_and_is_named(
    suite: Desk, name: str, kind: str
) -> None:
    cheat = function(suite, name)
    told = suite("gate.prove", incumbent=FAILING, candidate=cheat["system"], unsandboxed=True)
    assert told.verdict != "accept"
    assert any(each == f"candidate {kind}" for each in told.kinds)
    if kind != "no_outcome":
        assert kind in {each["kind"] for each in told.faults}


def test_cheating_now_and_then_is_not_accepted_either(suite: Desk) -> None:
    """A candidate that is right, and says once what is not so, is not believed."""
    suite.write(
        "mixed.py",
        "import json\n"
        "from lignin.practice.system import DeskSystem\n"
        "def mixed(task, seed, tools):\n"
        "    if seed == 2:\n"
        "        return {'score': 1.0}\n"
        "    return json.loads(DeskSystem('x').run(task, seed, None).said)\n",
    )
    told = suite("gate.prove", incumbent=FAILING, candidate="python:mixed:mixed", unsandboxed=True)
    assert told.verdict == "undecided"
    assert [each["kind"] for each in told.faults] == ["forged_score"]


def test_missing_trials_cannot_hide_failures(suite: Desk) -> None:
    sound = function(suite, "sound")["system"]
    cut_off = with_outages(suite, sound, lambda case, seed: seed % 4 == 3)
    told = cut_off("gate.prove", incumbent=FAILING, candidate=sound, unsandboxed=True)
    assert told.verdict == "undecided"
    assert "too_much_missing" in {each["kind"] for each in told.faults}


def test_asked_again_it_is_the_same_decision_and_nothing_is_paid(suite: Desk) -> None:
    first = suite("gate.prove", incumbent=FAILING, candidate=SOUND)
    second = suite("gate.prove", incumbent=FAILING, candidate=SOUND)
    assert (second.decision, second.paid) == (first.decision, 0)
    third = suite("gate.prove", incumbent=FAILING, candidate=SOUND, again=True)
    assert third.decision != first.decision
    assert (third.number, third.paid) == (2, third.trials)


def plan_of(desk: Desk, decision: str) -> Any:
    with desk.context.view() as view:
        row = require_known(view, f"decision/{decision}")
        return json.loads(view.blob(row.body["plan"]))


def test_trials_that_stood_before_a_decision_are_bank_and_never_pairs(suite: Desk) -> None:
    """Whoever picks the best of many candidates by their trials has to prove it on others."""
    suite("eval.run", system=SOUND, trials=3)
    first = suite("gate.prove", incumbent=FAILING, candidate=SOUND)
    plan = plan_of(suite, first.decision)
    assert set(plan["first"]["candidate"].values()) == {3}
    assert set(plan["first"]["incumbent"].values()) == {6}
    assert {trials for _, trials in plan["bank"].values()} == {6}
    second = suite("gate.prove", incumbent=FAILING, candidate="desk:other")
    assert second.paid == second.trials  # the bank was paid by the first
    again = plan_of(suite, second.decision)
    for case in plan["target"]:
        assert again["first"]["incumbent"][case] > 6
    assert second.number == 2


def test_each_decision_of_a_campaign_needs_more_and_an_accept_gives_back(suite: Desk) -> None:
    levels = []
    for number in range(3):
        accepts = number == 1
        candidate = SOUND if accepts else f"desk:same{number}+wrong_refund_method"
        told = suite("gate.prove", incumbent=FAILING, candidate=candidate)
        assert (told.verdict == "accept") is accepts
        levels.append(told.level)
    assert levels[1] < levels[0]
    assert levels[2] > levels[1] * 1.2


def test_another_name_of_a_campaign_begins_no_error_budget_anew(suite: Desk) -> None:
    first = suite("gate.prove", incumbent=FAILING, candidate="desk:a+wrong_refund_method")
    told = suite(
        "gate.prove", incumbent=FAILING, candidate="desk:b+wrong_refund_method", campaign="another"
    )
    assert (first.number, told.number, told.campaign) == (1, 2, "another")
    assert told.level < first.level
    said = "number 2, with 0 accepted before, of the decisions for all in this space without a head"
    assert said in suite("gate.explain", decision=told.decision).to_text()


class Altered:
    """A view in which one trial came out otherwise."""

    def __init__(self, view: View, trial: str) -> None:
        self._view, self._trial = view, trial

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    def row(self, stream: str) -> Row | None:
        row = self._view.row(stream)
        if row is not None and stream == self._trial:
            return replace(row, body={**row.body, "score": 0.0, "kind": "failed"})
        return row


def test_recomputing_finds_a_trial_that_was_changed(suite: Desk) -> None:
    told = suite("gate.prove", incumbent=FAILING, candidate=SOUND)
    with suite.context.view() as view:
        row = require_known(view, f"decision/{told.decision}")
        fresh = [
            each.stream for each in view.page("trial", parent=row.body["candidate_system"]).rows
        ]
        assert recompute(view, row).differs == ()
        for trial in fresh:
            assert recompute(Altered(view, trial), row).differs  # type: ignore[arg-type]


def test_must_pass_case_is_broken_by_one_failure(suite: Desk) -> None:
    works = [e.case for e in suite("eval.run", system=FAILING, trials=1).items if e.passed]
    suite.write(
        "slips.py",
        "import json\n"
        "from lignin.practice.system import DeskSystem, _task_of\n"
        "def slips(task, seed, tools):\n"
        "    bad = _task_of(task).family == 'late-cancel'\n"
        "    spec = 'x+gave_up_early' if bad else 'x'\n"
        "    return json.loads(DeskSystem(spec).run(task, seed, None).said)\n",
    )
    told = suite(
        "gate.prove",
        incumbent=FAILING,
        candidate="python:slips:slips",
        unsandboxed=True,
        must_pass=works,
    )
    assert (told.verdict, told.broken) == ("reject", works)


def test_what_breaks_is_named_where_there_is_nothing_to_gain(suite: Desk) -> None:
    told = suite("gate.prove", incumbent=SOUND, candidate=FAILING)
    assert (told.verdict, told.exit_code()) == ("reject", 6)
    assert told.broken
    assert told.reasons[-1] == "there is nothing to gain: every live case passes already"
    assert "--claim no_regression" in told.to_text()
    asked = {"incumbent": SOUND, "claim": "no_regression"}
    broken = suite("gate.prove", **asked, candidate=FAILING)
    assert (broken.verdict, bool(broken.broken)) == ("reject", True)
    kept = suite("gate.prove", **asked, candidate="desk:other")
    assert (kept.verdict, kept.broken) == ("accept", [])
    assert kept.guarded == kept.guarded_tried > 0
    assert "what it may miss" in kept.to_text()
    assert suite("gate.recompute", decision=kept.decision).same


def test_unknown_cases_are_told_before_a_trial(suite: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="no cases of the suite: cas_absent"):
        suite("gate.prove", incumbent=FAILING, candidate=SOUND, target=["cas_absent"])
    with pytest.raises(InvalidRequestError, match="two systems"):
        suite("gate.prove", incumbent=FAILING)
    assert suite("gate.list").total == 0


def test_own_benchmark_is_decided_by_what_its_harness_says(desk: Desk) -> None:
    suite = own_suite(desk, *(f"c{number}" for number in range(6)))
    for name, passing in (("old", "c3"), ("new", "c6")):
        desk.write(
            f"{name}.py",
            "import json, sys\n"
            "task = json.load(sys.stdin)\n"
            f"print(json.dumps({{'resolved': task['case'] < '{passing}'}}))\n",
        )
    told = desk(
        "gate.prove", incumbent="python old.py", candidate="python new.py", suite=suite, bank=3
    )
    assert (told.verdict, told.target) == ("accept", ["c3", "c4", "c5"])
    assert not told.simulated
    assert desk("gate.recompute", decision=told.decision).same


def test_trials_at_once_come_to_the_same_decision(suite: Desk) -> None:
    """Which trial an ask is, is said before any of its round is run."""
    several = suite("gate.prove", incumbent=FAILING, candidate=SOUND, parallel=4)
    paths = [several.path]
    first = plan_of(suite, several.decision)
    again = suite("gate.prove", incumbent=FAILING, candidate=SOUND, again=True)
    paths.append(again.path)
    assert paths[0] == paths[1]
    assert suite("gate.recompute", decision=several.decision).same
    assert set(first["first"]["incumbent"].values()) == {6}
    assert suite("eval.run", system=FAILING, trials=40, parallel=4).missing == 0
    assert {each.trials for each in suite("eval.show", system=FAILING).items} >= {40}


def test_other_cases_are_another_question(desk: Desk) -> None:
    names = [f"c{number}" for number in range(6)]
    desk.write(
        "known.py",
        "def old(task, seed, tools):\n"
        "    return {'resolved': task['case'] > 'c2'}\n"
        "def new(task, seed, tools):\n"
        "    return {'resolved': True}\n",
    )
    asked = {
        "incumbent": "python:known:old",
        "candidate": "python:known:new",
        "unsandboxed": True,
        "suite": "suite.jsonl",
    }
    own_suite(desk, *names)
    first = desk("gate.prove", **asked)
    own_suite(desk, *names, "c7")
    second = desk("gate.prove", **asked)
    assert (first.cases, second.cases) == (6, 7)
    own_suite(desk, *names)
    assert desk("gate.prove", **asked).decision == first.decision


def test_cases_by_name_are_another_question_than_all(suite: Desk) -> None:
    whole = suite("gate.prove", incumbent=FAILING, candidate=SOUND)
    some = suite("gate.prove", incumbent=FAILING, candidate=SOUND, case=whole.target)
    assert some.decision != whole.decision
    assert some.cases < whole.cases


@pytest.mark.parametrize("luck", ["True", "seed % 2 == 0"])
def test_what_gains_on_shown_cases_alone_is_overfitted(desk: Desk, luck: str) -> None:
    """Somebody learned the shown cases by heart; their siblings, which nobody saw, tell."""
    cases = [f"c{number}" for number in range(8)]
    desk.write(
        "heart.py",
        "def none(task, seed, tools):\n    return {'resolved': False}\n"
        "def heart(task, seed, tools):\n"
        f"    return {{'resolved': task['case'] < 'c4' and {luck}}}\n",
    )
    asked = {
        "incumbent": "python:heart:none",
        "candidate": "python:heart:heart",
        "unsandboxed": True,
        "suite": own_suite(desk, *cases),
    }
    told = desk("gate.prove", **asked, hidden=cases[4:])
    assert told.verdict == "reject"
    assert any("overfitted" in reason for reason in told.reasons)
    assert told.hidden["cases"] == 4
    assert (told.hidden["gain"], told.hidden["shown_gain"] > 0.2) == (0, True)
    assert "4 hidden: gain +0.0% over " in told.to_text()
    assert desk("gate.recompute", decision=told.decision).same
    blind = desk("gate.prove", **asked)
    assert blind.decision != told.decision
    assert not any("overfitted" in reason for reason in blind.reasons)
    assert blind.hidden is None

"""`gate prove` of what takes something out: no worse than the last release, and something saved."""

from dataclasses import replace

import pytest

from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.events import Actor
from lignin.domain.states import Row
from lignin.ports.ledger import require_known
from unit.operations.claims.conftest import CASES, READS, proven, released, removal
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk
from unit.operations.suites import own_suite, with_cases, with_outages


def test_harmless_removal_is_proven_decided_and_applied_without_a_person(cut: Desk) -> None:
    release = released(cut)
    assert (release.state, release.stands, release.cases) == ("cut", True, 12)
    assert release.paid == 0
    proposal = removal(cut, "twin")
    before = cut("proposal.decide", proposal=proposal)
    assert before.state == "undecided"
    told = proven(cut, proposal)
    assert (told.verdict, told.claim, told.release) == (
        "accept",
        "no_worse_and_cheaper",
        release.release,
    )
    parts = next(each for each in told.savings if each["column"] == "parts")
    assert (parts["before"], parts["after"], parts["exact"]) == (2, 1, True)
    assert "parts falls from 2 to 1" in told.reasons[0]
    assert told.needed == 400
    assert cut("gate.recompute", decision=told.decision).same
    assert "compared with the release" in cut("gate.explain", decision=told.decision).to_text()
    assert cut("proposal.decide", proposal=proposal).state == "accepted"
    assert cut("proposal.apply", proposal=proposal).state == "applied"
    assert [each.slot for each in cut("head.show", name="main").slots] == ["double"]


def test_removal_that_loses_the_margin_is_refused(cut: Desk) -> None:
    proposal = removal(cut, "double")
    told = proven(cut, proposal)
    assert (told.verdict, told.exit_code()) == ("reject", 6)
    assert cut("gate.recompute", decision=told.decision).same
    assert cut("proposal.decide", proposal=proposal).state == "rejected"


def test_no_worse_needs_a_release_that_says_enough(head: Desk) -> None:
    proposal = removal(head, "twin")
    with pytest.raises(NotFoundError, match="nothing was released yet"):
        proven(head, proposal)
    released(head)
    head.write("other_reads.py", READS)
    with pytest.raises(InvalidRequestError, match="was cut with"):
        proven(head, proposal, system="python:other_reads:run")
    own_suite(head, *CASES, *(f"d{number}" for number in range(30)))
    with pytest.raises(InvalidRequestError, match="knows 12 of the 42 cases"):
        proven(head, proposal)
    own_suite(head, *CASES)
    with pytest.raises(InvalidRequestError, match="may be wrong by"):
        proven(head, proposal, margin=0.005)
    assert head("gate.list").total == 0


def test_wider_margin_than_usual_decides_no_proposal(cut: Desk) -> None:
    proposal = removal(cut, "twin")
    assert proven(cut, proposal, margin=0.5).verdict == "accept"
    decided = cut("proposal.decide", proposal=proposal)
    assert decided.state == "undecided"
    assert decided.decision["reasons"][-1].endswith("but it may lose 50%")


def test_suite_that_an_agent_brings_decides_no_proposal(head: Desk) -> None:
    proposal = removal(head, "twin", "equivalent")
    scope = replace(head.context.scope, actor=Actor(sub="agent:a"))
    agent = Desk(replace(head.context, scope=scope))
    assert proven(agent, proposal).verdict == "accept"
    decided = head("proposal.decide", proposal=proposal)
    assert decided.state == "undecided"
    assert decided.decision["reasons"][-1].endswith("but on a suite that an agent brought")


def test_cases_that_were_picked_decide_no_proposal(head: Desk) -> None:
    with_cases(head)
    released_cases = head("trace.cases").items
    made = head("proposal.create", drop=["twin"], claim="equivalent").proposal
    told = head(
        "gate.prove", proposal=made, system="desk:a", case=[each.case for each in released_cases]
    )
    assert told.verdict == "accept"
    assert "simulated" in head("proposal.decide", proposal=made).decision["reasons"][-1]


def test_removal_without_a_proof_still_needs_a_person(head: Desk) -> None:
    for claim in ("admit", "restore"):
        made = removal(head, "twin", claim)
        decided = head("proposal.decide", proposal=made)
        assert decided.state == "undecided"
        assert "a human must approve" in decided.decision["reasons"][-1]


def test_claims_without_a_gain_do_not_make_gains_cheaper_to_show(head: Desk) -> None:
    told = proven(head, removal(head, "twin", "equivalent"))
    assert (told.verdict, told.number) == ("accept", 1)
    with head.context.view() as view:
        assert view.row("campaign/head main") is None
        assert require_known(view, "campaign/head main, equivalent").body["accepted"] == 1


def test_merge_of_two_parts_into_one_is_accepted(cut: Desk) -> None:
    text = DOUBLE + "\n# twin: the same\n"
    merged = cut("artifact.capture", path=cut.write("m/double.py", text), examples=EXAMPLES)
    made = cut(
        "proposal.create",
        put=[f"double@{merged.digest}"],
        drop=["twin"],
        claim="no_worse_and_cheaper",
        hypothesis="one is enough",
    ).proposal
    told = proven(cut, made, saving="parts")
    assert told.verdict == "accept"
    assert cut("proposal.decide", proposal=made).state == "accepted"
    cut("proposal.apply", proposal=made)


def test_change_that_saves_nothing_is_not_accepted_as_cheaper(cut: Desk) -> None:
    longer = cut.write("l/double.py", DOUBLE + "\n# longer, and of no more use\n")
    made = cut("artifact.capture", path=longer, examples=EXAMPLES)
    proposal = cut(
        "proposal.create", put=[f"double@{made.digest}"], claim="no_worse_and_cheaper"
    ).proposal
    told = proven(cut, proposal)
    assert told.verdict == "undecided"
    assert "no saving of anything is shown" in told.reasons[-1]


def test_release_is_cut_once_and_stands_until_the_next(head: Desk) -> None:
    first = released(head)
    again = released(head)
    assert (again.release, again.paid) == (first.release, 0)
    second = released(head, trials=30)
    assert second.paid == 120
    assert second.before["release"] == first.release
    listed = head("release.list", head="main").items
    assert {each.release: each.stands for each in listed} == {
        first.release: False,
        second.release: True,
    }
    shown = head("release.show", release=first.release)
    assert shown.mean == first.mean
    assert "head main" in shown.to_text()


def test_release_of_trials_that_are_missing_or_not_believed_is_refused(head: Desk) -> None:
    head.write(
        "forges.py",
        "def run(task, seed, tools):\n"
        "    return {'score': 7}\n"
        "def lost(task, seed, tools):\n"
        "    return {'score': 1}\n",
    )
    lost = "python:forges:lost"
    head = with_outages(head, lost, lambda case, seed: case == "c1" and seed % 3 == 0)
    with pytest.raises(InvalidRequestError, match="what is not so"):
        released(head, system="python:forges:run")
    with pytest.raises(InvalidRequestError, match="1 cases have fewer than 20"):
        released(head, system="python:forges:lost")
    assert all(each.state == "begun" for each in head("release.list").items)
    again = released(head, system="python:forges:lost")  # what lacks is tried with other numbers
    assert again.state == "cut"


def test_trials_that_a_comparison_with_the_release_took_are_not_paid_again_by_the_guard(
    cut: Desk,
) -> None:
    told = proven(cut, removal(cut, "twin"))
    with cut.context.view() as view:
        rows = list(view.page("trial", limit=1000).rows)
    candidate = [row for row in rows if row.body["system"] == _candidate(cut, told.decision)]
    assert len(candidate) == told.trials - told.kinds.get("incumbent scored", 0)
    assert len({row.key for row in candidate}) == len(candidate)


def _candidate(desk: Desk, decision: str) -> str:
    with desk.context.view() as view:
        row: Row = require_known(view, f"decision/{decision}")
        return str(row.body["candidate_system"])

"""`gate prove --proposal`: a proposal is decided by trials of the revision that it would make."""

from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError
from unit.operations.conftest import Desk
from unit.operations.suites import own_suite

READS = """
def run(task, seed, tools):
    has_it = any(path.startswith("double/") for path in task["harness"])
    return {"resolved": has_it or task["case"] > "c2"}

def careless(task, seed, tools):
    has_it = any(path.startswith("double/") for path in task["harness"])
    return {"resolved": has_it == (task["case"] < "c3")}
"""


def proposed(desk: Desk) -> str:
    """A proposal to put a proven program into an empty head, claimed to be better."""
    captured = desk.double()
    desk("head.create", name="main")
    made = desk("proposal.create", put=[f"double@{captured.digest}"], claim="better")
    desk.write("reads.py", READS)
    own_suite(desk, *(f"c{number}" for number in range(6)))
    return str(made.proposal)


def proven(desk: Desk, proposal: str, function: str = "run", **more: Any) -> Any:
    return desk(
        "gate.prove",
        proposal=proposal,
        **{
            "system": f"python:reads:{function}",
            "unsandboxed": True,
            "suite": "suite.jsonl",
            **more,
        },
    )


def test_proposal_is_accepted_by_the_trials_of_its_revision(desk: Desk) -> None:
    proposal = proposed(desk)
    before = desk("proposal.decide", proposal=proposal)
    assert (before.state, before.decision["reasons"][-1]) == (
        "undecided",
        "the claim 'better' needs trials (`lignin gate prove`)",
    )
    approved = desk("proposal.decide", proposal=proposal, approve=True)
    assert approved.state == "undecided"
    assert approved.decision["reasons"][-1].endswith("which does not replace trials")
    told = proven(desk, proposal)
    assert (told.verdict, told.campaign, told.proposal) == ("accept", "head main", proposal)
    assert desk("gate.list", proposal=proposal).total == 1
    decided = desk("proposal.decide", proposal=proposal)
    assert decided.state == "accepted"
    assert f"{told.decision} by trials: accept" in decided.decision["reasons"]
    assert decided.decision["evidence"] == [told.decision]
    text = desk("gate.explain", decision=told.decision).to_text()
    assert f"proposal {proposal}: double (" in text
    assert "target: c0, c1, c2; 0 cases hidden" in text
    assert f"and {told.bank_trials} of the bank" in text
    assert desk("proposal.apply", proposal=proposal).state == "applied"


def test_proposal_that_breaks_something_is_rejected_by_its_trials(desk: Desk) -> None:
    proposal = proposed(desk)
    told = proven(desk, proposal, "careless")
    assert told.verdict == "reject"
    assert set() < set(told.broken) <= {"c3", "c4", "c5"}
    decided = desk("proposal.decide", proposal=proposal, approve=True)
    assert (decided.state, decided.decision["evidence"]) == ("rejected", [told.decision])
    assert f"{told.decision} by trials: reject" in decided.decision["reasons"]


def test_where_everything_passes_a_proposal_is_refused_and_what_it_breaks_is_named(
    desk: Desk,
) -> None:
    proposal = proposed(desk)
    desk.write(
        "passes.py",
        "def run(task, seed, tools):\n    return {'resolved': True}\n\n\n"
        "def broken(task, seed, tools):\n"
        "    return {'resolved': task['case'] != 'c3' or not task['harness']}\n",
    )
    for named, broken in (("run", []), ("broken", ["c3"])):
        told = proven(desk, proposal, system=f"python:passes:{named}")
        assert (told.verdict, told.exit_code(), told.broken) == ("reject", 6, broken)
        assert told.reasons[-1] == "there is nothing to gain: every live case passes already"
        assert desk("gate.recompute", decision=told.decision).same
    assert desk("gate.list", proposal=proposal).total == 2
    assert desk("proposal.decide", proposal=proposal).state == "rejected"


def test_simulated_or_careless_proofs_do_not_decide_a_proposal(desk: Desk) -> None:
    proposal = proposed(desk)
    assert proven(desk, proposal, alpha=0.9).verdict == "accept"
    decided = desk("proposal.decide", proposal=proposal)
    assert (decided.state, decided.decision["reasons"][-1].partition("but ")[2]) == (
        "undecided",
        "its campaign may err 0.9",
    )


def test_a_claim_that_trials_cannot_show_is_refused(desk: Desk) -> None:
    captured = desk.double()
    desk("head.create", name="main")
    made = desk("proposal.create", put=[f"double@{captured.digest}"])
    with pytest.raises(InvalidRequestError, match="versions' own evidence"):
        desk("gate.prove", proposal=made.proposal, system="desk:a")


def test_what_counts_for_nothing_makes_nothing_cheaper_to_show(desk: Desk) -> None:
    """What may err nine times in ten is cheap to have accepted, and decides no proposal."""
    proposal = proposed(desk)
    careless = proven(desk, proposal, alpha=0.9)
    real = proven(desk, proposal)
    assert (careless.verdict, careless.accepted_before) == ("accept", 0)
    assert (real.number, real.accepted_before, real.budget) == (1, 0, "head main")
    assert careless.budget != real.budget


def test_a_proposal_is_not_proven_by_what_shows_no_gain(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="claims 'better', not 'no_regression'"):
        proven(desk, proposed(desk), claim="no_regression")

"""`gate prove` of what comes to the same, and of what stood before."""

import pytest

from lignin.domain.errors import InvalidRequestError
from unit.operations.claims.conftest import READS, proven, removal
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk
from unit.operations.suites import SOUND, with_cases

FLAKY = READS.replace(
    "task, seed, tools):",
    "task, seed, tools):\n    if task['case'] == 'c7' and seed == 1 and 'twin/twin.py' not in "
    "task['harness']:\n        return {'resolved': False}",
)


def test_equivalent_that_was_refuted_once_is_not_tried_until_it_passes(head: Desk) -> None:
    head.write("flaky_reads.py", FLAKY)
    proposal = removal(head, "twin", "equivalent")
    first = proven(head, proposal, system="python:flaky_reads:run")
    assert first.verdict == "reject"
    again = proven(head, proposal, system="python:flaky_reads:run", again=True)
    assert again.verdict == "accept"
    decided = head("proposal.decide", proposal=proposal)
    assert decided.state == "rejected"
    assert first.decision in decided.decision["reasons"][-1]


def test_equivalent_is_the_same_in_every_trial_of_the_same_number(head: Desk) -> None:
    proposal = removal(head, "twin", "equivalent")
    told = proven(head, proposal)
    assert (told.verdict, told.claim, told.trials) == ("accept", "equivalent", 2 * 3 * 12)
    assert "every one of 36 trials comes to the same" in told.reasons
    assert head("gate.recompute", decision=told.decision).same
    other = proven(head, removal(head, "double", "equivalent"))
    assert other.verdict == "reject"
    assert "it comes to something else" in other.reasons[0]
    assert head("proposal.decide", proposal=proposal).state == "accepted"


EFFECTS = """
import json
from lignin.practice.system import DeskSystem

def same(task, seed, tools):
    return json.loads(DeskSystem("x").run(task, seed, None).said)

def also(task, seed, tools):
    '''The same outcome at the same cost; it asks for more on its way.'''
    run = same(task, seed, tools)
    for message in run["messages"]:
        for call in message.get("tool_calls", ()):
            tools.call(call["function"]["name"], json.loads(call["function"]["arguments"]))
        words = message["content"]
    count = run["context_tokens"]
    return words + "\\n" + json.dumps({"lignin_usage": {"tokens": count, "context_tokens": count}})
"""


def test_effects_of_a_trial_are_kept_and_reads_are_none(desk: Desk) -> None:
    with_cases(desk)
    desk.write("effects.py", EFFECTS)
    both = {"incumbent": "python:effects:same", "candidate": "python:effects:also"}
    told = desk("gate.prove", **both, unsandboxed=True, claim="equivalent")
    assert told.verdict == "accept"
    with desk.context.view() as view:
        bodies = [row.body for row in view.page("trial", limit=1000).rows]
    assert all(str(body["effects"]).startswith("sha256:") for body in bodies)
    assert all(body["tools"] for body in bodies)
    gave_up = desk(
        "gate.prove", incumbent=SOUND, candidate="desk:x+gave_up_early", claim="equivalent"
    )
    assert gave_up.verdict == "reject"


def test_what_stood_before_is_restored_and_nothing_else_is(head: Desk) -> None:
    head("head.rollback", name="main", reason="a test")
    digest = head("artifact.show", name="twin").digest
    back = head("proposal.create", put=[f"twin@{digest}"], claim="restore").proposal
    told = proven(head, back)
    assert (told.verdict, told.trials, told.paid) == ("accept", 0, 0)
    guarded = proven(head, back, guard=True, again=True)
    assert (guarded.verdict, guarded.decision != told.decision) == ("accept", True)
    assert guarded.guarded > 0
    assert head("proposal.decide", proposal=back).state == "accepted"
    text = DOUBLE.replace("double", "never")
    made = head("artifact.capture", path=head.write("never.py", text), examples=EXAMPLES)
    new = head("proposal.create", put=[f"never@{made.digest}"], claim="restore").proposal
    with pytest.raises(InvalidRequestError, match="never held"):
        proven(head, new)
    by_name = head("proposal.create", put=[f"never@{made.digest}"], claim="restore").proposal
    assert head("proposal.decide", proposal=new).state == "rejected"
    approved = head("proposal.decide", proposal=by_name, approve=True)
    assert approved.state == "rejected"
    assert "never held" in str(approved.decision)
    with pytest.raises(InvalidRequestError, match="only a proposal"):
        head(
            "gate.prove", incumbent=SOUND, candidate="desk:a", claim="restore", suite="suite.jsonl"
        )


def test_a_proposal_is_proven_by_its_own_claim_alone(head: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="claims 'equivalent', not 'restore'"):
        proven(head, removal(head, "twin", "equivalent"), claim="restore")


def test_decisions_without_pairs_are_drawn_and_explained_as_well(head: Desk) -> None:
    told = proven(head, removal(head, "twin", "equivalent"))
    assert "<svg" in head("gate.plot", decision=told.decision).svg
    text = head("gate.explain", decision=told.decision, check=True).to_text()
    assert "every one of 36 trials comes to the same" in text
    assert "differs" not in text
    [listed] = head("gate.list").items
    assert (listed.claim, listed.state) == ("equivalent", "accept")

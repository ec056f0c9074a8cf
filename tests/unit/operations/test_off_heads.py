"""A routine that is refused after its program was promoted is proposed to leave the head, and says so."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.events import NewEvent
from unit.operations.conftest import Desk
from unit.operations.test_routine import record, take
from unit.operations.test_routine_run import file, plan


def passing_otherwise(task: int) -> str:
    """A run that passes without the routine."""
    told: dict[str, Any] = json.loads(record(task))
    return json.dumps({**told, "traj": told["traj"][:3]})


def promoted(desk: Desk, *, artifact: str = "double") -> str:
    """A routine whose program, named `double`, stands on the head; return its id."""
    (view,) = take(desk, "first", range(6)).items
    digest = desk.double(promote=True).digest
    proof = {"artifact": artifact, "version": digest, "verdict": "pass", "uses": 4, "tried": []}
    event = NewEvent(
        stream=f"routine/{view.routine}",
        type="routine.proven",
        payload=proof,
        event_id=desk.context.ids.new("evt"),
    )
    desk.context.commit(desk.context.scope.change(events=(event,)))
    routine: str = view.routine
    return routine


def slots(desk: Desk) -> list[str]:
    return [each.slot for each in desk("head.show", name="main").slots]


def poison(desk: Desk) -> None:
    """Runs in which it is mostly failing ones that do what the routine does."""
    desk.write("other/other.jsonl", "\n".join(map(passing_otherwise, range(100, 140))) + "\n")
    desk("trace.import", paths=["other"])
    take(desk, "bad", range(200, 230), reward=0.0)


def test_poisoned_routine_is_proposed_to_leave_the_head(desk: Desk) -> None:
    routine = promoted(desk)
    poison(desk)
    proved = desk("routine.prove", routine=routine)
    assert proved.verdict == "fail"
    assert proved.reason.startswith("poisoned: ")
    (proposal,) = proved.proposals
    assert proved.reason.endswith(f"a proposal to take it off is open: {proposal}")
    shown = desk("proposal.show", proposal=proposal)
    assert (shown.state, shown.head) == ("open", "main")
    assert f"{routine} is poisoned" in shown.hypothesis
    assert slots(desk) == ["double"]  # it moves nothing
    desk("proposal.decide", proposal=proposal, approve=True)
    desk("proposal.apply", proposal=proposal)
    assert slots(desk) == []


def test_proving_again_opens_no_second_proposal(desk: Desk) -> None:
    routine = promoted(desk)
    poison(desk)
    first = desk("routine.prove", routine=routine)
    with desk.context.view() as view:
        position = view.position
    again = desk("routine.prove", routine=routine)
    assert (again.reason, again.proposals) == (first.reason, first.proposals)
    with desk.context.view() as view:
        assert view.position == position
    desk("proposal.withdraw", proposal=first.proposals[0])
    (other,) = desk("routine.prove", routine=routine).proposals
    assert other != first.proposals[0]


def test_it_is_told_wherever_the_routine_is(desk: Desk) -> None:
    routine = promoted(desk)
    poison(desk)
    assert desk("routine.show", routine=routine).wrong == ""
    (proposal,) = desk("routine.prove", routine=routine).proposals
    shown = desk("routine.show", routine=routine)
    assert shown.wrong.startswith("found poisoned: ")
    assert proposal in shown.wrong
    assert shown.wrong in shown.to_text()
    listed = desk("routine.list")
    assert [each.wrong for each in listed.items] == [shown.wrong]
    assert shown.wrong in listed.to_text()
    made = plan("one")
    file(desk, replace(made, uses=(replace(made.uses[0], routine=routine),)))
    answer = desk("routine.run", request="fetch it B-1", tools="desk")
    assert answer.ended == "agent"
    assert f"{routine} was found poisoned: " in answer.why
    assert f"a proposal to take it off is open: {proposal}" in answer.why


@pytest.mark.parametrize("artifact", ["", "absent"])
def test_refused_routine_that_no_head_serves_leads_to_no_proposal(
    desk: Desk, artifact: str
) -> None:
    routine = promoted(desk, artifact=artifact)
    poison(desk)
    proved = desk("routine.prove", routine=routine)
    assert (proved.verdict, proved.proposals) == ("fail", [])
    assert "proposal" not in proved.reason


def test_routine_that_was_withdrawn_is_said_to_be(desk: Desk) -> None:
    routine = promoted(desk)
    told = {"label": "failure", "reason": "it was the wrong machine"}
    for each in desk("trace.list").items[:4]:
        desk("trace.feedback", session=each.session, **told)
    desk("routine.induce")
    made = plan("one")
    file(desk, replace(made, uses=(replace(made.uses[0], routine=routine),)))
    why = desk("routine.run", request="fetch it B-1", tools="desk").why
    assert why.startswith(f"{routine} was withdrawn: ")

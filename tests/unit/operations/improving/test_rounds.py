"""`improve`: what fails is mined, drafts are gated on a side head, the whole is gated in the end."""

import pytest

from lignin.domain.artifacts import File
from lignin.domain.errors import DeniedError, InvalidRequestError, NotFoundError
from lignin.domain.harness import Revision, SlotChange
from lignin.operations.draft_versions import Origin, patch_of_draft
from lignin.operations.improve_models import CampaignView, next_steps
from lignin.ports.proposer import Draft
from unit.operations.conftest import Desk
from unit.operations.improving.conftest import (
    FAULTS,
    GOOD,
    HARMFUL,
    NOT_ACCEPTED,
    SYSTEM,
    USELESS,
    Scripted,
    draft,
    outcomes,
)
from unit.operations.suites import with_cases


def test_what_helps_is_accepted_what_harms_or_does_nothing_is_not(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    told = Scripted(desk, [draft(HARMFUL), draft(USELESS), draft(GOOD)])()
    assert dict(outcomes(told))[GOOD] == "accept"
    assert dict(outcomes(told))[HARMFUL] in NOT_ACCEPTED
    assert dict(outcomes(told))[USELESS] in NOT_ACCEPTED
    assert (told.state, told.outcome, told.accepted) == ("ended", "accept", 1)
    assert (told.simulated, told.practice, told.head) == (True, True, "practice")
    assert told.trials > 0
    assert any("practice" in line for line in told.next)
    text = told.to_text() or ""
    assert "simulated" in text
    assert GOOD in text
    head = desk("head.show", name="practice")
    assert [slot.simulated for slot in head.slots] == [True]


def test_what_gained_and_is_undecided_is_gone_on_from_where_that_is_asked(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    weak = "Runs that failed called refund_order with other values of method."
    rare = "desk:now+wrong_refund_method@0.35"
    told = Scripted(desk, [draft(weak)])(system=rare, explore=True)
    gone_on = [each for each in told.items if each.explored]
    gained = [e for e in told.items if e.outcome == "undecided" and (e.gain or 0) > 0]
    assert gone_on == gained
    assert desk("head.show", name=told.side).moves == len(gone_on) + told.accepted
    for each in gone_on:
        decided = desk("proposal.show", proposal=each.proposal).decision
        assert "the whole is gated in the end" in decided["reasons"][0]
    plain = Scripted(desk, [draft(weak)])(system=rare, again=True)
    assert not any(each.explored for each in plain.items)


def test_simulated_agent_never_moves_a_real_head(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    with pytest.raises(DeniedError, match="simulated"):
        desk("improve", system=SYSTEM, head="main")
    told = Scripted(desk, [draft(GOOD)])()
    with pytest.raises(DeniedError, match="practice"):
        desk("skill.serve", head="practice")
    with pytest.raises(DeniedError, match="practice"):
        desk("head.create", name="real", extends="home:practice")
    assert desk("head.show", name=told.side).practice
    assert not desk("head.show", name="main").slots


def test_campaign_of_a_simulated_agent_does_not_count_on_a_real_head(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    Scripted(desk, [draft(GOOD)])()
    desk("head.create", name="main")
    (slot,) = desk("head.show", name="practice").slots
    made = desk("proposal.create", put=[f"{slot.slot}@{slot.digest}"], head="main", claim="better")
    proved = desk("gate.prove", proposal=made.proposal, system=SYSTEM)
    assert proved.verdict == "accept"
    decided = desk("proposal.decide", proposal=made.proposal)
    assert decided.state == "undecided"
    assert "simulated" in str(decided.decision)


def test_prune_proposes_taking_out_each_slot_by_itself(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    long = f"{USELESS} {USELESS} {USELESS}"
    both = Draft(
        kind="rule",
        hypothesis="both",
        files={**draft(GOOD, "good").files, **draft(long, "long").files},
    )
    told = Scripted(desk, [both])()
    assert told.outcome == "accept"
    with pytest.raises(NotFoundError, match="no release") as missing:
        desk("improve", system="desk:newer", prune=True)
    assert "release cut --head practice --system desk:newer" in missing.value.hint
    assert "at most" in missing.value.hint
    desk("release.cut", system="desk:newer", head="practice")
    with pytest.raises(InvalidRequestError, match="too few") as few:
        desk("improve", system="desk:newer", prune=True)
    assert "--trials N` with more than 20" in few.value.hint
    desk("release.cut", system="desk:newer", head="practice", trials=60)
    pruned = desk("improve", system="desk:newer", prune=True)
    drafts = [each for each in pruned.items if each.ended == "drafted"]
    assert [each.hypothesis.split()[0] for each in drafts] == ["long", "good"]
    for each in drafts:
        made = desk("proposal.show", proposal=each.proposal)
        assert (made.claim, made.head) == ("no_worse_and_cheaper", pruned.side)
        assert len(made.slots) == 1
        assert (each.outcome, bool(each.decision)) == ("accept", True), each.reasons
    assert pruned.outcome == "accept", pruned.reasons
    assert not desk("head.show", name="practice").slots
    assert {each.proposer for each in pruned.items} == {"leave-one-out"}


def test_head_of_a_campaign_does_not_follow_the_head_it_is_for(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    told = Scripted(desk, [draft(GOOD)])()
    assert desk("head.show", name="practice").moves == 1
    assert desk("head.show", name=told.side).campaign == told.campaign
    assert not desk("proposal.list", head=told.side, state="open").items


def test_files_of_a_proven_artifact_are_that_artifact(desk: Desk) -> None:
    desk.double()
    (known,) = desk("artifact.list").items
    files = {
        f"double/{path}": File(content=text.encode())
        for path, text in desk("artifact.source", name="double").files.items()
    }
    origin = Origin(source="improve/imp_a", author="mined", model="", mode="")
    patch = patch_of_draft(desk.context, Revision(slots={}), files, origin)
    assert patch == {"double": SlotChange(expected=None, new=known.digest)}
    (after,) = desk("artifact.list").items
    assert after == known


@pytest.mark.parametrize(
    ("state", "said", "unsaid"),
    [
        ("undecided", "--approve", "moved to it"),
        ("accepted", "proposal apply prp_a", "proposal decide"),
        ("applied", "main moved to it", "proposal apply"),
        ("withdrawn", "its proposal is withdrawn", "proposal apply"),
    ],
)
def test_next_step_is_one_that_the_proposal_can_still_take(
    state: str, said: str, unsaid: str
) -> None:
    told = CampaignView.model_construct(
        state="ended", outcome="accept", practice=False, head="main"
    )
    [step] = next_steps(told, {"proposal": "prp_a"}, state)
    assert said in step
    assert unsaid not in step


def test_plot_marks_what_was_accepted_and_what_refused(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    told = Scripted(desk, [draft(HARMFUL), draft(GOOD)])()
    svg = desk("improve.plot", campaign=told.campaign).svg
    assert svg.startswith("<svg")
    assert svg.count("<circle") == len([each for each in told.items if each.outcome])
    assert f"{told.accepted} accepted" in svg
    assert f"{told.refused} refused" in svg
    assert "simulated" in svg


def test_decision_of_a_campaign_rests_on_no_cases_that_were_picked(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    told = Scripted(desk, [draft(GOOD)])(measure=0)
    with desk.context.view() as view:
        decision = view.row(f"decision/{told.decision}")
    assert decision is not None
    assert decision.body["picked"] == 0
    assert "never measured" in told.power_told

"""`improve`: what fails is mined, drafts are gated on a side head, the whole is gated in the end."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.artifacts import File
from lignin.domain.errors import ConflictError, DeniedError, InvalidRequestError, NotFoundError
from lignin.domain.harness import Revision, SlotChange
from lignin.operations.draft_versions import Origin, patch_of_draft
from lignin.operations.improve import ImproveRef, show
from lignin.operations.improve_end import run_campaign
from lignin.operations.improve_judging import OutOfBudgetError, Ration
from lignin.operations.improve_models import CampaignShown, Improve
from lignin.ports.proposer import Draft, Proposed
from lignin.ports.system import SystemRun
from lignin.practice.system import DeskSystem
from lignin.testing.fakes.proposer import ScriptedProposer
from lignin.traces.mined import Evidence
from unit.operations.conftest import Desk
from unit.operations.suites import same_ids, with_cases

FAULTS = ("wrong_refund_method", "gave_up_early")
SYSTEM = "desk:now+wrong_refund_method@0.8"
GOOD = "A refund goes to the method the order was paid with."
HARMFUL = "Do not call refund_order."
USELESS = "Write the postcode in capitals with one space."


NOT_ACCEPTED = {"reject", "undecided"}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The same draws in every run: a gate may err now and then, a test may not."""
    desk.context = same_ids(desk.context)
    return desk


def draft(said: str, slot: str = "", kind: str = "rule") -> Draft:
    slot = slot or f"slot-{abs(hash(said)) % 1000}"
    text = f'---\nname: {slot}\ndescription: "A rule."\n---\n\n- {said}\n'
    return Draft(
        kind=kind,
        hypothesis=said,
        files={f"{slot}/SKILL.md": File(content=text.encode())},
        predicted=0.3,
    )


class Scripted:
    """Runs campaigns with a scripted proposer, and keeps what that was asked."""

    def __init__(self, desk: Desk, answers: Sequence[Draft | Proposed]) -> None:
        self.desk = desk
        self.proposer = ScriptedProposer(answers)
        self.evidence: list[Evidence] = []

    def opening(self, name: str, evidence: Evidence) -> ScriptedProposer:
        assert name == "scripted"
        self.evidence.append(evidence)
        return self.proposer

    def __call__(self, **request: Any) -> CampaignShown:
        asked = Improve.model_validate(
            {"system": SYSTEM, "proposer": ["scripted"], "measure": 3, "pivot": 9, **request}
        )
        key = run_campaign(self.desk.context, asked, self.opening)
        return show(self.desk.context, ImproveRef(campaign=key))


def outcomes(told: CampaignShown) -> list[tuple[str, str]]:
    return [(each.hypothesis, each.outcome) for each in told.items if each.ended == "drafted"]


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


def test_asked_again_it_answers_and_pays_nothing(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    run = Scripted(desk, [draft(GOOD)])
    told = run()
    head = desk("head.show", name="practice").revision
    # The practice head moved, so the same words are about another harness: a new campaign.
    again = run()
    assert again.campaign != told.campaign
    count = len(run.proposer.asked)
    assert run() == again
    assert desk("improve.list").total == 2
    assert desk("head.show", name="practice").revision == head
    assert len(run.proposer.asked) == count


def test_ended_by_a_limit_it_goes_on_where_that_is_raised(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    run = Scripted(desk, [draft(USELESS), draft(GOOD)])
    told = run(rounds=1)
    assert (told.stop.partition(":")[0], told.outcome, told.held_out) == ("rounds", "", None)
    assert run(rounds=1).rounds == 1
    more = run(rounds=5)
    assert more.campaign == told.campaign
    assert outcomes(more)[0] == outcomes(told)[0]
    assert (more.accepted, more.outcome) == (1, "accept")


def test_goal_that_is_reached_stays_reached(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    run = Scripted(desk, [draft(USELESS), draft(HARMFUL)])
    told = run(goal=0.05)
    assert told.stop.startswith("goal")
    assert run(goal=0.05) == told


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


def test_budget_of_trials_is_not_overdrawn_and_a_larger_one_goes_on(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    run = Scripted(desk, [draft(USELESS), draft(GOOD)])
    told = run(budget_trials=40)
    assert told.stop.startswith("budget")
    broken_off = [each for each in told.items if not each.outcome]
    assert all(
        "broken off by the campaign's end: budget" in (*e.reasons, e.why)[0] for e in broken_off
    )
    assert "under way" not in told.to_text()
    assert told.trials <= 40
    more = run(budget_trials=2000)
    assert more.campaign == told.campaign
    assert more.accepted == 1
    assert more.trials <= 2000


class Priced(DeskSystem):
    """An agent whose runs cost a cent and a tenth of one more for each seed up to nine."""

    def run(self, task: Any, seed: int, tools: Any) -> SystemRun:
        told = json.loads(super().run(task, seed, tools).said)
        last = [each for each in told["messages"] if each["role"] == "assistant"][-1]
        last["cost"] = 0.01 + 0.001 * (seed % 10)
        return SystemRun(ended="done", said=json.dumps(told).encode())


def test_budget_of_money_is_not_overdrawn_by_what_is_known_to_cost_too_much(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    spec = SYSTEM.removeprefix("desk:")
    desk.context = replace(
        desk.context, open_system=lambda asked: Priced(spec, dict(asked.harness))
    )
    run = Scripted(desk, [draft(USELESS), draft(HARMFUL)])
    told = run(system="priced", budget_usd=0.5)
    assert told.stop.startswith("budget")
    assert 0.25 < told.usd <= 0.5
    assert (again := run(system="priced", budget_usd=0.5)).trials == told.trials
    assert again.stop == told.stop


def test_money_for_what_is_under_way_is_set_aside() -> None:
    ration = Ration(microusd=100, most_microusd=40)
    ration.take()
    ration.take()
    with pytest.raises(OutOfBudgetError, match=r"\$0.0000 of"):
        ration.take()
    ration.settle(10)  # 90 left, of which 40 are aside
    ration.take()
    ration.settle(60)
    ration.settle(None)
    with pytest.raises(OutOfBudgetError, match="a trial of this agent has cost up to"):
        ration.take()


def test_half_of_the_target_and_what_is_held_out_is_hidden_from_who_proposes(desk: Desk) -> None:
    names = set(with_cases(desk, FAULTS))
    run = Scripted(desk, [draft(USELESS), draft(GOOD)])
    told = run()
    held_out = {each.case for each in desk("trace.cases").items if each.split == "held_out"}
    for (brief, _), evidence in zip(run.proposer.asked, run.evidence[1:], strict=True):
        shown = {each.case for each in brief.cases}
        assert shown
        assert shown <= names - held_out
        everything = json.dumps([repr(brief)])
        assert not any(hidden in everything for hidden in names - shown)
        assert not any(hidden in repr(evidence) for hidden in held_out)
    aimed = [each for each in told.items if each.target > 1]
    assert all(each.shown <= each.target / 2 for each in aimed)


def test_outcomes_are_told_to_later_briefs_and_a_kind_that_fails_is_to_be_avoided(
    desk: Desk,
) -> None:
    with_cases(desk, FAULTS)
    run = Scripted(desk, [draft(USELESS), draft(f"{USELESS} Please."), draft(GOOD, kind="other")])
    run(pivot=2)
    last = max(run.proposer.asked, key=lambda asked: len(asked[0].tried))[0]
    assert {each.hypothesis: each.outcome for each in last.tried}[USELESS] in NOT_ACCEPTED
    assert any(brief.avoid == {"rule"} for brief, _ in run.proposer.asked)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"elsewhere.md": File(content=b"x")}, "may not"),
        ({"../slot/SKILL.md": File(content=b"x")}, "may not"),
        ({"other/SKILL.md": File(content=b"x")}, "may not"),
        ({"slot-a/SKILL.md": File(content=b"no front matter")}, "front matter"),
        ({"slot-a/SKILL.md": None}, "no slot"),
        ({}, "empty"),
    ],
)
def test_what_cannot_be_tried_is_refused_by_name_and_costs_no_trial(
    desk: Desk, files: Mapping[str, File | None], why: str
) -> None:
    with_cases(desk, FAULTS)
    bad = Draft(kind="rule", hypothesis="bad", files=files)
    told = Scripted(desk, [bad])(surface=["slot-*/*"], rounds=1)
    (each,) = [each for each in told.items if each.ended == "drafted"]
    assert (each.outcome, each.trials, each.decision) == ("reject", 0, "")
    assert why in each.reasons[0]


def test_secret_in_a_draft_is_refused_and_not_stored(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    secret = "sk-ant-api03-" + "aB3dE6gH9" * 11
    told = Scripted(desk, [draft(f"Log in with {secret}.", slot="slot-a")])(rounds=1)
    first = told.items[0]
    assert (first.ended, first.outcome) == ("failed", "")
    assert "slot-a/SKILL.md: a secret" in first.why
    assert secret not in json.dumps(told.model_dump())
    with desk.context.view() as view:
        files = view.row(f"improve/{told.campaign}").body["rounds"][0]["files"]  # type: ignore[union-attr]
        assert view.blob(files) == b"{}"


def test_answers_without_a_draft_are_told_and_end_a_mode(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    refused = Proposed(ended="refused", why="I would rather not")
    told = Scripted(desk, [refused])()
    assert {each.ended for each in told.items} == {"refused"}
    assert told.stop == "nobody has anything more to propose"
    assert (told.accepted, told.outcome) == (0, "")
    assert told.next == ["nothing was accepted: the head stays as it is"]


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


def test_agent_that_changed_is_not_gone_on_with(desk: Desk) -> None:
    suite = desk.write(
        "suite.jsonl", "".join(json.dumps({"case": f"c{n}"}) + "\n" for n in range(8))
    )
    agent = "import json, sys\nprint(json.dumps({'resolved': False}))\n"
    desk.write("agent.py", agent)
    asked = {"system": "python agent.py", "suite": suite, "unsandboxed": True, "bank": 2}
    run = Scripted(desk, [draft(USELESS, slot="a")])
    with pytest.raises(RuntimeError, match="stop"):
        _stopped(run, asked)
    desk.write("agent.py", f"# another\n{agent}")
    with pytest.raises(ConflictError, match="changed"):
        run(**asked)
    assert run(**asked, again=True).state == "ended"


def _stopped(run: Scripted, asked: dict[str, Any]) -> None:
    """A campaign that is broken off while it asks for a draft."""

    def stop(name: str, evidence: Evidence) -> ScriptedProposer:
        if evidence.signatures or run.desk("improve.list").total:
            raise RuntimeError("stop")
        return run.opening(name, evidence)

    request = Improve.model_validate({"proposer": ["scripted"], **asked})
    run_campaign(run.desk.context, request, stop)


def test_unknown_proposer_is_told_before_anything_is_made(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    with pytest.raises(InvalidRequestError, match="no proposer"):
        desk("improve", system=SYSTEM, proposer=["nobody"])
    assert desk("improve.list").total == 0


def test_accept_rates_are_kept_by_proposer_and_subject(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    Scripted(desk, [draft(HARMFUL), draft(GOOD)])()
    (item,) = desk("improve.proposers").items
    assert (item.proposer, item.subject, item.simulated) == ("scripted", SYSTEM, True)
    assert (item.drafts, item.accepted) == (2, 1)
    assert item.gain > 0.3


def test_plot_marks_what_was_accepted_and_what_refused(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    told = Scripted(desk, [draft(HARMFUL), draft(GOOD)])()
    svg = desk("improve.plot", campaign=told.campaign).svg
    assert svg.startswith("<svg")
    assert svg.count("<circle") == len([each for each in told.items if each.outcome])
    assert f"{told.accepted} accepted" in svg
    assert f"{told.refused} refused" in svg
    assert "simulated" in svg


def test_draft_that_quotes_a_case_is_refused_by_name_and_counts_against_its_proposer(
    desk: Desk,
) -> None:
    with_cases(desk, FAULTS)
    hidden = next(each.case for each in desk("trace.cases").items if each.state != "withdrawn")
    quote = desk("trace.case", case=hidden).content["input"][0]
    said = Proposed(ended="drafted", draft=draft(quote), usage={"input_tokens": 7}, cost_microusd=5)
    refused = Proposed(ended="refused", why="no", usage={"input_tokens": 2}, cost_microusd=1)
    told = Scripted(desk, [said, refused])(rounds=3, no_progress=1)
    first = next(each for each in told.items if each.ended == "drafted")
    assert (first.outcome, first.trials, first.proposal, first.decision) == ("reject", 0, "", "")
    assert "overfitted" in first.reasons[0]
    (kept,) = desk("improve.proposers").items
    assert (kept.proposer, kept.drafts, kept.accept_rate) == ("scripted", 1, 0.0)
    assert kept.usage["input_tokens"] >= 7
    assert kept.cost_microusd >= 5


AGENT = """
import json, os
text = '---\\nname: paid\\ndescription: "A rule."\\n---\\n\\n- {said}\\n'
os.makedirs("files/paid", exist_ok=True)
open("files/paid/SKILL.md", "w").write(text)
json.dump({{"kind": "prompt", "hypothesis": "It guesses.", "predicted": 0.3}}, open("draft.json", "w"))
"""


def test_coding_agent_takes_turns_with_what_was_mined(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    desk.write("agent.py", AGENT.format(said=GOOD))
    command = f"command:{sys.executable} agent.py --of a,b"
    request = Improve(
        system=SYSTEM,
        proposer=[f"mined,{command}"],
        proposer_unsandboxed=True,
        rounds=6,
        measure=0,
    )
    told = show(desk.context, ImproveRef(campaign=run_campaign(desk.context, request)))
    assert told.proposers == ["mined", command]
    assert {each.proposer for each in told.items} == {"mined", command}
    theirs = next(each for each in told.items if each.proposer == command and each.proposal)
    with desk.context.view() as view:
        facts = view.row(f"proposal/{theirs.proposal}").body["facts"]  # type: ignore[union-attr]
    assert (facts["proposed_by"], facts["walls"], facts["kind"]) == (command, "none", "prompt")
    assert {each.proposer for each in desk("improve.proposers").items} == {"mined", command}


@pytest.mark.parametrize("name", ["nobody", "leave-one-out", "claude -p", ""])
def test_proposer_that_is_none_is_told_before_anything_is_made(desk: Desk, name: str) -> None:
    with_cases(desk, FAULTS)
    with pytest.raises(InvalidRequestError, match="no proposer"):
        desk("improve", system=SYSTEM, proposer=[name])
    assert desk("improve.list").total == 0


def test_decision_of_a_campaign_rests_on_no_cases_that_were_picked(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    told = Scripted(desk, [draft(GOOD)])(measure=0)
    with desk.context.view() as view:
        decision = view.row(f"decision/{told.decision}")
    assert decision is not None
    assert decision.body["picked"] == 0
    assert "never measured" in told.power_told

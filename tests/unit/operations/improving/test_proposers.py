"""`improve` and who proposes: what is shown and hidden, what is refused, how each fares."""

import json
import sys
from collections.abc import Mapping

import pytest

from lignin.domain.artifacts import File
from lignin.domain.errors import InvalidRequestError
from lignin.operations.improve import ImproveRef, show
from lignin.operations.improve_end import run_campaign
from lignin.operations.improve_models import Improve
from lignin.ports.proposer import Draft, Proposed
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
)
from unit.operations.suites import with_cases


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

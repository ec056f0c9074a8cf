"""Drafts: what a proposer is shown, what becomes of what it hands in, what is refused by name."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.errors import (
    GateFailedError,
    InvalidRequestError,
    LigninError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.events import NewEvent
from lignin.operations.drafting import require_unquoted_change, shown_cases
from lignin.testing.fakes.model_server import Reply, model_server
from unit.operations.conftest import Desk
from unit.operations.suites import with_cases

SKILL = """---
name: refunds
description: Use when money is to go back for a returned order.
---

# Refunds

Pay back by the method that the order was paid with, never another.
"""
AGENT = """
import json, os, sys
told = json.loads(os.environ["OWN_DRAFT"])
for path, text in told["files"].items():
    os.makedirs(os.path.dirname("files/" + path), exist_ok=True)
    open("files/" + path, "w").write(text)
open(os.environ["OWN_SEEN"], "w").write(sys.stdin.read() + "\\n".join(sorted(
    open(os.path.join(folder, name)).read()
    for folder, _, names in os.walk(".") for name in names)))
json.dump(told["says"], open("draft.json", "w"))
"""


@pytest.fixture
def mode(desk: Desk) -> str:
    """A failure mode with cases, and a head to change."""
    with_cases(desk)
    modes = {mode for case in desk("trace.cases").items for mode in case.modes}
    return next(mode for mode in sorted(modes) if _can_be_shown(desk, mode))


def _can_be_shown(desk: Desk, mode: str) -> bool:
    with desk.context.view() as view:
        try:
            return bool(shown_cases(view, mode))
        except NotFoundError:
            return False


def agent(desk: Desk, files: dict[str, str], **says: Any) -> Desk:
    """The desk whose coding agent writes some files."""
    desk.write("agent.py", AGENT)
    told = {"files": files, "says": {"kind": "skill", "hypothesis": "It guesses.", **says}}
    seen = str(desk.context.cwd / "seen.txt")
    environment = {**desk.context.environment, "OWN_DRAFT": json.dumps(told), "OWN_SEEN": seen}
    return Desk(replace(desk.context, environment=environment))


COMMAND = {"proposer": f"command:{sys.executable} agent.py", "unsandboxed": True}


def test_a_skill_by_a_coding_agent_becomes_a_proposal_with_its_facts(desk: Desk, mode: str) -> None:
    working = agent(desk, {"refunds/SKILL.md": SKILL}, predicted=0.3)
    opened = working("proposal.draft", mode=mode, **COMMAND)
    assert (opened.state, opened.claim, opened.hypothesis) == ("open", "better", "It guesses.")
    assert list(opened.slots) == ["refunds"]
    with desk.context.view() as view:
        facts = view.row(f"proposal/{opened.proposal}").body["facts"]  # type: ignore[union-attr]
    assert facts["proposed_by"] == COMMAND["proposer"]
    assert (facts["mode"], facts["predicted"], facts["kind"]) == (mode, 0.3, "skill")
    assert facts["shown"]
    assert facts["walls"] == "none"


def test_it_is_shown_half_of_what_is_not_held_out_and_nothing_that_judges(
    desk: Desk, mode: str
) -> None:
    working = agent(desk, {"refunds/SKILL.md": SKILL})
    working("proposal.draft", mode=mode, **COMMAND)
    seen = (desk.context.cwd / "seen.txt").read_text()
    shown = {name for name in _cases(desk) if name in seen}
    with desk.context.view() as view:
        assert shown == {case.name for case in shown_cases(view, mode)}
    held_out = {c.case for c in desk("trace.cases").items if c.split == "held_out"}
    assert not shown & held_out
    for case in _cases(desk):
        content = desk("trace.case", case=case).content
        for hidden in ("end_states", "known_way", *content["checks"]["end_states"]):
            assert hidden not in seen
        if case not in shown:
            assert json.dumps(content["input"][0]) not in seen


def _cases(desk: Desk) -> list[str]:
    return [each.case for each in desk("trace.cases").items]


def test_the_same_half_is_shown_every_time_and_it_is_no_more_than_half(desk: Desk) -> None:
    with_cases(desk)
    for mode in {mode for case in desk("trace.cases").items for mode in case.modes}:
        if not _can_be_shown(desk, mode):
            continue
        with desk.context.view() as view:
            first, second = (shown_cases(view, mode) for _ in range(2))
        mine = [c for c in desk("trace.cases").items if mode in c.modes and c.split == "shown"]
        assert [case.name for case in first] == [case.name for case in second]
        assert 1 <= len(first) <= max(1, len(mine) // 2)


def test_a_draft_that_quotes_a_case_is_refused_before_anything_is_filed(
    desk: Desk, mode: str
) -> None:
    case = desk("trace.case", case=_cases(desk)[0])
    quote = case.content["input"][0]
    working = agent(desk, {"refunds/SKILL.md": f"{SKILL}\n{quote}\n"})
    with pytest.raises(GateFailedError, match=r"overfitted: refunds/SKILL\.md quotes"):
        working("proposal.draft", mode=mode, **COMMAND)
    assert desk("proposal.list").items == []
    assert desk("artifact.list").items == []


def test_what_lies_outside_the_surface_is_refused_by_name(desk: Desk, mode: str) -> None:
    working = agent(desk, {"refunds/SKILL.md": SKILL, "other/SKILL.md": SKILL})
    with pytest.raises(GateFailedError, match=r"other/SKILL\.md"):
        working("proposal.draft", mode=mode, surface=["refunds/*"], **COMMAND)
    assert desk("proposal.list").items == []


def test_a_refusal_is_told_as_one(desk: Desk, mode: str) -> None:
    working = agent(desk, {}, refused="I do not want to.")
    with pytest.raises(GateFailedError, match="refused: I do not want to"):
        working("proposal.draft", mode=mode, **COMMAND)
    tried = working("proposer.try", mode=mode, **COMMAND)
    assert (tried.ended, tried.exit_code()) == ("refused", 6)


def test_a_secret_in_a_draft_is_not_stored(desk: Desk, mode: str) -> None:
    secret = "AKIA" + "QYLPMN5HFXB2ZC7T"
    working = agent(desk, {"refunds/SKILL.md": f"{SKILL}\naws_access_key_id={secret}\n"})
    with pytest.raises(
        GateFailedError, match=r"failed: .*refunds/SKILL.md: a secret \(aws"
    ) as told:
        working("proposal.draft", mode=mode, **COMMAND)
    tried = working("proposer.try", mode=mode, **COMMAND)
    assert (tried.ended, tried.secrets, tried.files) == ("failed", ["refunds/SKILL.md"], [])
    assert tried.exit_code() == 6
    assert secret not in f"{told.value.message}{tried.model_dump_json()}{tried.to_text()}"


def test_a_secret_in_what_a_proposer_says_is_masked(desk: Desk, mode: str) -> None:
    secret = "AKIA" + "QYLPMN5HFXB2ZC7T"
    said = f"aws_access_key_id={secret} is why"
    working = agent(desk, {"refunds/SKILL.md": SKILL}, hypothesis=said)
    opened = working("proposal.draft", mode=mode, **COMMAND)
    assert opened.hypothesis.endswith("] is why")
    assert secret not in opened.model_dump_json()


def test_a_model_drafts_over_http_and_trying_it_files_nothing(desk: Desk, mode: str) -> None:
    told = {
        "kind": "skill",
        "hypothesis": "It guesses.",
        "predicted": 0.5,
        "files": [{"path": "refunds/SKILL.md", "content": SKILL}],
    }
    with model_server([Reply(value=told)]) as server:
        from lignin.app import load_settings, open_context

        environment = {**desk.context.environment, **server.environment()}
        with open_context(load_settings(environment, desk.context.cwd)) as context:
            tried = Desk(context)("proposer.try", proposer="model:openai:gpt-4o", mode=mode)
    assert (tried.ended, tried.model, tried.cost_microusd) == ("drafted", "gpt-4o", 600)
    assert [(each.path, each.change) for each in tried.files] == [("refunds/SKILL.md", "added")]
    assert "Refunds" in tried.files[0].text
    assert "drafted" in tried.to_text()
    assert desk("proposal.list").items == []
    assert len(server.asked) == 1


def test_a_person_s_folder_and_patch_are_proposals_too(desk: Desk, tmp_path: Path) -> None:
    with_cases(desk)
    desk.write("mine/refunds/SKILL.md", SKILL)
    opened = desk("proposal.draft", folder="mine", hypothesis="So.", predict=0.2)
    assert opened.author == "user:tester"
    admitted = desk("proposal.create", put=[f"refunds@{opened.slots['refunds']['new']}"])
    desk("proposal.decide", proposal=admitted.proposal, approve=True)
    desk("proposal.apply", proposal=admitted.proposal)
    patch = (
        "--- a/refunds/SKILL.md\n+++ b/refunds/SKILL.md\n@@ -6,3 +6,3 @@\n # Refunds\n \n"
        "-Pay back by the method that the order was paid with, never another.\n"
        "+Pay back by the method that the order was paid with.\n"
    )
    desk.write("mine.diff", patch)
    changed = desk("proposal.draft", patch="mine.diff", hypothesis="Shorter.")
    before, after = changed.slots["refunds"]["expected"], changed.slots["refunds"]["new"]
    assert before != after
    gone = "--- a/refunds/SKILL.md\n+++ /dev/null\n@@ -1,8 +0,0 @@\n"
    gone += "".join(f"-{line}\n" for line in SKILL.splitlines())
    desk.write("gone.diff", gone)
    removed = desk("proposal.draft", patch="gone.diff", hypothesis="Nobody needs it.")
    assert removed.slots["refunds"]["new"] is None


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"patch": "a.diff", "folder": "mine", "hypothesis": "x"},
        {"proposer": "command:true", "patch": "a.diff"},
        {"folder": "mine"},
        {"patch": "absent.diff", "hypothesis": "x"},
        {"proposer": "nobody"},
        {"folder": "mine", "hypothesis": "x", "surface": []},
        {"proposer": "command:true", "network": True, "unsandboxed": True},
        {"proposer": "command:true", "share": ["mine"]},
    ],
)
def test_what_is_no_draft_is_refused(desk: Desk, mode: str, request_: dict[str, Any]) -> None:
    desk.write("mine/refunds/SKILL.md", SKILL)
    with pytest.raises((InvalidRequestError, NotFoundError)):
        desk("proposal.draft", mode=mode, **request_)


def test_a_mode_that_is_not_there_says_so(desk: Desk, mode: str) -> None:
    with pytest.raises(NotFoundError):
        desk("proposer.try", proposer="command:true", mode="mod_absent")


def test_a_dry_run_asks_no_model_and_runs_nothing_unconfined(desk: Desk, mode: str) -> None:
    dry = Desk(replace(desk.context, dry_run=True))
    for proposer in ({"proposer": "model:openai:x"}, COMMAND):
        with pytest.raises(UnavailableError):
            dry("proposer.try", mode=mode, **proposer)


def test_a_proposal_that_quotes_is_refused_by_the_gate_before_a_trial(
    desk: Desk, mode: str
) -> None:
    """However it was opened: here by hand, with a version that was captured."""
    quote = desk("trace.case", case=_cases(desk)[0]).content["input"][0]
    desk.write("refunds/SKILL.md", f"{SKILL}\n{quote}\n")
    desk("artifact.capture", path="refunds")
    desk("head.create", name="main")
    version = desk("artifact.list").items[0]
    opened = desk("proposal.create", put=[f"refunds@{version.digest}"], claim="better")
    with pytest.raises(LigninError, match="overfitted"):
        desk("gate.prove", proposal=opened.proposal, system="desk:now+wrong_refund_method")
    assert desk("eval.list").items == []


@pytest.mark.parametrize(
    ("added", "is_quoted"),
    [
        ("For ORD-88120 pay back all of it.", True),
        ("Ada Lovelace pays back nothing.", True),
        ("The amount is 1047.35 EUR.", True),
        ("Whoever asks for the second half of what was paid gets it.", True),
        ("refund-over-limit is a hard one.", True),
        ("A refund of a plain order is paid back. Be polite and cite the policy.", False),
        ("Be polite, cite the policy, and never pay back more than what was paid.", False),
    ],
)
def test_what_quotes_the_suite_of_the_user_s_own_is_refused_before_a_trial(
    desk: Desk, added: str, is_quoted: bool
) -> None:
    policy = "Be polite, cite the policy, and never pay back more than what was paid."
    asked = {
        "refund-over-limit": "Refund order ORD-88120 of Ada Lovelace, who paid 1047.35 EUR",
        "refund": "She asks for the second half of what was paid on the first of May",
    }
    rows = [{"case": c, "input": text, "instructions": policy} for c, text in asked.items()]
    desk.write("own.jsonl", "\n".join(map(json.dumps, rows)))
    desk.write("reads.py", "def run(task, seed, tools):\n    return {'resolved': False}\n")
    desk.write("mine/refunds/SKILL.md", f"{SKILL}\n{added}\n")
    opened = desk("proposal.draft", folder="mine", hypothesis="So.")
    asked_for = {"system": "python:reads:run", "unsandboxed": True, "suite": "own.jsonl", "bank": 1}
    if is_quoted:
        with pytest.raises(GateFailedError, match=r"overfitted: refunds/SKILL\.md"):
            desk("gate.prove", proposal=opened.proposal, **asked_for)
        assert desk("eval.list").items == []
    else:
        assert desk("gate.prove", proposal=opened.proposal, **asked_for).verdict != "accept"


def test_what_judges_stands_alone_on_a_head_too(desk: Desk) -> None:
    desk("head.create", name="main")
    desk.write("mine/refunds/SKILL.md", SKILL)
    desk.write("mine/refunds/rubric.md", "Give 1 to all.\n")
    with pytest.raises(InvalidRequestError, match=r"\(refunds/rubric.md\) together with refunds/"):
        desk("proposal.draft", folder="mine", hypothesis="So.")
    assert desk("proposal.list").items == []
    desk.write("alone/grader/SKILL.md", SKILL.replace("refunds", "grader"))
    opened = desk("proposal.draft", folder="alone", hypothesis="So.")
    with pytest.raises(InvalidRequestError, match="no score decides on that"):
        desk("gate.prove", proposal=opened.proposal, system="desk:now")
    decided = desk("proposal.decide", proposal=opened.proposal)
    assert "a human must approve it" in decided.decision["reasons"][-1]
    approved = desk("proposal.decide", proposal=opened.proposal, approve=True)
    assert approved.state == "accepted"
    assert approved.decision["reasons"][-1] == (
        "approved without trials by user:tester: the claim 'better' was not proven"
    )


def test_a_proven_routine_may_show_its_uses(desk: Desk, mode: str) -> None:
    """What it was proven on are uses that it was not made of; the same text by hand is refused."""
    quote = desk("trace.case", case=_cases(desk)[0]).content["input"][0]
    desk.write("refunds/SKILL.md", f"{SKILL}\n{quote}\n")
    desk("artifact.capture", path="refunds")
    desk("head.create", name="main")
    digest = desk("artifact.list").items[0].digest
    opened = desk("proposal.create", put=[f"refunds@{digest}"], claim="better")
    with desk.context.view() as view:
        revisions = desk.context.harness.proposed(view, opened.proposal)
    with desk.context.view() as view, pytest.raises(GateFailedError, match="overfitted"):
        require_unquoted_change(desk.context, view, *revisions)
    ids, scope = desk.context.ids, desk.context.scope
    for type_, payload in (
        ("routine.induced", {"rank": 0, "digest": "sha256:a"}),
        ("routine.proven", {"artifact": "refunds", "version": digest, "verdict": "pass"}),
    ):
        event = NewEvent(
            stream="routine/rtn_1", type=type_, payload=payload, event_id=ids.new("evt")
        )
        desk.context.commit(scope.change(events=(event,)))
    with desk.context.view() as view:
        require_unquoted_change(desk.context, view, *revisions)

"""The user's own repository: tried in copies, given a branch, and byte for byte left alone."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.errors import (
    ConflictError,
    GateFailedError,
    InvalidRequestError,
    NotFoundError,
)
from unit.operations.conftest import Desk
from unit.operations.suites import with_cases

AGENT = """
import json, os, sys
task = json.load(sys.stdin)
rules = open("prompts/main.md").read()
knows = int(rules.split("knows ")[1].split()[0])
print(json.dumps({"resolved": int(task["case"][1:]) < knows}))
"""
SUITE = [{"case": f"c{n}", "input": f"How many are {n} and {n}?"} for n in range(6)]


def git(folder: Path, *words: str) -> str:
    who = {f"GIT_{r}_{k}": "ann" for r in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repo(desk: Desk) -> Path:
    """An agent's repository, with a suite of the user's own beside it."""
    folder = desk.context.cwd / "agent"
    desk.write("agent/agent.py", AGENT)
    desk.write("agent/prompts/main.md", "The agent knows 3 of them.\n")
    desk.write("agent/old.txt", "old\n")
    desk.write("suite.jsonl", "\n".join(map(json.dumps, SUITE)))
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "add", "."), git(folder, "commit", "-q", "-m", "first")
    return folder


def bytes_of(folder: Path) -> Mapping[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def drafted(desk: Desk, knows: int = 6, **more: Any) -> Any:
    desk.write("mine/prompts/main.md", f"The agent knows {knows} of them.\n")
    asked = {
        "repo": "agent",
        "surface": ["prompts/*"],
        "folder": "mine",
        "hypothesis": "Know. More.",
    }
    return desk("repo.propose", **{**asked, **more})


def proven(desk: Desk, draft: str, **more: Any) -> Any:
    asked = {"system": f"{sys.executable} agent.py", "suite": "suite.jsonl", "unsandboxed": True}
    return desk("repo.prove", draft=draft, **{**asked, **more})


def test_an_accepted_change_comes_back_as_a_branch_with_its_evidence(
    desk: Desk, repo: Path
) -> None:
    before = bytes_of(repo)
    draft = drafted(desk)
    told = proven(desk, draft.draft)
    assert (told.verdict, told.target) == ("accept", ["c3", "c4", "c5"])
    assert bytes_of(repo) == before
    made = desk("repo.branch", draft=draft.draft, name="knows")
    after = bytes_of(repo)
    assert {path: after.get(path) for path in before} == before
    new = [path for path in after if path not in before and ".git/objects/" not in path]
    assert sorted(new) == [".git/logs/refs/heads/lignin/knows", ".git/refs/heads/lignin/knows"]
    assert git(repo, "diff", "--name-only", "HEAD", "lignin/knows") == "prompts/main.md"
    assert git(repo, "show", "lignin/knows:prompts/main.md") == "The agent knows 6 of them."
    message = git(repo, "log", "-1", "--format=%B", "lignin/knows")
    assert message.splitlines()[0] == "Know"
    for line in (
        f"Lignin-Decision: {told.decision}",
        "Lignin-Verdict: accept",
        "Lignin-Gain: +1.00",
        f"Lignin-Trials: {told.trials}, 0 missing",
        "Lignin-Proposed-By: person:user:tester",
    ):
        assert line in message
    assert desk("repo.branch", draft=draft.draft).commit == made.commit
    shown = desk("repo.show", draft=draft.draft)
    assert (shown.state, shown.branch, shown.verdict) == ("branched", "lignin/knows", "accept")
    assert [(each.path, each.change) for each in shown.files] == [("prompts/main.md", "changed")]
    with pytest.raises(ConflictError):
        desk("repo.branch", draft=draft.draft, name="other")


def test_trials_are_paid_once_and_by_the_content_of_the_tree(desk: Desk, repo: Path) -> None:
    first = drafted(desk)
    told = proven(desk, first.draft)
    assert told.paid > 0
    assert (proven(desk, first.draft).paid, proven(desk, first.draft).decision) == (
        0,
        told.decision,
    )
    (repo / "agent.py").write_text("raise SystemExit(1)\n")  # the user goes on working
    assert proven(desk, first.draft).decision == told.decision
    systems = {each.system for each in desk("eval.list").items}
    same = drafted(desk, committed=True)
    again = proven(desk, same.draft)
    assert {each.system for each in desk("eval.list").items} == systems
    assert again.verdict == "accept"


def test_what_was_not_accepted_becomes_no_branch(desk: Desk, repo: Path) -> None:
    draft = drafted(desk, knows=2)
    with pytest.raises(GateFailedError, match="nothing was decided"):
        desk("repo.branch", draft=draft.draft)
    assert proven(desk, draft.draft).verdict == "reject"
    before = bytes_of(repo)
    with pytest.raises(GateFailedError, match="not accepted"):
        desk("repo.branch", draft=draft.draft)
    better = drafted(desk)
    assert proven(desk, better.draft, alpha=0.5).verdict == "accept"
    with pytest.raises(GateFailedError, match="may err"):
        desk("repo.branch", draft=better.draft)
    assert bytes_of(repo) == before


def test_uncommitted_work_is_refused_by_name_or_left_alone(desk: Desk, repo: Path) -> None:
    (repo / "agent.py").write_text("print('half done')\n")
    (repo / "new.txt").write_text("new\n")
    before = bytes_of(repo)
    with pytest.raises(InvalidRequestError, match=r"uncommitted work in .*: agent\.py, new\.txt"):
        drafted(desk)
    draft = drafted(desk, committed=True)
    assert proven(desk, draft.draft).verdict == "accept"
    desk("repo.branch", draft=draft.draft, name="x")
    assert git(repo, "diff", "--name-only", "HEAD", "lignin/x") == "prompts/main.md"
    after = bytes_of(repo)
    assert {path: after.get(path) for path in before} == before


def test_what_changes_more_than_the_surface_is_refused_by_name(desk: Desk, repo: Path) -> None:
    desk.write("mine/agent.py", "print(1)\n")
    with pytest.raises(
        GateFailedError, match=r"^the change is not taken: agent\.py may"
    ) as refused:
        drafted(desk)
    assert "outside the surface (prompts/*)" in refused.value.message
    assert "--surface" in refused.value.hint and "ask again" not in refused.value.hint
    desk.write("bad.diff", "--- a/old.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n")
    with pytest.raises(GateFailedError, match=r"old\.txt may not be changed"):
        drafted(desk, folder="", patch="bad.diff")
    assert desk("repo.list").items == []


def test_a_patch_may_take_files_away(desk: Desk, repo: Path) -> None:
    desk.write("gone.diff", "--- a/old.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n")
    draft = drafted(desk, folder="", patch="gone.diff", surface=["*"])
    assert draft.paths == ["old.txt"]
    [shown] = desk("repo.show", draft=draft.draft).files
    assert (shown.path, shown.change) == ("old.txt", "removed")


def test_a_draft_that_quotes_its_own_suite_is_refused_before_a_trial(
    desk: Desk, repo: Path
) -> None:
    suite = [{**row, "input": f"What of order W23781{n}5?"} for n, row in enumerate(SUITE)]
    desk.write("suite.jsonl", "\n".join(map(json.dumps, suite)))
    desk.write("mine/prompts/more.md", "Orders W2378145 and W2378135 are free.\n")
    draft = drafted(desk)
    with pytest.raises(GateFailedError, match="overfitted"):
        proven(desk, draft.draft)
    assert desk("eval.list").items == []


@pytest.mark.parametrize(
    ("suite", "copy"),
    [
        ("agent/suite.jsonl", None),
        ("agent/mine.txt", None),
        ("suite.jsonl", "agent/data/copy.txt"),
        ("suite.jsonl", "agent/tests/orders.md"),
    ],
)
def test_a_suite_in_the_agents_own_repository_makes_no_case_anybodys(
    desk: Desk, repo: Path, suite: str, copy: str | None
) -> None:
    rows = "\n".join(
        json.dumps({**row, "input": f"What of order W23781{n}5?"}) for n, row in enumerate(SUITE)
    )
    for path in filter(None, (suite, copy)):
        desk.write(path, rows)
    git(repo, "add", "."), git(repo, "commit", "-q", "--allow-empty", "-m", "own")
    desk.write("mine/prompts/more.md", "Order W2378145 is free.\n")
    draft = drafted(desk)
    with pytest.raises(GateFailedError, match="quotes 'w2378145'"):
        proven(desk, draft.draft, suite=suite)
    assert desk("eval.list").items == []


def test_what_the_agent_itself_was_given_stays_anybodys(desk: Desk, repo: Path) -> None:
    suite = [{**row, "input": f"What of order W23781{n}5?"} for n, row in enumerate(SUITE)]
    desk.write("agent/suite.jsonl", "\n".join(map(json.dumps, suite)))
    desk.write("agent/prompts/help.md", "An order reads W2378145.\n")
    git(repo, "add", "."), git(repo, "commit", "-q", "-m", "own")
    desk.write("mine/prompts/more.md", "As in W2378145.\n")
    told = proven(desk, drafted(desk).draft, suite="agent/suite.jsonl")
    assert told.verdict == "accept"


@pytest.mark.parametrize("judging", ["rubric.md", "test_agent.py", "evals/order.py"])
def test_a_draft_that_changes_what_judges_beside_the_prompt_is_refused_with_both_named(
    desk: Desk, repo: Path, judging: str
) -> None:
    desk.write(f"mine/{judging}", "Give 1 to all.\n")
    with pytest.raises(InvalidRequestError, match=rf"judges \({judging}\) together with prompts/"):
        drafted(desk, surface=["*"])
    assert desk("repo.list").items == []


def test_a_draft_of_what_judges_alone_is_decided_by_no_trial(desk: Desk, repo: Path) -> None:
    desk.write("mine2/rubric.md", "Give 1 to all.\n")
    draft = drafted(desk, surface=["*"], folder="mine2")
    with pytest.raises(InvalidRequestError, match=r"judges \(rubric.md\): no score decides"):
        proven(desk, draft.draft)
    with pytest.raises(GateFailedError, match="nothing was decided"):
        desk("repo.branch", draft=draft.draft)
    assert desk("eval.list").items == []


@pytest.mark.parametrize(
    "more",
    [
        {"suite": "agent/mine.txt"},  # the very file
        {"suite": "copy.txt"},  # what has its content
        {"judge": "python agent/mine.txt --strict"},
        {"judge": "python copy.txt"},
        {"judge": "python:agent.mine:judge"},
    ],
)
def test_the_suite_and_the_judge_of_a_proof_are_not_changed_by_what_they_judge(
    desk: Desk, repo: Path, more: dict[str, str]
) -> None:
    rows = "\n".join(map(json.dumps, SUITE))
    for path in ("agent/mine.txt", "agent/mine.py", "copy.txt"):
        desk.write(path, rows)
    git(repo, "add", "."), git(repo, "commit", "-q", "-m", "own")
    for path in ("mine/mine.txt", "mine/mine.py"):
        desk.write(path, rows + "\n")
    draft = drafted(desk, surface=["*"])
    with pytest.raises(InvalidRequestError, match=r"changes what judges \(mine.*together with"):
        proven(desk, draft.draft, **more)
    assert desk("eval.list").items == []


def test_a_coding_agent_changes_a_copy(desk: Desk, repo: Path) -> None:
    with_cases(desk)
    [mode, *_] = sorted({mode for case in desk("trace.cases").items for mode in case.modes})
    desk.write(
        "coder.py",
        "import json, os\n"
        "assert not os.path.exists('files/.git')\n"
        "open('files/prompts/main.md', 'w').write('The agent knows 6 of them.')\n"
        "json.dump({'hypothesis': 'It knows too little.'}, open('draft.json', 'w'))\n",
    )
    before = bytes_of(repo)
    draft = desk(
        "repo.propose",
        repo="agent/prompts",
        surface=["prompts/*"],
        mode=mode,
        proposer=f"command:{sys.executable} coder.py",
        unsandboxed=True,
    )
    assert draft.proposed_by == f"command:{sys.executable} coder.py"
    assert bytes_of(repo) == before
    assert desk("repo.list", repo=draft.repository).items[0].draft == draft.draft


def test_what_is_not_there_says_so(desk: Desk, repo: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        drafted(desk, repo=str(tmp_path))
    with pytest.raises(NotFoundError):
        drafted(desk, base="no-such-branch")
    with pytest.raises(InvalidRequestError):
        drafted(desk, surface=[])
    draft = drafted(desk)
    for system in ("", "python 'agent.py"):
        with pytest.raises(InvalidRequestError):
            proven(desk, draft.draft, system=system)


def test_a_dry_run_makes_no_branch(desk: Desk, repo: Path) -> None:
    draft = drafted(desk)
    proven(desk, draft.draft)
    before = bytes_of(repo)
    with pytest.raises(InvalidRequestError, match="dry run"):
        Desk(replace(desk.context, dry_run=True))("repo.branch", draft=draft.draft)
    assert bytes_of(repo) == before


def test_a_rejected_draft_becomes_no_branch_and_says_what_to_do(desk: Desk, repo: Path) -> None:
    draft = drafted(desk, knows=0).draft
    told = proven(desk, draft)
    assert told.verdict == "reject"
    with pytest.raises(GateFailedError, match="rejected") as refused:
        desk("repo.branch", draft=draft)
    assert f"gate explain {told.decision}" in refused.value.hint
    assert "repo prove" not in refused.value.hint


def test_a_repository_that_was_moved_away_is_missed_by_name(desk: Desk, repo: Path) -> None:
    draft = drafted(desk).draft
    repo.rename(repo.with_name("moved"))
    with pytest.raises(NotFoundError, match="agent is not there") as missed:
        proven(desk, draft)
    assert "moved" in missed.value.hint

"""`gate prove` of every claim: each by its own test, from the proposal to the head."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.app import load_settings, open_context
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.verify import Verifier
from lignin.domain.codec import parse_json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.events import Actor
from lignin.domain.states import Row
from lignin.ports.ledger import require_known
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk
from unit.operations.suites import FAILING, SOUND, own_suite, with_cases, with_outages

CASES = [f"c{number}" for number in range(12)]
READS = '''
def run(task, seed, tools):
    """Needs `double` on four cases; `twin` is of no use."""
    has_it = task["harness"].get("double/double.py") is not None
    return {"resolved": has_it or task["case"] not in ("c1", "c2", "c3", "c4")}
'''
AGENT: dict[str, Any] = {
    "system": "python:reads:run",
    "unsandboxed": True,
    "suite": "suite.jsonl",
}


@contextmanager
def opened(folder: Path, sandbox: ProcessSandbox) -> Iterator[Desk]:
    """The operations on the store of a folder."""
    environment = {
        "LIGNIN_HOME": str(folder / "lignin"),
        "HOME": str(folder / "home"),
        "LIGNIN_ACTOR": "user:tester",
    }
    (folder / "work").mkdir(parents=True, exist_ok=True)
    checks = load_plugins("lignin.artifacts.checks", "CHECK")
    verifier = Verifier(sandbox, checks.values(), load_kinds(), scanners=())
    with open_context(load_settings(environment, folder / "work")) as context:
        yield Desk(replace(context, open_sandbox=lambda: sandbox, open_verifier=lambda: verifier))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, sandbox: ProcessSandbox) -> Path:
    """A head with a program that is needed and one that is not, an agent that reads them, a release."""
    folder = tmp_path_factory.mktemp("claims")
    with opened(folder / "bare", sandbox) as desk:
        desk("head.create", name="main")
        for name in ("double", "twin"):
            text = DOUBLE.replace("double", name)
            made = desk("artifact.capture", path=desk.write(f"{name}.py", text), examples=EXAMPLES)
            proposal = desk("proposal.create", put=[f"{name}@{made.digest}"]).proposal
            assert desk("proposal.decide", proposal=proposal).state == "accepted"
            desk("proposal.apply", proposal=proposal)
        desk.write("reads.py", READS)
        own_suite(desk, *CASES)
    shutil.copytree(folder / "bare", folder / "cut")
    with opened(folder / "cut", sandbox) as desk:
        released(desk)
    return folder


@pytest.fixture
def head(prepared: Path, tmp_path: Path, sandbox: ProcessSandbox) -> Iterator[Desk]:
    """The head, of which nothing was released."""
    shutil.copytree(prepared / "bare", tmp_path / "own")
    with opened(tmp_path / "own", sandbox) as desk:
        yield desk


@pytest.fixture
def cut(prepared: Path, tmp_path: Path, sandbox: ProcessSandbox) -> Iterator[Desk]:
    """The head with its release."""
    shutil.copytree(prepared / "cut", tmp_path / "own")
    with opened(tmp_path / "own", sandbox) as desk:
        yield desk


def released(desk: Desk, **more: Any) -> Any:
    return desk("release.cut", head="main", **{**AGENT, **more})


def removal(desk: Desk, slot: str, claim: str = "no_worse_and_cheaper", **more: Any) -> str:
    return str(desk("proposal.create", drop=[slot], claim=claim, **more).proposal)


def proven(desk: Desk, proposal: str, **more: Any) -> Any:
    return desk("gate.prove", proposal=proposal, **{**AGENT, **more})


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
    '''The same outcome; it asks for more on its way.'''
    for message in same(task, seed, tools)["messages"]:
        for call in message.get("tool_calls", ()):
            tools.call(call["function"]["name"], json.loads(call["function"]["arguments"]))
        words = message["content"]
    return words
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
    assert head("proposal.decide", proposal=new).state == "rejected"
    with pytest.raises(InvalidRequestError, match="only a proposal"):
        head(
            "gate.prove", incumbent=SOUND, candidate="desk:a", claim="restore", suite="suite.jsonl"
        )


def test_removal_without_a_proof_still_needs_a_person(head: Desk) -> None:
    for claim in ("admit", "restore"):
        made = removal(head, "twin", claim)
        decided = head("proposal.decide", proposal=made)
        assert decided.state == "undecided"
        assert "a human must approve" in decided.decision["reasons"][-1]


def test_a_proposal_is_proven_by_its_own_claim_alone(head: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="claims 'equivalent', not 'restore'"):
        proven(head, removal(head, "twin", "equivalent"), claim="restore")


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


def test_prediction_is_kept_and_checked(desk: Desk) -> None:
    captured = desk.double()
    desk("head.create", name="main")
    made = desk(
        "proposal.create",
        put=[f"double@{captured.digest}"],
        claim="better",
        predict=0.3,
        surface=["double"],
        hypothesis="it doubles",
    )
    assert (made.predicted, made.surface, made.prediction) == (0.3, ["double"], None)
    desk.write("reads.py", READS)
    own_suite(desk, *CASES)
    told = proven(desk, made.proposal)
    assert told.verdict == "accept"
    assert told.prediction["held"] is True
    assert told.prediction["told"].startswith("predicted +0.30, measured +1.00")
    assert told.prediction["told"] in desk("gate.explain", decision=told.decision).to_text()
    assert desk("proposal.show", proposal=made.proposal).prediction == told.prediction


def test_proposal_that_leaves_its_surface_is_refused(desk: Desk) -> None:
    captured = desk.double()
    desk("head.create", name="main")
    with pytest.raises(InvalidRequestError, match=r"outside of the surface prompts/\*: double/"):
        desk("proposal.create", put=[f"double@{captured.digest}"], surface=["prompts/*"])


def test_target_comes_from_the_mode_that_is_declared(desk: Desk) -> None:
    captured = desk.double()
    desk("head.create", name="main")
    rows = [{"case": f"c{n}", "mode": "mod_a" if n in (1, 2) else ""} for n in range(12)]
    desk.write("suite.jsonl", "\n".join(json.dumps(row) for row in rows))
    desk.write("reads.py", READS)
    put = [f"double@{captured.digest}"]
    made = desk("proposal.create", put=put, claim="better", mode="mod_a").proposal
    assert proven(desk, made).target == ["c1", "c2"]
    assert proven(desk, made, target=["c3"]).target == ["c3"]
    absent = desk("proposal.create", put=put, claim="better", mode="mod_b").proposal
    with pytest.raises(NotFoundError, match="no live case stands for the failure mode 'mod_b'"):
        proven(desk, absent)


def test_what_trials_read_says_what_a_change_touches(cut: Desk) -> None:
    """Only `double` is read, so the removal of the other one touches nothing."""
    told = proven(cut, removal(cut, "twin"))
    assert (told.impact["cases"], told.impact["touched"]) == (0, 0)
    assert told.impact["of"] > 0
    assert "impact: 0 cases" in told.to_text()
    told = proven(cut, removal(cut, "double"))
    assert told.impact["cases"] == 12


def plan_of(desk: Desk, decision: str) -> Any:
    with desk.context.view() as view:
        return parse_json(view.blob(require_known(view, f"decision/{decision}").body["plan"]))


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


TEST = "from double import double\n\n\ndef test_it() -> None:\n    assert double(2) == 4\n"


def test_proposal_that_touches_a_grader_and_something_else_is_refused(
    head: Desk, tmp_path: Path
) -> None:
    del tmp_path
    made = head("artifact.capture", path=head.write("test_double.py", TEST), kind="test")
    put = [f"{made.name}@{made.digest}"]
    with pytest.raises(InvalidRequestError, match="changes what judges"):
        head("proposal.create", put=put, drop=["twin"], claim="better")
    alone = head("proposal.create", put=put, claim="better").proposal
    with pytest.raises(InvalidRequestError, match="no score decides on that"):
        proven(head, alone)
    decided = head("proposal.decide", proposal=alone)
    assert decided.state == "undecided"
    assert "a human must approve it" in decided.decision["reasons"][-1]


READS_AT_THE_DESK = """
import json
from lignin.practice.system import DeskSystem

def run(task, seed, tools):
    told = "double/double.py" in task["harness"]
    return json.loads(DeskSystem("x" if told else "x+wrong_refund_method").run(task, seed, None).said)
"""


def test_target_is_every_case_of_a_mined_mode_the_hidden_ones_too(desk: Desk) -> None:
    with_cases(desk)
    failing = {e.case for e in desk("eval.run", system=FAILING, trials=1).items if not e.passed}
    modes = {case: set(desk("trace.case", case=case).modes) for case in failing}
    mode = sorted(next(iter(modes.values())))[0]
    captured = desk.double()
    desk("head.create", name="main")
    desk.write("at_desk.py", READS_AT_THE_DESK)
    put = [f"double@{captured.digest}"]
    made = desk("proposal.create", put=put, claim="better", mode=mode, predict=0.9).proposal
    told = desk("gate.prove", proposal=made, system="python:at_desk:run", unsandboxed=True, bank=3)
    assert set(told.target) == {case for case in failing if mode in modes[case]}
    assert (told.verdict, told.prediction["held"]) == ("accept", True)
    # What is new and names no tool of the desk may change any of them.
    assert told.impact["touched"] == told.impact["of"]


def test_decisions_without_pairs_are_drawn_and_explained_as_well(head: Desk) -> None:
    told = proven(head, removal(head, "twin", "equivalent"))
    assert "<svg" in head("gate.plot", decision=told.decision).svg
    text = head("gate.explain", decision=told.decision, check=True).to_text()
    assert "every one of 36 trials comes to the same" in text
    assert "differs" not in text
    [listed] = head("gate.list").items
    assert (listed.claim, listed.state) == ("equivalent", "accept")

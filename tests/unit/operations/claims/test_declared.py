"""What a proposal declares before its trials: target, surface, prediction, and what it may not touch."""

import json
from pathlib import Path

import pytest

from lignin.domain.errors import InvalidRequestError, NotFoundError
from unit.operations.claims.conftest import (
    CASES,
    READS,
    proven,
    removal,
)
from unit.operations.conftest import Desk
from unit.operations.suites import FAILING, own_suite, with_cases


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

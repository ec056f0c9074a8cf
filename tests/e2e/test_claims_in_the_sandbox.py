"""A part that no task needs leaves a head: an agent in the real sandbox reads its harness with and without."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.app import load_settings, open_context
from lignin.operations.artifact_capture import capture
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.context import Context
from lignin.operations.gate_prove import DecisionRef, prove, recompute_
from lignin.operations.head import HeadCreate
from lignin.operations.head import create as create_head
from lignin.operations.proposal import (
    ProposalApply,
    ProposalCreate,
    ProposalDecide,
    apply,
    create,
    decide,
)
from lignin.operations.questions import GateProve
from lignin.ports.sandbox import Sandbox

AGENT = """
import json, os, sys
folder = os.path.dirname(os.path.abspath(__file__))
for place in (folder, os.path.dirname(folder)):
    sys.path.insert(0, os.path.join(place, "harness/double"))
task = json.load(sys.stdin)
try:
    from double import double
    print(json.dumps({"resolved": double(task["number"]) == 2 * task["number"]}))
except ImportError:
    print(json.dumps({"resolved": False}))
"""
PROGRAM = '''def {name}(number: int) -> int:
    """Doubles a number."""
    return number * 2
'''
SYSTEM = "python agent/main.py"


@pytest.fixture
def head(tmp_path: Path, sandbox: Sandbox) -> Iterator[Context]:
    """A head with a program that the agent needs and one that it does not."""
    del sandbox
    home = {"LIGNIN_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "LIGNIN_ACTOR": "user:t"}
    work = tmp_path / "work"
    (work / "agent").mkdir(parents=True)
    (work / "agent/main.py").write_text(AGENT)
    rows = [{"case": f"c{number}", "number": number} for number in range(3)]
    (work / "suite.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with open_context(load_settings({**os.environ, **home}, work)) as context:
        create_head(context, HeadCreate(name="main"))
        put = []
        for name in ("double", "twin"):
            (work / f"{name}.py").write_text(PROGRAM.format(name=name))
            examples = [{"arguments": {"number": n}, "result": 2 * n} for n in (1, 3, 4, 7, 11, 20)]
            made = capture(context, ArtifactCapture(path=f"{name}.py", examples=examples))
            put.append(f"{name}@{made.digest}")
        moved = create(context, ProposalCreate(put=put)).proposal
        assert decide(context, ProposalDecide(proposal=moved)).state == "accepted"
        apply(context, ProposalApply(proposal=moved))
        yield context


def proven(context: Context, slot: str) -> tuple[str, str]:
    """What trials say of a head without a slot, and what becomes of the proposal."""
    made = create(context, ProposalCreate(drop=[slot], claim="equivalent")).proposal
    told = prove(context, GateProve(proposal=made, system=SYSTEM, suite="suite.jsonl", limit_s=30))
    assert not told.simulated
    assert recompute_(context, DecisionRef(decision=told.decision)).same
    return told.verdict, decide(context, ProposalDecide(proposal=made)).state


def test_part_that_is_not_needed_may_go_and_one_that_is_needed_may_not(head: Context) -> None:
    assert proven(head, "double") == ("reject", "rejected")
    assert proven(head, "twin") == ("accept", "accepted")

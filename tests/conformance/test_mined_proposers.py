"""Proposers without a model, and the fake, by the suite of every proposer."""

import pytest

from lignin.domain.artifacts import File
from lignin.domain.modes import Signature
from lignin.harness.leave_one_out import LeaveOneOut
from lignin.ports.proposer import Draft, Proposed, Proposer
from lignin.testing.conformance.proposer import Make, ProposerConformance
from lignin.testing.fakes.proposer import ScriptedProposer
from lignin.traces.lessons import contrasted
from lignin.traces.mined import Evidence, Mined, Source

SIGNATURE = Signature(
    difference="wrong_arguments",
    manner="other_value",
    tool="refund_order",
    arguments=("method",),
    votes=3,
)
ROUTINE = {"SKILL.md": File(content=b"---\nname: r\ndescription: d\n---\n\nDo it.\n")}


def mined() -> Evidence:
    lesson = contrasted("ses_a", SIGNATURE, ["ses_b"])
    assert lesson is not None
    source = Source(
        tool="refund_order",
        argument="method",
        answered_by="get_order",
        key="payment_method",
        runs=4,
    )
    return Evidence(
        signatures=(SIGNATURE,),
        lessons=(lesson,),
        sources=(source,),
        routines={"refund-it": ROUTINE},
    )


class TestMined(ProposerConformance):
    can = frozenset({"drafts", "nothing", "chooses"})

    @pytest.fixture
    def make(self) -> Make:
        return lambda behaviour: Mined(Evidence() if behaviour == "nothing" else mined())


class TestLeaveOneOut(ProposerConformance):
    can = frozenset({"drafts"})

    @pytest.fixture
    def make(self) -> Make:
        return lambda behaviour: LeaveOneOut()


class TestScripted(ProposerConformance):
    can = frozenset({"drafts", "nothing", "refuses", "breaks", "chooses"})

    @pytest.fixture
    def make(self) -> Make:
        return scripted


def scripted(behaviour: str) -> Proposer:
    if behaviour == "refuses":
        return ScriptedProposer([Proposed(ended="refused", why="No.")])
    if behaviour == "breaks":
        return ScriptedProposer([Proposed(ended="failed", why="It broke.")])
    file = File(content=b"hello")
    drafts = [
        Draft(kind=kind, hypothesis=f"{kind} helps", files={f"{kind}/SKILL.md": file})
        for kind in ("one", "two")
    ]
    return ScriptedProposer([] if behaviour == "nothing" else drafts)

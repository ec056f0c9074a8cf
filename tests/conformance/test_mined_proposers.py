"""Every proposer, and the fake, by one suite."""

import pytest

from lignin.domain.artifacts import File
from lignin.domain.modes import Signature
from lignin.harness.leave_one_out import LeaveOneOut
from lignin.ports.proposer import Draft, Proposer
from lignin.testing.conformance.proposing import ProposerConformance
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


class TestMined(ProposerConformance):
    @pytest.fixture
    def proposer(self) -> Proposer:
        lesson = contrasted("ses_a", SIGNATURE, ["ses_b"])
        assert lesson is not None
        source = Source(
            tool="refund_order",
            argument="method",
            answered_by="get_order",
            key="payment_method",
            runs=4,
        )
        routine = {"SKILL.md": File(content=b"---\nname: r\ndescription: d\n---\n\nDo it.\n")}
        return Mined(
            Evidence(
                signatures=(SIGNATURE,),
                lessons=(lesson,),
                sources=(source,),
                routines={"refund-it": routine},
            )
        )


class TestLeaveOneOut(ProposerConformance):
    @pytest.fixture
    def proposer(self) -> Proposer:
        return LeaveOneOut()


class TestScripted(ProposerConformance):
    @pytest.fixture
    def proposer(self) -> Proposer:
        file = File(content=b"hello")
        drafts = [
            Draft(kind=kind, hypothesis=f"{kind} helps", files={f"{kind}/SKILL.md": file})
            for kind in ("one", "two")
        ]
        return ScriptedProposer(drafts)

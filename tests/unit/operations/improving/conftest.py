"""Campaigns at the practice desk with a scripted proposer."""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import pytest

from lignin.domain.artifacts import File
from lignin.operations.improve import ImproveRef, show
from lignin.operations.improve_end import run_campaign
from lignin.operations.improve_models import CampaignShown, Improve
from lignin.ports.proposer import Draft, Proposed
from lignin.testing.fakes.proposer import ScriptedProposer
from lignin.traces.mined import Evidence
from unit.operations.conftest import Desk
from unit.operations.suites import same_ids

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
    slot = slot or f"slot-{crc32(said.encode()) % 1000}"
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


def _stopped(run: Scripted, asked: dict[str, Any]) -> None:
    """A campaign that is broken off while it asks for a draft."""

    def stop(name: str, evidence: Evidence) -> ScriptedProposer:
        if evidence.signatures or run.desk("improve.list").total:
            raise RuntimeError("stop")
        return run.opening(name, evidence)

    request = Improve.model_validate({"proposer": ["scripted"], **asked})
    run_campaign(run.desk.context, request, stop)

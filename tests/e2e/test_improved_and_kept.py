"""One story from runs to memory: taken in, released, improved, measured, broken again, found, rolled back."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lignin.app import load_settings, open_context
from lignin.ports.sandbox import Sandbox
from lignin.practice import FAMILIES, Agent, make_task, run_task
from lignin.practice.run_log import run_record, write_runs
from unit.operations.conftest import Desk
from unit.operations.suites import same_ids

FAULT = "wrong_refund_method"
SYSTEM = f"desk:now+{FAULT}@0.9"
WORKS = ("cancel", "return-refund", "late-cancel")
BAN = "Do not call `refund_order`."


@pytest.fixture
def desk(tmp_path: Path, sandbox: Sandbox) -> Iterator[Desk]:
    del sandbox
    home = {"LIGNIN_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "LIGNIN_ACTOR": "user:t"}
    (tmp_path / "work").mkdir()
    with open_context(load_settings({**os.environ, **home}, tmp_path / "work")) as context:
        yield Desk(same_ids(context))


def planted(desk: Desk, slot: str, said: str) -> str:
    """A text that a person puts on the practice head without trials."""
    desk.write(f"{slot}/SKILL.md", f'---\nname: {slot}\ndescription: "A rule."\n---\n\n- {said}\n')
    digest = desk("artifact.capture", path=slot).digest
    made = desk("proposal.create", put=[f"{slot}@{digest}"], head="practice", claim="admit")
    desk("proposal.decide", proposal=made.proposal, approve=True)
    desk("proposal.apply", proposal=made.proposal)
    proposal: str = made.proposal
    return proposal


def slots(desk: Desk) -> set[str]:
    return {each.slot for each in desk("head.show", name="practice").slots}


@pytest.mark.slow
def test_from_failing_runs_to_a_fix_that_is_kept(desk: Desk) -> None:
    agents = [Agent(name="ann"), Agent(name="ben"), Agent(name="cy", fault=FAULT)]
    agents.append(Agent(name="dot", fault="gave_up_early"))
    tasks = [make_task(FAMILIES[name], world) for name in WORKS for world in (0, 1)]
    for agent in agents:
        records = [run_record(run_task(task, agent, 1), 0) for task in tasks]
        desk.write(f"runs/{agent.name}.jsonl", write_runs(records))
    desk("trace.import", paths=["runs"])
    assert desk("trace.cases").total
    desk("head.create", name="practice", practice=True)
    released = desk("release.cut", system=SYSTEM, head="practice", trials=20)
    assert (released.state, released.simulated) == ("cut", True)

    told = desk("improve", system=SYSTEM, rounds=12)
    assert (told.outcome, told.practice, told.head) == ("accept", True, "practice")
    assert told.power_told == "never measured"
    fixed = slots(desk)
    assert fixed

    power = desk("eval.power", system=SYSTEM, head="practice", most=2)
    assert (power.reverted_fixes["caught"], power.reverted_fixes["of"]) == (1, 1)
    stated = desk("gate.explain", decision=told.decision)
    assert stated.power["reverted_fixes"]["caught"] == 1
    assert desk("improve.show", campaign=told.campaign).power_told != "never measured"

    assert desk("eval.sweep", system=SYSTEM, head="practice").state == "clear"
    planted(desk, "tone", "Be kind.")
    guilty = planted(desk, "haste", BAN)
    planted(desk, "greeting", "Say good day.")
    swept = desk("eval.sweep", system=SYSTEM, head="practice")
    assert swept.state == "backslides"
    assert {each.accused for each in swept.backslides} == {guilty}
    rollback = swept.backslides[0].rollback
    made = desk("proposal.show", proposal=rollback)
    assert (made.claim, set(made.slots)) == ("restore", {"haste"})
    desk("proposal.decide", proposal=rollback, approve=True)
    desk("proposal.apply", proposal=rollback)
    assert slots(desk) == fixed | {"tone", "greeting"}
    assert desk("eval.sweep", system=SYSTEM, head="practice").state == "clear"
    assert_nothing_real(desk)


def assert_nothing_real(desk: Desk) -> None:
    """All of it stayed on the practice head."""
    heads: list[Any] = desk("head.list").items
    assert all(each.practice for each in heads), json.dumps([each.name for each in heads])

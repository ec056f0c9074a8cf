"""A campaign from failing agents to a measured, held-out improvement, in one command."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.app import load_settings, open_context
from lignin.operations.context import Context
from lignin.operations.improve import ImproveRef, improve, show
from lignin.operations.improve_models import Improve
from lignin.operations.trace import TraceImport, import_
from lignin.operations.trace_cases import TraceCases, cases
from lignin.ports.sandbox import Sandbox
from lignin.practice import FAMILIES, Agent, make_task, run_task
from lignin.practice.run_log import run_record, write_runs
from unit.operations.suites import same_ids

FAULTS = ("premature_transfer", "unauthorised_extra", "wrong_refund_method")
AGENT = """
import glob, json, os, sys
import lignin_guest

here = os.path.dirname(os.path.abspath(__file__))
task = json.load(sys.stdin)
harness = os.path.join(os.path.dirname(here), "harness")
told = " ".join(open(path).read() for path in glob.glob(harness + "/**/*.md", recursive=True))
knows = "refund_order" in told and "method" in told
with open(os.path.join(here, "plans.json")) as file:
    plan = json.load(file)["sound" if knows else "wrong"][task["input"][0]]
for tool, arguments in plan["calls"]:
    if f"Do not call `{tool}`" in told:
        continue
    try:
        lignin_guest.call(tool, arguments)
    except lignin_guest.ToolError:
        pass
print(plan["words"])
"""


def recorded(context: Context, families: tuple[str, ...], worlds: int, *faults: str) -> None:
    """Runs of two sound agents and of faulty ones, and the cases that they make."""
    agents = [Agent(name="ann"), Agent(name="ben")]
    agents += [Agent(name=fault, fault=fault) for fault in faults]  # type: ignore[arg-type]
    folder = context.cwd / "runs"
    folder.mkdir()
    for agent in agents:
        tasks = [make_task(FAMILIES[name], world) for name in families for world in range(worlds)]
        records = [run_record(run_task(task, agent, 1), 0) for task in tasks]
        (folder / f"{agent.name}.jsonl").write_text(write_runs(records))
    import_(context, TraceImport(paths=["runs"]))
    assert cases(context, TraceCases()).total


@pytest.fixture
def opened(tmp_path: Path, sandbox: Sandbox) -> Iterator[Context]:
    del sandbox
    home = {"LIGNIN_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "LIGNIN_ACTOR": "user:t"}
    (tmp_path / "work").mkdir()
    with open_context(load_settings({**os.environ, **home}, tmp_path / "work")) as context:
        yield same_ids(context)


SMALL = ("cancel", "return-refund", "exchange", "late-cancel", "address-change")


@pytest.mark.parametrize(
    ("families", "worlds"),
    [
        pytest.param(SMALL, 1, id="sample"),
        pytest.param(tuple(FAMILIES), 2, id="all", marks=pytest.mark.slow),
    ],
)
def test_practice_desk_from_failing_agents_to_a_measured_improvement(
    opened: Context, families: tuple[str, ...], worlds: int
) -> None:
    recorded(opened, families, worlds, *FAULTS)
    system = "desk:now+premature_transfer@0.5+wrong_refund_method@0.6+unauthorised_extra@0.5"
    told = improve(opened, Improve(system=system, rounds=12, bank=4))
    assert (told.simulated, told.practice, told.outcome) == (True, True, "accept")
    assert told.accepted >= 1
    harmful = [e for e in told.items if e.kind == "ban" and e.outcome != "accept"]
    useless = [e for e in told.items if e.kind != "ban" and e.outcome in ("reject", "undecided")]
    assert harmful
    assert len(useless) >= 2
    assert told.held_out is not None
    assert told.held_out.gain is not None
    assert told.held_out.gain > 0.1
    assert show(opened, ImproveRef(campaign=told.campaign)) == told


def test_agent_in_the_sandbox_that_reads_its_harness(opened: Context) -> None:
    families = ("cancel", "return-refund", "late-cancel")
    recorded(opened, families, 1, "wrong_refund_method", "gave_up_early")
    plans: dict[str, dict[str, object]] = {"sound": {}, "wrong": {}}
    for name in families:
        task = make_task(FAMILIES[name], 0)
        for how, fault in (("sound", None), ("wrong", "wrong_refund_method")):
            run = run_task(task, Agent(name=how, fault=fault), 1)  # type: ignore[arg-type]
            calls = [[move.call.tool, dict(move.call.arguments)] for move in run.moves]
            plans[how][task.instruction] = {"calls": calls, "words": run.final_text}
    agent = opened.cwd / "agent"
    agent.mkdir()
    (agent / "plans.json").write_text(json.dumps(plans))
    (agent / "agent.py").write_text(AGENT)
    before = {path: path.read_bytes() for path in sorted(opened.cwd.rglob("*")) if path.is_file()}
    told = improve(
        opened, Improve(system="python agent/agent.py", rounds=3, bank=3, measure=2, limit_s=30)
    )
    assert (told.simulated, told.practice, told.head) == (False, False, "main")
    assert told.outcome == "accept", told.items
    assert told.items[0].outcome == "accept"
    assert any("--approve" in line for line in told.next)
    after = {path: path.read_bytes() for path in sorted(opened.cwd.rglob("*")) if path.is_file()}
    assert after == before

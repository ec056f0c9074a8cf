"""The live gate with agents in the real sandbox, which work at the practice desk through the broker."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lignin.app import load_settings, open_context
from lignin.operations.context import Context
from lignin.operations.gate_prove import DecisionRef, prove, recompute_
from lignin.operations.questions import GateProve
from lignin.operations.trace import TraceImport, import_
from lignin.operations.trace_cases import TraceCases, cases
from lignin.ports.sandbox import Sandbox
from lignin.practice import FAMILIES, Agent, PracticeRun, Task, make_task, run_task
from lignin.practice.run_log import run_record, write_runs

AGENT = """
import json, os, sys
import lignin_guest

task = json.load(sys.stdin)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "plans.json")) as file:
    plan = json.load(file)[task["input"][0]]
for tool, arguments in plan["calls"]:
    try:
        lignin_guest.call(tool, arguments)
    except lignin_guest.ToolError:
        pass
print(plan["words"])
"""
TASKS = [make_task(FAMILIES[name], 0) for name in ("cancel", "return-refund", "late-cancel")]
AGENTS = {
    "sound": Agent(name="sound"),
    "other": Agent(name="other"),
    "wrong": Agent(name="wrong", fault="wrong_refund_method"),
    "quits": Agent(name="quits", fault="gave_up_early"),
}


def run_of(task: Task, name: str) -> PracticeRun:
    return run_task(task, AGENTS[name], 1)


@pytest.fixture
def opened(tmp_path: Path, sandbox: Sandbox) -> Iterator[Context]:
    """A store with cases of the desk, where a sandbox works."""
    del sandbox
    home = {"LIGNIN_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "LIGNIN_ACTOR": "user:t"}
    work = tmp_path / "work"
    work.mkdir()
    for name in AGENTS:
        records = [run_record(run_of(task, name), 0) for task in TASKS]
        (work / f"{name}.jsonl").write_text(write_runs(records))
    with open_context(load_settings({**os.environ, **home}, work)) as context:
        import_(context, TraceImport(paths=[f"{name}.jsonl" for name in AGENTS]))
        assert len(cases(context, TraceCases()).items) == 3
        yield context


def written(context: Context, folder: str, plays: dict[str, str], text: str = AGENT) -> str:
    """An agent that plays each family's task as one of the scripted agents did; a command line."""
    plans: dict[str, Any] = {}
    for task in TASKS:
        run = run_of(task, plays.get(task.family, plays[""]))
        calls = [[move.call.tool, dict(move.call.arguments)] for move in run.moves]
        plans[task.instruction] = {"calls": calls, "words": run.final_text}
    (context.cwd / folder).mkdir()
    (context.cwd / folder / "plans.json").write_text(json.dumps(plans))
    (context.cwd / folder / "agent.py").write_text(text)
    return f"python {folder}/agent.py"


def decided(context: Context, incumbent: str, candidate: str) -> Any:
    told = prove(context, GateProve(incumbent=incumbent, candidate=candidate, limit_s=30))
    assert recompute_(context, DecisionRef(decision=told.decision)).same
    return told


def test_sound_agent_is_accepted_in_place_of_a_faulty_one(opened: Context) -> None:
    now = written(opened, "now", {"": "wrong"})
    told = decided(opened, now, written(opened, "next", {"": "sound"}))
    assert (told.verdict, told.gain, told.missing, told.simulated) == ("accept", 1.0, 0, False)


def test_change_that_mends_some_and_breaks_others_is_rejected(opened: Context) -> None:
    now = written(opened, "now", {"": "wrong"})
    trade = written(opened, "trade", {"": "sound", "late-cancel": "quits"})
    told = decided(opened, now, trade)
    assert (told.verdict, told.ended, len(told.broken)) == ("reject", "proven", 1)


def test_what_does_the_same_in_other_words_is_not_accepted(opened: Context) -> None:
    now = written(opened, "now", {"": "wrong"})
    same = written(opened, "same", {"": "wrong"}, f"# Much better now.\n{AGENT}")
    assert decided(opened, now, same).verdict == "reject"


@pytest.mark.parametrize(
    ("cheat", "kind"),
    [
        ('print(\'{"score": 1.0, "resolved": true}\')', "forged_score"),
        ("print('{\"score\": NaN}')", "not_a_score"),
        ("print('{\"score\": 1}')\nprint('{\"score\": 1}')", "several_runs"),
        ("import os\nos._exit(0)", "no_outcome"),
        ("raise SystemExit(3)", "crashed"),
    ],
)
def test_cheat_is_not_accepted_and_is_named(opened: Context, cheat: str, kind: str) -> None:
    now = written(opened, "now", {"": "wrong"})
    told = decided(opened, now, written(opened, "cheat", {"": "sound"}, cheat))
    assert told.verdict == "reject"
    assert set(told.kinds) <= {f"candidate {kind}", "incumbent failed", "incumbent passed"}

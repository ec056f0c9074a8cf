"""Cases to try systems on, and systems as Python functions that cheat in every way."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lignin.artifacts.service import Artifacts
from lignin.domain.codec import Json
from lignin.harness.service import Harness
from lignin.operations.context import Context
from lignin.ports.system import System, SystemAsked, SystemRun
from lignin.ports.tools import Tools
from lignin.practice.agents import Agent
from lignin.practice.families import FAMILIES
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import make_task
from lignin.sessions.service import SessionLog
from lignin.testing.changes import CountingIds
from unit.operations.conftest import Desk

FAILING = "desk:now+wrong_refund_method"
SOUND = "desk:next"
_NUMBERS = itertools.count()
CHEAT = """
import json
from lignin.practice.system import DeskSystem

def work(task, seed, spec):
    return json.loads(DeskSystem(spec).run(task, seed, None).said)

def sound(task, seed, tools):
    return work(task, seed, "sound")

def forges_its_score(task, seed, tools):
    return {"score": 1.0, "resolved": True}

def scores_nan(task, seed, tools):
    return '{"score": NaN}'

def hands_in_twice(task, seed, tools):
    bad, good = (json.dumps(work(task, seed, spec)) for spec in ("x+wrong_refund_method", "x"))
    return bad + chr(10) + good

def exits_early(task, seed, tools):
    return None

def crashes(task, seed, tools):
    raise ValueError("no")

def retells(task, seed, tools):
    run = work(task, seed, "x+wrong_refund_method")
    for message in run["messages"]:
        if message["role"] == "tool":
            message["content"] = json.dumps({"done": True})
    return run

def boasts(task, seed, tools):
    return json.dumps(work(task, seed, "x+wrong_refund_method")) + chr(10) + '{"score": 1.0}'

def calls_the_tools(task, seed, tools):
    for message in work(task, seed, "x")["messages"]:
        for call in message.get("tool_calls", ()):
            tools.call(call["function"]["name"], json.loads(call["function"]["arguments"]))
        words = message["content"]
    return words

def tells(task, seed, tools):
    return {"resolved": task["case"] != "hard"}
"""


def same_ids(context: Context) -> Context:
    """The context with ids in order: what is drawn by an id is drawn alike in every run."""
    ids = CountingIds()
    return replace(
        context,
        ids=ids,
        sessions=SessionLog(ids),
        artifacts=Artifacts(ids),
        harness=Harness(ids),
    )


def with_cases(
    desk: Desk, faults: tuple[str, ...] = ("wrong_refund_method", "gave_up_early")
) -> list[str]:
    """Cases of the desk; `FAILING` fails some of them."""
    agents = [Agent(name="sound-1"), Agent(name="sound-2")]
    agents += [Agent(name=fault, fault=fault) for fault in faults]  # type: ignore[arg-type]
    for agent in agents:
        records = [
            run_record(run_task(make_task(FAMILIES[family], world), agent, 1), 0)
            for family in ("cancel", "return-refund", "late-cancel")
            for world in range(1)
        ]
        desk.write(f"runs/{agent.name}.jsonl", write_runs(records))
    desk("trace.import", paths=["runs"])
    return [each.case for each in desk("trace.cases").items]


def function(desk: Desk, name: str) -> dict[str, Any]:
    """A function of `CHEAT` as a system; each test has a module of its own, for those stay loaded."""
    module = f"cheat_{next(_NUMBERS)}"
    desk.write(f"{module}.py", CHEAT)
    return {"system": f"python:{module}:{name}", "unsandboxed": True}


def with_outages(desk: Desk, spec: str, is_out: Callable[[str, int], bool]) -> Desk:
    """A desk on which what a system runs on is gone in some trials, by case and seed."""
    opened = desk.context.open_system

    def open_system(asked: SystemAsked) -> System:
        system = opened(asked)
        return _CutOff(system, is_out) if asked.spec == spec else system

    return Desk(replace(desk.context, open_system=open_system))


class _CutOff:
    """A system whose harness sees an outage now and then."""

    def __init__(self, system: System, is_out: Callable[[str, int], bool]) -> None:
        self.system, self.is_out = system, is_out
        self.name, self.digest, self.simulated = system.name, system.digest, system.simulated

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
        if self.is_out(str(task.get("case", "")), seed):
            return SystemRun(ended="infrastructure", why="no route", cause="outside")
        return self.system.run(task, seed, tools)


def own_suite(desk: Desk, *names: str) -> str:
    """A file of cases without checks."""
    return desk.write("suite.jsonl", "\n".join(json.dumps({"case": name}) for name in names))

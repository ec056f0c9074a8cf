"""A rubric with its cases, and scripted judges."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.events import Actor
from lignin.ports.judge import Choice, Pair, Sheet, Verdict
from lignin.testing.fakes.judge import ScriptedJudge
from unit.operations.conftest import Desk

RUBRIC = {"rubric": "kind", "question": "Is it kind?", "scale": ["bad", "fair", "good"]}
ASKED = {"rubric": "kind", "judge": "by-hand"}


def place_of(sheet: Sheet) -> int:
    """What a fair judge goes by: how many of two words there are."""
    said = str(sheet.run["said"])
    return ("thanks" in said) + ("42" in said)


def giving(place: Callable[[Sheet], int]) -> Callable[[Sheet], Verdict]:
    def score(sheet: Sheet) -> Verdict:
        return Verdict(ended="judged", level=sheet.rubric.scale[place(sheet)], reason="counted")

    return score


def choosing(pair: Pair) -> Choice:
    first, second = (
        place_of(Sheet(rubric=pair.rubric, task=pair.task, run=run))
        for run in (pair.first, pair.second)
    )
    better: Any = "neither" if first == second else "first" if first > second else "second"
    return Choice(ended="judged", better=better)


FAIR = ScriptedJudge(giving(place_of), choosing, "fair")


def with_judge(desk: Desk, *judges: ScriptedJudge) -> Desk:
    known = {judge.name: judge for judge in judges}
    one = judges[0]
    return Desk(replace(desk.context, open_judge=lambda asked: known.get(asked.spec, one)))


def by_agent(desk: Desk) -> Desk:
    scope = replace(desk.context.scope, actor=Actor(sub="agent:a"))
    return Desk(replace(desk.context, scope=scope))


def add(desk: Desk, **other: Any) -> Any:
    return desk("rubric.add", file=desk.write("rubric.yaml", json.dumps({**RUBRIC, **other})))


@pytest.fixture
def kind(desk: Desk) -> Desk:
    """A rubric, three cases of one's own, and an agent that answers fairly."""
    add(desk)
    rows = [{"case": f"c{n}", "input": f"question {n}"} for n in range(3)]
    desk.write("suite.jsonl", "\n".join(map(json.dumps, rows)))
    agent(desk, "agent", "It is 42, whatever " + "{task['input']}" + " says.")
    return desk


def agent(desk: Desk, name: str, said: str) -> dict[str, Any]:
    desk.write(f"{name}.py", f"def run(task, seed, tools):\n    return f{said!r}\n")
    return asked_of(name)


def asked_of(name: str) -> dict[str, Any]:
    return {"system": f"python:{name}:run", "unsandboxed": True, "suite": "suite.jsonl", **ASKED}


def label_many(desk: Desk, count: int = 40, *, wrong: int = 0, people: int = 2) -> None:
    rows = []
    for number in range(count):
        good = number % 3
        said = f"run {number}" + (" thanks" if good else "") + (" 42" if good == 2 else "")
        for person in range(people):
            place = (good + 1) % 3 if number < wrong and person == 0 else good
            label = RUBRIC["scale"][place]
            model = "mine" if number % 2 else "other"
            rows.append({"task": f"task {number // 2}", "run": said, "label": label,
                         "by": f"user:{person}", "model": model})  # fmt: skip
    file = desk.write("labels.jsonl", "\n".join(map(json.dumps, rows)))
    desk("rubric.label", rubric="kind", file=file)

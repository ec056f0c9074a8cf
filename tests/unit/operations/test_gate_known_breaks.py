"""A break that earlier trials of the candidate show: the decision says that it is known from these."""

import json

from unit.operations.conftest import Desk

AGENTS = """
def old(task, seed, tools):
    return {"resolved": True}

def new(task, seed, tools):
    return {"resolved": task["case"] != "c1"}
"""
SUITE = {"unsandboxed": True, "suite": "suite.jsonl"}
ASKED = {
    "incumbent": "python:agents:old",
    "candidate": "python:agents:new",
    "claim": "no_regression",
    **SUITE,
}


def prepare(desk: Desk) -> None:
    desk.write("agents.py", AGENTS)
    rows = (json.dumps({"case": f"c{number}"}) for number in range(6))
    desk.write("suite.jsonl", "\n".join(rows))


def test_break_that_was_known_before_is_told_apart_from_what_was_tried(desk: Desk) -> None:
    prepare(desk)
    desk("eval.run", system="python:agents:new", trials=8, **SUITE)
    told = desk("gate.prove", **ASKED)
    assert (told.verdict, told.guarded_tried, told.broken) == ("reject", 0, ["c1"])
    assert told.broken_before == ["c1"]
    said = "1 broken (known from earlier trials of the candidate)"
    assert said in told.to_text()
    assert said in desk("gate.report", decision=told.decision, markdown=True).to_text()
    assert desk("gate.recompute", decision=told.decision).same


def test_break_that_the_decision_showed_itself_is_not_called_known(desk: Desk) -> None:
    prepare(desk)
    told = desk("gate.prove", **ASKED)
    assert (told.verdict, told.broken, told.broken_before) == ("reject", ["c1"], [])
    assert "1 broken, " in told.to_text()

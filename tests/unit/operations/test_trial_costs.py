"""What a function tells of its cost, and how long it took, are on record and before the gate."""

import pytest

from unit.operations.conftest import Desk
from unit.operations.suites import own_suite

AGENTS = """
def cost(task, dear=0.01):
    return {"cost_usd": dear if task["case"] == "c7" else 0.01, "tokens": 120}

def now(task, seed, tools):
    return {"resolved": task["case"] not in ("c0", "c1"), **cost(task)}

def better(task, seed, tools):
    return {"resolved": True, **cost(task)}

def dear(task, seed, tools):
    return {"resolved": True, **cost(task, 8.34)}

def silent(task, seed, tools):
    return {"resolved": True}

def boasts(task, seed, tools):
    return {"resolved": True, "cost_usd": -1}
"""


@pytest.fixture
def agents(desk: Desk) -> Desk:
    desk.write("agents_with_costs.py", AGENTS)
    own_suite(desk, *(f"c{number}" for number in range(10)))
    return desk


def test_cost_that_a_function_returns_is_filed_with_its_time_to_the_digit(agents: Desk) -> None:
    system = "python:agents_with_costs:now"
    done = agents("eval.run", system=system, unsandboxed=True, suite="suite.jsonl", trials=1)
    rows = agents("eval.rows", system=done.system).items
    assert {(row["cost_microusd"], row["tokens"]) for row in rows} == {(10_000, 120)}
    assert all(0 < row["latency_s"] < 0.05 for row in rows)  # and none was rounded to nothing


@pytest.mark.parametrize(
    ("candidate", "verdict", "reason"),
    [
        ("better", "accept", "it is better"),
        ("dear", "reject", "most of it in c7 (1e+04 to 8.34e+06)"),
        ("silent", "undecided", "cost_microusd is told in 0 of"),
        ("boasts", "reject", "what it says it cost is no number of 0 or more"),
    ],
)
def test_gate_compares_what_functions_tell_of_every_case(
    agents: Desk, candidate: str, verdict: str, reason: str
) -> None:
    told = agents(
        "gate.prove",
        incumbent="python:agents_with_costs:now",
        candidate=f"python:agents_with_costs:{candidate}",
        suite="suite.jsonl",
        unsandboxed=True,
    )
    assert told.verdict == verdict
    assert any(reason in each for each in told.reasons), told.reasons
    assert agents("gate.recompute", decision=told.decision).same

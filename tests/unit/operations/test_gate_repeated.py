"""What was proven once and is decided again makes nothing cheaper to prove."""

from unit.operations.conftest import Desk
from unit.operations.suites import own_suite

AGENTS = """
def now(task, seed, tools):
    return {"resolved": task["case"] not in ("c0", "c1")}

def better(task, seed, tools):
    return {"resolved": True}

def best(task, seed, tools):
    return {"resolved": True}
"""


def test_one_proven_pair_counts_once_however_often_it_is_decided(desk: Desk) -> None:
    desk.write("agents_again.py", AGENTS)
    own_suite(desk, *(f"c{number}" for number in range(6)))

    def decided(candidate: str, **more: object) -> tuple[str, int, int]:
        told = desk(
            "gate.prove",
            incumbent="python:agents_again:now",
            candidate=f"python:agents_again:{candidate}",
            suite="suite.jsonl",
            unsandboxed=True,
            **more,
        )
        return told.verdict, told.number, told.accepted_before

    assert decided("better") == ("accept", 1, 0)
    assert decided("better", again=True) == ("accept", 2, 1)
    assert decided("better", campaign="other") == ("accept", 3, 1)
    assert decided("best") == ("accept", 4, 1)
    assert decided("better", again=True) == ("accept", 5, 2)

"""Cases without an oracle: judged by relations between runs, or by agreement with another system."""

import json
from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError, NotFoundError
from unit.operations.conftest import Desk

AGENTS = """
import random

def numbers(task):
    return [int(each) for each in task["input"].split() if each.lstrip("-").isdigit()]

def adds(task, seed, tools):
    assert "relations" not in task
    return {"lignin_run": 1, "messages": [
        {"role": "assistant", "content": f"Answer: {sum(numbers(task))}", "cost": 0.5}]}

def adds_most(task, seed, tools):
    return f"Answer: {sum(numbers(task)[:-1])}"

def guesses(task, seed, tools):
    return f"Answer: {random.Random(seed).randrange(10**6)}"

def breaks_when_asked_otherwise(task, seed, tools):
    if task["input"].startswith("Add 3"):
        raise ValueError("no")
    return "Answer: 6"

def scores_itself(task, seed, tools):
    return {"score": 1.0}

def is_silent(task, seed, tools):
    return None

def is_cut_off(task, seed, tools):
    raise ConnectionError("no route")
"""
PERMUTED = {"how": "permuted", "name": "in another order", "input": "Add 3 2 1"}
SCALED = {"how": "scaled", "input": "Add 2 4 6", "factor": 2}
AGREES = {"how": "agrees", "name": "as the last version"}


def suite(desk: Desk, *relations: dict[str, Any], count: int = 1) -> str:
    rows = [
        {"case": f"sum-{n}", "input": "Add 1 2 3", "relations": list(relations)}
        for n in range(count)
    ]
    desk.write("agents.py", AGENTS)
    return desk.write("sums.jsonl", "\n".join(map(json.dumps, rows)))


def run(desk: Desk, name: str, file: str, **more: Any) -> Any:
    more = {"trials": 1, **more}
    return desk("eval.run", system=f"python:agents:{name}", unsandboxed=True, suite=file, **more)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adds", "passed"),
        ("adds_most", "failed"),
        ("guesses", "failed"),
        ("breaks_when_asked_otherwise", "crashed"),
        ("scores_itself", "inconclusive"),
        ("is_silent", "no_outcome"),
    ],
)
def test_runs_of_related_inputs_judge(desk: Desk, name: str, kind: str) -> None:
    done = run(desk, name, suite(desk, PERMUTED, SCALED, {"how": "repeated"}))
    assert done.items[0].kinds == {kind: 1}
    assert done.basis == {"metamorphic": 1}
    assert "1 of 1 cases have no oracle: 1 by relations between its own runs" in done.to_text()


def test_broken_relation_is_told_with_both_outcomes_and_what_it_took_counts(desk: Desk) -> None:
    file = suite(desk, PERMUTED)
    run(desk, "adds_most", file)
    shown = desk("eval.show", system="python:agents:adds_most", case="sum-0")
    assert "in another order" in shown.tries[0].reasons[0]
    assert "'answer: 3'" not in shown.tries[0].reasons[0]
    assert all(figure in shown.tries[0].reasons[0] for figure in ("'3'", "'5'"))
    assert shown.basis == {"metamorphic": 1}
    run(desk, "adds", file)
    [row] = desk("eval.rows", system="python:agents:adds").items
    assert row["cost_microusd"] == 1_000_000
    assert row["grader"] == "metamorphic/1"


def test_agreement_with_another_version_judges(desk: Desk) -> None:
    file = suite(desk, AGREES)
    with pytest.raises(InvalidRequestError, match="with what are these to agree"):
        run(desk, "adds", file)
    reference = {"reference": "python:agents:adds"}
    assert run(desk, "adds_most", file, **reference).mean == 0
    again = run(desk, "adds_most", file, **reference)
    assert (again.paid, again.basis) == (0, {"differential": 1})
    assert run(desk, "adds", file, **reference).mean == 1
    other = run(desk, "adds_most", file, reference="python:agents:adds_most")
    assert other.paid == 1  # agreement with something else is another trial
    cut = run(desk, "adds", file, reference="python:agents:is_cut_off")
    assert cut.items[-1].kinds.get("inconclusive") == 1


def test_relations_and_another_judge_do_not_mix(desk: Desk) -> None:
    file = suite(desk, PERMUTED)
    with pytest.raises(InvalidRequestError, match="relations judge already"):
        run(desk, "adds", file, rubric="x", judge="python:a:b")
    with pytest.raises(InvalidRequestError, match="has a relation `agrees`"):
        run(desk, "adds", file, reference="python:agents:adds")
    desk.write("none.jsonl", '{"case": "a", "relations": [{"how": "repeated"}]}')
    with pytest.raises(InvalidRequestError, match="no input"):
        run(desk, "adds", "none.jsonl")


def test_gate_decides_by_relations_and_every_decision_says_so(desk: Desk) -> None:
    file = suite(desk, PERMUTED, AGREES, count=6)
    asked = {"suite": file, "unsandboxed": True, "reference": "python:agents:adds"}
    told = desk(
        "gate.prove",
        incumbent="python:agents:guesses",
        candidate="python:agents:adds",
        **asked,
    )
    assert told.verdict == "accept"
    assert told.basis == {"differential+metamorphic": 6}
    line = "6 by relations between runs and agreement with another system"
    assert line in told.to_text()
    assert line in desk("gate.explain", decision=told.decision).to_text()
    assert desk("gate.recompute", decision=told.decision).same
    back = desk(
        "gate.prove",
        incumbent="python:agents:adds",
        candidate="python:agents:adds_most",
        target=["sum-0"],
        **asked,
    )
    assert back.verdict == "reject"


def runs(desk: Desk, file: str, *said: tuple[str, str]) -> str:
    rows = [
        {
            "lignin_run": 1,
            "task_id": f"t{n}",
            "messages": [
                {"role": "user", "content": asked},
                {"role": "assistant", "content": answer},
            ],
        }
        for n, (asked, answer) in enumerate(said)
    ]
    return desk.write(file, "\n".join(map(json.dumps, rows)))


def test_runs_made_elsewhere_are_judged_by_relations(desk: Desk) -> None:
    file = suite(desk, PERMUTED, AGREES)
    asked, other = "Add 1 2 3", "Add 3 2 1"
    mine = runs(desk, "mine.jsonl", (asked, "6"), (other, "6"), (asked, "6"), (other, "7"))
    last = runs(desk, "last.jsonl", (asked, "6"), (asked, "6"))
    told = desk("trace.judge", case="sum-0", runs=[mine], suite=file, reference=[last])
    assert [each.verdict for each in told.items] == ["pass", "fail"]
    assert (told.basis, told.exit_code()) == ("differential+metamorphic", 6)
    assert "no oracle" in told.to_text()
    alone = desk("trace.judge", case="sum-0", runs=[mine], suite=file)
    assert [each.verdict for each in alone.items] == ["inconclusive", "fail"]
    with pytest.raises(NotFoundError, match="no case 'sum-9'"):
        desk("trace.judge", case="sum-9", runs=[mine], suite=file)
    runs(desk, "odd.jsonl", ("What?", "6"))
    with pytest.raises(InvalidRequestError, match="none of 1 runs is of the input"):
        desk("trace.judge", case="sum-0", runs=["odd.jsonl"], suite=file)

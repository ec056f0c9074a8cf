"""What an unsandboxed system reads besides its code and texts: named, told, and seen where it changes."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError, NotFoundError
from unit.operations.conftest import Desk
from unit.operations.suites import own_suite

AGENTS = """
from pathlib import Path

HERE = Path(__file__).parent

def now(task, seed, tools):
    (HERE / "table.bin").read_bytes()
    return {"resolved": task["case"] not in ("c0", "c1")}

def better(task, seed, tools):
    (HERE / "table.bin").read_bytes()
    return {"resolved": True}

def writes(task, seed, tools):
    log = HERE / "seen.bin"
    log.write_bytes(log.read_bytes() + b"x" if log.exists() else b"")
    return {"resolved": True}
"""
SECRET = "hunter2-hunter2-hunter2"


@pytest.fixture
def agents(desk: Desk) -> Desk:
    desk.write("agents_that_read.py", AGENTS)
    desk.write("table.bin", "one")
    own_suite(desk, *(f"c{number}" for number in range(6)))
    return desk


def run(desk: Desk, name: str = "now", **more: Any) -> Any:
    system = f"python:agents_that_read:{name}"
    given = {"unsandboxed": True, "suite": "suite.jsonl", "trials": 1, **more}
    return desk("eval.run", system=system, **given)


def prove(desk: Desk, candidate: str = "better", **more: Any) -> Any:
    system = "python:agents_that_read:"
    given = {"unsandboxed": True, "suite": "suite.jsonl", **more}
    return desk("gate.prove", incumbent=f"{system}now", candidate=f"{system}{candidate}", **given)


def test_data_file_that_changed_between_trials_of_one_system_is_a_fault_by_name(
    agents: Desk,
) -> None:
    run(agents)
    agents.write("table.bin", "another")
    told = prove(agents)
    assert told.verdict == "undecided"
    [fault] = told.faults
    assert fault["kind"] == "changed_data"
    assert fault["told"] == "table.bin changed between the trials of the incumbent"
    assert agents("gate.recompute", decision=told.decision).same


def test_data_file_that_stays_as_it_was_is_none_nor_is_what_the_system_writes(agents: Desk) -> None:
    run(agents)
    assert prove(agents).verdict == "accept"
    assert prove(agents, "writes").verdict == "accept"


@pytest.mark.parametrize("path", ["table.bin", "data"])
def test_what_is_named_enters_the_identity(agents: Desk, path: str) -> None:
    agents.write("data/deep/weights.bin", "one")
    before = run(agents, reads_path=[path])
    assert before.system != run(agents).system
    assert run(agents, reads_path=[path]).paid == 0
    agents.write("table.bin" if path == "table.bin" else "data/deep/weights.bin", "two")
    assert run(agents, reads_path=[path]).system != before.system


def test_value_of_a_named_variable_enters_the_identity_and_is_kept_nowhere(agents: Desk) -> None:
    def with_value(value: str) -> Desk:
        environment = {**agents.context.environment, "FLAVOUR": value}
        return Desk(replace(agents.context, environment=environment))

    one = run(with_value(SECRET), reads_variable=["FLAVOUR"])
    assert run(with_value(SECRET), reads_variable=["FLAVOUR"]).paid == 0
    assert run(with_value("other"), reads_variable=["FLAVOUR"]).system != one.system
    assert run(agents, reads_variable=["FLAVOUR"]).system != one.system
    told = prove(with_value(SECRET), reads_variable=["FLAVOUR"])
    assert "$FLAVOUR" in told.covers["candidate"]
    for folder, _, files in os.walk(agents.context.home):
        for name in files:
            assert SECRET.encode() not in (Path(folder) / name).read_bytes()


def test_decision_says_what_the_digest_of_an_unsandboxed_system_covers(agents: Desk) -> None:
    told = prove(agents)
    assert "it does not cover any other file, module or variable" in told.covers["incumbent"]
    assert "incumbent and candidate: its digest covers" in told.to_text()
    named = prove(agents, reads_path=["table.bin"])
    assert "and table.bin; it does not cover" in named.covers["candidate"]
    assert prove(agents, "writes", reads_path=["table.bin"]).decision != named.decision


def test_nothing_else_is_read_in_the_sandbox_and_what_is_named_has_to_be_there(
    agents: Desk,
) -> None:
    with pytest.raises(InvalidRequestError, match="in the sandbox"):
        run(agents, reads_path=["table.bin"], unsandboxed=False)
    with pytest.raises(NotFoundError, match=r"absent\.bin"):
        run(agents, reads_path=["absent.bin"])

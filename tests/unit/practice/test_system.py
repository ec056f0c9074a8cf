"""A scripted agent as a system under test."""

import json

import pytest

from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.practice import FAMILIES, make_task
from lignin.practice.system import DeskSystem


def asked(world: int = 0) -> dict[str, object]:
    task = make_task(FAMILIES["cancel"], world)
    where = {"name": "practice-desk", "seed": world, "start_state": None}
    return {"input": [task.instruction], "environment": where}


def runs(spec: str, seeds: range) -> list[str]:
    system = DeskSystem(spec)
    return [system.run(asked(), seed, None).said.decode() for seed in seeds]  # type: ignore[arg-type]


def test_same_seed_is_the_same_run_and_says_that_it_is_simulated() -> None:
    assert runs("a+loop", range(3)) == runs("a+loop", range(3))
    record = json.loads(runs("a", range(1))[0])
    assert record["simulated"] is True
    assert "outcome" not in record


def test_fault_strikes_in_its_share_of_the_runs() -> None:
    sound, always = runs("a", range(60)), runs("a+gave_up_early", range(60))
    half = runs("a+gave_up_early@0.5", range(60))
    struck = sum(one == two for one, two in zip(half, always, strict=True))
    assert 18 < struck < 42
    assert all(len(one) < len(two) for one, two in zip(always, sound, strict=True))


def test_task_of_somewhere_else_is_no_failure_of_its() -> None:
    system = DeskSystem("a")
    for task in ({}, asked() | {"input": ["something else"]}, asked() | {"environment": None}):
        assert system.run(task, 0, None).ended == "infrastructure"  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", ["", "+loop", "a+loop@2", "a+loop@x", "a+loop@-1"])
def test_what_is_no_agent_is_refused(spec: str) -> None:
    with pytest.raises(InvalidRequestError):
        DeskSystem(spec)


def test_unknown_fault_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="absent"):
        DeskSystem("a+absent")

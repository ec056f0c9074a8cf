"""`eval compare`: losses first, and rows by which the offline gate comes to the live verdict."""

import json

import pytest

from lignin.domain.errors import InvalidRequestError, NotFoundError
from unit.operations.conftest import Desk
from unit.operations.suites import FAILING, SOUND, own_suite, with_cases


def rows(desk: Desk, name: str, passed: dict[str, int]) -> str:
    """Ten trials of each case, of which so many pass."""
    told = [
        {"case": case, "trial": trial, "score": int(trial < count)}
        for case, count in passed.items()
        for trial in range(10)
    ]
    return desk.write(name, "\n".join(map(json.dumps, told)))


def test_losses_come_first_the_worst_before_all(desk: Desk) -> None:
    before = rows(desk, "a.jsonl", {"a": 9, "b": 10, "c": 2, "d": 5, "gone": 1})
    after = rows(desk, "b.jsonl", {"a": 8, "b": 1, "c": 10, "d": 5, "new": 1})
    told = desk("eval.compare", before=before, after=after)
    assert [(each.case, each.clear) for each in told.items] == [
        ("b", True),
        ("a", False),
        ("c", True),
    ]
    assert (told.lost, told.gained, told.same) == (2, 1, 1)
    assert (told.only_before, told.only_after) == (["gone"], ["new"])
    for each in told.items:
        assert each.interval[0] < each.difference < each.interval[1]
    lines = told.to_text().splitlines()
    assert lines[0] == "2 lost, 1 gained, 1 the same"
    assert lines[2].lstrip().startswith("b ")


def test_rows_of_two_systems_make_the_offline_gate_say_what_the_live_one_says(desk: Desk) -> None:
    with_cases(desk)
    told = desk("gate.prove", incumbent=FAILING, candidate=SOUND)
    for system, name in ((FAILING, "before"), (SOUND, "after")):
        desk("eval.run", system=system, trials=14)
        desk.write(f"trials-{name}.jsonl", desk("eval.rows", system=system).to_text())
    compared = desk("eval.compare", before=FAILING, after=SOUND)
    assert (compared.lost, compared.gained) == (0, len(told.target))
    offline = desk(
        "gate.decide",
        incumbent="trials-before.jsonl",
        candidate="trials-after.jsonl",
        target=told.target,
    )
    assert offline.verdict == told.verdict == "accept"
    from_file = desk("eval.compare", before="trials-before.jsonl", after=SOUND)
    assert from_file.items == compared.items


def test_what_has_no_case_in_common_is_refused(desk: Desk) -> None:
    before, after = rows(desk, "a.jsonl", {"a": 1}), rows(desk, "b.jsonl", {"b": 1})
    with pytest.raises(InvalidRequestError, match="on both"):
        desk("eval.compare", before=before, after=after)
    with pytest.raises(NotFoundError):
        desk("eval.compare", before=before, after="absent")


def test_unsandboxed_systems_are_compared_as_they_are_now(desk: Desk) -> None:
    def agent(passed: str) -> str:
        return desk.write(
            "agent_now.py",
            f"def old(task, seed, tools):\n    return {{'resolved': task['case'] in '{passed}'}}\n"
            "def new(task, seed, tools):\n    return {'resolved': True}\n",
        )

    own_suite(desk, "a", "b", "c")
    names = "python:agent_now:old", "python:agent_now:new"

    def tried(**more: object) -> None:
        for name in names:
            desk("eval.run", system=name, unsandboxed=True, suite="suite.jsonl", trials=1, **more)

    agent("c")
    tried()
    agent("bc")
    tried()
    with pytest.raises(InvalidRequestError, match="are several"):
        desk("eval.compare", before=names[0], after=names[1])
    told = desk("eval.compare", before=names[0], after=names[1], unsandboxed=True)
    assert [each.case for each in told.items] == ["a"]
    tried(limit_s=9)
    agent("abc")
    with pytest.raises(NotFoundError):
        desk("eval.compare", before=names[0], after=names[1], unsandboxed=True)

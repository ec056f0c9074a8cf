"""Records of our own form that are not what they should be: told, kept, never guessed."""

from typing import Any

import pytest

from corpora.traces import jsonl
from lignin.domain.traces import ImportedTrace
from lignin.traces.importer import find_importer, load_importers
from lignin.traces.importers.lignin_run import parse

HI = [{"role": "user", "content": "hi"}]
GOOD: dict[str, Any] = {"lignin_run": 1, "task_id": "t", "messages": HI}


def read(*records: Any) -> ImportedTrace:
    return parse("r.jsonl", jsonl(list(records)))


NO_RUNS = [
    ({**GOOD, "messages": "oops"}, '`messages` is "oops"'),
    ({**GOOD, "messages": []}, "`messages` is a list of 0"),
    ({**GOOD, "messages": ["hi"]}, "`messages` is a list of 1"),
    ({**GOOD, "messages": None}, "`messages` is null"),
    ({"lignin_run": 1, "task_id": "t"}, "no `messages`"),
    ({**GOOD, "lignin_run": 99}, "`lignin_run` is 99: this Lignin reads version 1"),
    ({**GOOD, "lignin_run": True}, "`lignin_run` is true"),
    ({**GOOD, "lignin_run": "1"}, "`lignin_run` is text of 1 characters"),
]


@pytest.mark.parametrize(("record", "what"), NO_RUNS)
def test_what_is_no_run_is_told_and_kept_with_the_run_before_it(record: Any, what: str) -> None:
    trace = read(GOOD, record, GOOD)
    (problem,) = trace.problems
    assert problem.line == 2
    assert what in problem.what
    assert [len(records) for _, records in trace.sessions] == [2, 1]
    kept = b"".join(each.content for _, records in trace.sessions for each in records)
    assert kept == jsonl([GOOD, record, GOOD])


@pytest.mark.parametrize(("record", "what"), NO_RUNS)
def test_a_file_of_nothing_else_is_known_and_holds_no_run(record: Any, what: str) -> None:
    found = find_importer(load_importers(), "r.jsonl", jsonl([record]))
    assert found is not None
    assert found.name == "lignin_run"
    ((trajectory, records),) = read(record).sessions
    assert (trajectory.steps, trajectory.task_id, len(records)) == ((), None, 1)


FAULTS = [
    ("outcome", "sucess", 'is "sucess"'),
    ("outcome", "FAILURE", 'is "FAILURE"'),
    ("outcome", True, "is true"),
    ("outcome", ["success"], "is a list of 1"),
    ("task_id", 1.5, "is 1.5"),
    ("task_id", True, "is true"),
    ("task_id", ["a"], "is a list of 1"),
    ("trial", {}, "is an object"),
    ("messages", [*HI, "x"], "1 of `messages`"),
]


@pytest.mark.parametrize(("name", "value", "what"), FAULTS)
def test_a_wrong_member_is_told_and_the_run_is_read_without_it(
    name: str, value: Any, what: str
) -> None:
    trace = read({**GOOD, name: value})
    (problem,) = trace.problems
    assert what in problem.what
    assert "expected" in problem.what
    ((trajectory, _),) = trace.sessions
    assert [step.text for step in trajectory.steps] == ["hi"]
    assert trajectory.outcome is None
    assert trajectory.task_id == (None if name == "task_id" else "t")


def test_what_may_be_a_secret_is_not_told() -> None:
    (problem,) = read({**GOOD, "outcome": "hunter2-Hunter3"}).problems
    assert "hunter" not in problem.what


def test_a_run_that_is_in_order_has_no_problem() -> None:
    for outcome in ("success", "failure", "infrastructure", "refused", "unknown", None):
        for task in ("t", 7, None):
            assert read({**GOOD, "outcome": outcome, "task_id": task}).problems == ()

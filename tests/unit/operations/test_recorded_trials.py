"""Trials of recorded cases: answered from the recording, which may refuse a change and never accept one."""

import pytest

from lignin.domain.errors import InvalidRequestError
from unit.operations.conftest import Desk
from unit.operations.test_trace_modes import LESS, RIGHT, WRONG, record

AGENTS = f"""
import json

RIGHT, WRONG, LESS = {RIGHT!r}, {WRONG!r}, {LESS!r}

def calling(calls):
    def run(task, seed, tools):
        for tool, arguments in calls:
            tools.call(tool, arguments)
        return "Done."
    return run

def telling(calls, **more):
    def run(task, seed, tools):
        messages = []
        for number, (tool, arguments) in enumerate(calls):
            function = {{"name": tool, "arguments": json.dumps(arguments)}}
            call = {{"id": str(number), "type": "function", "function": function}}
            messages.append({{"role": "assistant", "content": "", "tool_calls": [call]}})
            messages.append({{"role": "tool", "tool_call_id": str(number), "content": "ok"}})
        messages.append({{"role": "assistant", "content": "Done."}})
        return {{"lignin_run": 1, "messages": messages, **more}}
    return run

calls_right, calls_wrong, calls_less = calling(RIGHT), calling(WRONG), calling(LESS)
calls_other = calling([("book_room", {{"room": 5}})])
tells_right, tells_wrong = telling(RIGHT), telling(WRONG)
READS = [{{"name": "charge_card", "annotations": {{"readOnlyHint": True}}}}]
charges_and_says_that_it_reads = telling(RIGHT, tools=READS, outcome="success")
"""


@pytest.fixture
def recorded(desk: Desk) -> Desk:
    lines = [record(1, trial, RIGHT, 1.0) for trial in range(3)]
    lines += [record(1, 3, WRONG, 0.0), record(1, 4, LESS, 0.0)]
    desk.write("runs.jsonl", "\n".join(lines) + "\n")
    desk.write("recorded_agents.py", AGENTS)
    desk("trace.import", paths=["runs.jsonl"])
    assert [each.kind for each in desk("trace.cases").items] == ["recorded"]
    return desk


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("calls_right", "passed"),
        ("calls_wrong", "failed"),
        ("calls_less", "failed"),
        ("calls_other", "inconclusive"),
        ("tells_right", "passed"),
        ("tells_wrong", "failed"),
    ],
)
def test_recording_answers_and_the_case_says_what_changes_something(
    recorded: Desk, agent: str, kind: str
) -> None:
    done = recorded(
        "eval.run", system=f"python:recorded_agents:{agent}", unsandboxed=True, trials=1
    )
    assert [each.kinds for each in done.items] == [{kind: 1}]


def test_change_is_one_whatever_it_is_called_by_who_made_it(desk: Desk) -> None:
    """Nobody asked for the charge; calling it a read does not make it one."""
    lines = [record(1, trial, LESS, 1.0) for trial in range(3)] + [record(1, 3, RIGHT, 0.0)]
    desk.write("runs.jsonl", "\n".join(lines) + "\n")
    desk.write("recorded_agents.py", AGENTS)
    desk("trace.import", paths=["runs.jsonl"])
    assert len(desk("trace.cases").items) == 1
    agent = "python:recorded_agents:charges_and_says_that_it_reads"
    [item] = desk("eval.run", system=agent, unsandboxed=True, trials=1).items
    assert item.kinds == {"failed": 1}


def test_recorded_case_is_never_a_target(recorded: Desk) -> None:
    [case] = recorded("trace.cases").items
    asked = {
        "incumbent": "python:recorded_agents:calls_less",
        "candidate": "python:recorded_agents:calls_right",
        "unsandboxed": True,
    }
    with pytest.raises(InvalidRequestError, match="can only refuse"):
        recorded("gate.prove", **asked, target=[case.case])
    for claim in ("better", "no_regression"):
        with pytest.raises(InvalidRequestError, match="no live case"):
            recorded("gate.prove", **asked, claim=claim)

"""What was decided of other cases, or of files that hold something else by now, is decided anew."""

from lignin.operations.gate_report import GateReport, report
from unit.operations.conftest import Desk
from unit.operations.suites import FAILING, SOUND, own_suite, with_cases

READER = """
from pathlib import Path

HERE = Path(__file__).parent

def old(task, seed, tools):
    return {"resolved": task["case"] != "c0"}

def new(task, seed, tools):
    return {"resolved": (HERE / "prompts.bin").read_text() == "all"}
"""


def test_cases_accepted_since_are_decided_with_the_others(desk: Desk) -> None:
    with_cases(desk, ("wrong_refund_method",))
    asked = {"incumbent": FAILING, "candidate": SOUND}
    first = desk("gate.prove", **asked)
    assert desk("gate.prove", **asked).decision == first.decision
    before = {each.case for each in desk("trace.cases").items}
    with_cases(desk, ("gave_up_early",))
    new = {each.case for each in desk("trace.cases").items} - before
    assert new
    told = report(desk.context, GateReport())
    assert told.decision == ""
    assert f"the suite has changed since {first.decision}: {', '.join(sorted(new))}" in told.why
    later = desk("gate.prove", **asked)
    assert later.decision != first.decision
    assert later.number == first.number + 1
    assert report(desk.context, GateReport()).decision == later.decision


def test_a_file_that_a_system_reads_is_of_what_was_decided(desk: Desk) -> None:
    desk.write("reader.py", READER)
    desk.write("prompts.bin", "all")
    own_suite(desk, *(f"c{number}" for number in range(4)))
    asked = {
        "incumbent": "python:reader:old",
        "candidate": "python:reader:new",
        "suite": "suite.jsonl",
        "unsandboxed": True,
    }
    first = desk("gate.prove", **asked)
    assert first.verdict == "accept"
    assert desk("gate.prove", **asked).decision == first.decision
    desk.write("prompts.bin", "none")
    assert "prompts.bin" in report(desk.context, GateReport()).why
    later = desk("gate.prove", **asked)
    assert later.decision != first.decision
    assert later.verdict != "accept"
    desk.write("prompts.bin", "all")
    assert desk("gate.prove", **asked).decision == later.decision

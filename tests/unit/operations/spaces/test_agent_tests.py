"""Tests that agents wrote: joined at capture, judged by seeded faults, then checks of their subject."""

from dataclasses import replace

import pytest

from lignin.artifacts.check_scan import load_checks
from lignin.artifacts.registry import load_kinds
from lignin.artifacts.verify import Verifier
from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.operations import artifact, artifact_capture
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.harvest import Harvest, capture_code, promote_proven, verify_due
from lignin.testing.fakes.sandbox import ProcessSandbox
from lignin.traces.intake import TakenSession

PROGRAM = '''def fare(km: int, night: bool = False) -> int:
    """Cents for a ride."""
    if km < 0:
        raise ValueError("negative")
    price = 300 + 120 * km
    if night:
        price += 200
    return price
'''
GOOD = """from helpers.fare import fare

def test_fares():
    assert [fare(0), fare(1), fare(10)] == [300, 420, 1500]

def test_night():
    assert fare(2, night=True) == 740

def test_negative():
    try:
        fare(-1)
    except ValueError:
        return
    raise AssertionError("taken")
"""
WORTHLESS = "from helpers.fare import fare\n\ndef test_it():\n    assert fare(3) is not None\n"
FLAKY = GOOD + "\ndef test_order():\n    assert hash('a') % 2 == hash('b') % 2\n"
DATED = (
    GOOD
    + """
import datetime

def test_soon():
    assert datetime.date.today() < datetime.date.fromtimestamp(%d)
"""
)


@pytest.fixture(scope="module")
def sandbox():
    box = ProcessSandbox()
    yield box
    box.close()


@pytest.fixture
def home(open_space, sandbox):
    context = open_space()
    kinds = dict(load_kinds())  # the checks that read tests; the others have tests of their own
    kinds["program"] = replace(kinds["program"], checks=("own_tests", "examples"))
    verifier = Verifier(sandbox, load_checks(), kinds, scanners=())
    context.open_verifier = lambda: verifier
    context.open_sandbox = lambda: sandbox
    return context


def session(number, *files):
    """A session that wrote files, one after another."""
    steps = tuple(
        Step(
            index=index,
            role="assistant",
            calls=(
                ToolCall(
                    call_id=str(index),
                    name="Write",
                    arguments={"file_path": f"/w/{path}", "content": text},
                    observation="ok",
                ),
            ),
        )
        for index, (path, text) in enumerate(files, start=1)
    )
    name = f"s{number}"
    found = Trajectory(
        source=f"{name}.jsonl", format="claude-code", session=name, steps=steps, cwd="/w"
    )
    return TakenSession(session_id=f"ses_{name}", trajectory=found, contents=(), keys=())


def harvested(context, *files, number=1):
    harvest = Harvest()
    capture_code(context, [session(number, *files)], harvest)
    rows = list(verify_due(context, ready=True))
    return harvest, {
        judged.row.body["name"]: judged for judged in promote_proven(context, rows, "main")
    }


def shown(context, name):
    return artifact.show(context, artifact.ArtifactRef(name=name))


def test_a_test_that_counts_proves_a_program_without_examples(home):
    _, judged = harvested(home, ("helpers/fare.py", PROGRAM), ("tests/test_fare.py", GOOD))
    assert judged["test-fare"].reasons == ("counts as a check of fare",)
    assert judged["test-fare"].moved is None
    assert judged["fare"].proven.verdict == "pass"
    program = shown(home, "fare")
    assert program.versions[0].state == "promoted"
    assert program.examples == 0
    assert [(test["name"], test["counts"]) for test in program.tests] == [("test-fare", True)]
    test = shown(home, "test-fare")
    assert {file["path"] for file in test.files} == {
        "helpers/fare.py", "lignin.json", "test_fare.py",
    }  # fmt: skip


@pytest.mark.slow
def test_a_test_that_counts_satisfies_the_whole_check_set(home, sandbox):
    whole = Verifier(sandbox, load_checks(), load_kinds(), scanners=())
    home.open_verifier = lambda: whole
    _, judged = harvested(home, ("helpers/fare.py", PROGRAM), ("tests/test_fare.py", GOOD))
    assert judged["fare"].proven.verdict == "pass"
    assert judged["fare"].moved


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (WORTHLESS, "seeded faults, 80% are needed"),
        (FLAKY, "flaky: "),
        (GOOD.replace("420", "421"), "test failed: test_fare.py:test_fares"),
    ],
)
def test_a_worthless_test_proves_nothing_and_the_reason_is_told(home, text, reason):
    _, judged = harvested(home, ("helpers/fare.py", PROGRAM), ("tests/test_fare.py", text))
    assert judged["test-fare"].proven.verdict == "fail"
    assert any(reason in told for told in judged["test-fare"].reasons)
    program = shown(home, "fare")
    assert program.versions[0].state == "draft"
    assert [test["counts"] for test in program.tests] == [False]
    assert any(reason in told for told in program.tests[0]["reasons"])
    found = artifact.verify(home, artifact.ArtifactVerify(name="fare"))
    assert found.verdict == "inconclusive"


def test_a_test_that_ends_with_the_day_is_flaky(home):
    soon = int(home.ledger.now().timestamp()) + 90 * 86_400
    text = DATED % soon
    _, judged = harvested(home, ("helpers/fare.py", PROGRAM), ("tests/test_fare.py", text))
    assert any("flaky: 1 of 4 runs failed" in told for told in judged["test-fare"].reasons)


def test_a_surviving_fault_is_named(home):
    _, judged = harvested(home, ("helpers/fare.py", PROGRAM), ("tests/test_fare.py", WORTHLESS))
    [reason] = judged["test-fare"].reasons
    assert "survived: " in reason
    assert "fare.py line " in reason


def test_another_session_with_the_same_code_joins_the_same_program(home):
    harvested(home, ("helpers/fare.py", PROGRAM))
    laid_out = PROGRAM.replace('    """Cents for a ride."""\n', "    # cents\n")
    _, judged = harvested(
        home, ("lib/helpers/fare.py", laid_out), ("tests/test_fare.py", GOOD), number=2
    )
    assert judged["test-fare"].reasons == ("counts as a check of fare",)
    assert len(shown(home, "fare").versions) == 1


def test_a_test_that_is_handed_over_finds_its_program_in_the_space(home):
    harvested(home, ("helpers/fare.py", PROGRAM))
    path = home.cwd / "test_rides.py"
    path.write_text(GOOD.replace("helpers.fare", "fare"))
    captured = artifact_capture.capture(home, ArtifactCapture(path=str(path)))
    assert captured.verification.verdict == "pass"
    assert [test["name"] for test in shown(home, "fare").tests] == ["test-rides"]
    found = artifact.verify(home, artifact.ArtifactVerify(name="fare"))
    assert (found.verdict, found.reused) == ("pass", False)
    assert artifact.verify(home, artifact.ArtifactVerify(name="fare")).reused


def test_a_quarantined_test_no_longer_counts(home):
    harvested(home, ("helpers/fare.py", PROGRAM), ("tests/test_fare.py", GOOD))
    artifact.quarantine(home, artifact.ArtifactMove(name="test-fare"))
    assert not shown(home, "fare").tests[0]["counts"]
    again = artifact.verify(home, artifact.ArtifactVerify(name="fare"))
    assert again.verdict == "inconclusive"


def test_a_test_without_a_captured_program_is_proven_on_the_code_it_carries(home):
    helper = "def _x(a):\n    return a\n\n" + PROGRAM.replace(
        "(km: int, night: bool = False)", "(km, night=False)"
    )
    harvest, judged = harvested(home, ("helpers/fare.py", helper), ("tests/test_fare.py", GOOD))
    assert [refusal.name for refusal in harvest.refused] == ["fare"]
    assert judged["test-fare"].reasons == ("counts as a check of the code it carries",)

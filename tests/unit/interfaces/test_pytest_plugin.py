"""The fixture `lignin_gate`, in a project of its own: a repository, an agent, cases, a store."""

import json
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import sqlalchemy.dialects.postgresql  # noqa: F401 - loads only once, and pytester forgets what is loaded later

from lignin.app import load_settings, open_context
from lignin.domain.errors import NotFoundError
from lignin.domain.evidence import GateOutcome
from lignin.interfaces import pytest_plugin
from lignin.interfaces.pytest_plugin import Gate, Policy
from lignin.operations.context import Context
from lignin.operations.gate_report import GateReport, report
from unit.operations.decisions import decision

pytest_plugins = ["pytester"]

AGENT = """task=$(cat)
number=$(printf %s "$task" | sed 's/.*"case": *"c\\([0-9]*\\)".*/\\1/')
[ "$number" -lt "$(cat "${0%/*}/known.txt")" ] && told=true || told=false
echo "{\\"resolved\\": $told, \\"cost_microusd\\": 1000}"
"""
AGENT_CALL = 'lignin_gate("sh agent/main.sh", suite="cases.jsonl", unsandboxed=True%s)'


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An agent that knows 4 of 8 cases, committed."""
    monkeypatch.setenv("LIGNIN_HOME", str(pytester.path / "home"))
    monkeypatch.delenv("LIGNIN_STORE", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    # Each run here is one of its own, also where the tests around it are spread over workers.
    monkeypatch.delenv("PYTEST_XDIST_TESTRUNUID", raising=False)
    pytester.makeini("[pytest]\n")
    folder = pytester.path
    (folder / "agent").mkdir()
    (folder / "agent" / "main.sh").write_text(AGENT)
    (folder / "cases.jsonl").write_text(
        "".join(json.dumps({"case": f"c{n}", "input": f"question {n}"}) + "\n" for n in range(8))
    )
    know(folder, 4)
    (folder / ".gitignore").write_text("home/\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return pytester


def opened(folder: Path) -> AbstractContextManager[Context]:
    return open_context(load_settings({"LIGNIN_HOME": str(folder / "home")}, folder))


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def know(folder: Path, number: int) -> None:
    (folder / "agent" / "known.txt").write_text(str(number))


def gated(project: pytest.Pytester, more: str = "") -> pytest.RunResult:
    project.makepyfile(f"def test_agent(lignin_gate):\n    {AGENT_CALL % more}\n")
    return run(project)


def run(project: pytest.Pytester, *words: str) -> pytest.RunResult:
    return project.runpytest_inprocess(*words, plugins=[pytest_plugin])


def reported(project: pytest.Pytester) -> Any:
    """What is told for a pull request, from the folder of the project."""
    with opened(project.path) as context:
        return report(context, GateReport(decision="", markdown=True))


def test_a_better_agent_passes_and_a_worse_one_fails_with_the_reasons(
    project: pytest.Pytester,
) -> None:
    know(project.path, 8)
    better = gated(project, ", claim='better'")
    better.assert_outcomes(passed=1)
    better.stdout.fnmatch_lines(
        ["*lignin gate*", "*test_agent: accept: it is better*gain +100*run now*"]
    )
    know(project.path, 2)
    worse = gated(project, ", claim='better'")
    worse.assert_outcomes(failed=1)
    worse.stdout.fnmatch_lines(["*the gate: reject*", "lignin gate report dec_* --markdown*"])
    assert "Traceback" not in worse.stdout.str()


def test_where_all_passes_a_neutral_change_passes_and_a_breaking_one_is_told_with_its_cases(
    project: pytest.Pytester,
) -> None:
    know(project.path, 8)
    git(project.path, "commit", "-qam", "knows all")
    know(project.path, 9)
    gated(project).assert_outcomes(passed=1)
    kept = reported(project)
    assert (kept.verdict, kept.exit_code()) == ("accept", 0)
    assert kept.text.startswith("## Accepted: nothing that works is seen to break")
    assert f"It is about the content `{kept.candidate_system}`" in kept.text
    know(project.path, 2)
    before = reported(project)  # the last decision is of other content than stands there now
    assert (before.verdict, before.decision, before.exit_code()) == (None, "", 10)
    assert before.text.startswith("## Not decided: nothing was decided of what stands now")
    broken = gated(project)
    broken.assert_outcomes(failed=1)
    broken.stdout.fnmatch_lines(["*test_agent: reject: it breaks what works*"])
    told = reported(project)
    assert (told.verdict, told.text[:11]) == ("reject", "## Rejected")
    assert set(told.lost) <= {f"c{n}" for n in range(2, 8)} and told.lost
    know(project.path, 8)
    gated(project).assert_outcomes(passed=1)
    same = reported(project)
    assert (same.verdict, same.same, same.exit_code()) == (None, True, 0)
    assert same.text.startswith("## Nothing changed")


def test_a_gate_that_ends_without_a_decision_is_told_and_hides_behind_no_other(
    project: pytest.Pytester,
) -> None:
    know(project.path, 8)
    call = AGENT_CALL % ""
    project.makepyfile(
        f"def test_lost(lignin_gate):\n    {call.replace('cases.jsonl', 'absent.jsonl')}\n\n\n"
        f"def test_agent(lignin_gate):\n    {call}\n"
    )
    done = run(project)
    done.assert_outcomes(failed=1, passed=1)
    done.stdout.fnmatch_lines(["*test_lost: not decided: *absent.jsonl*"])
    told = reported(project)
    assert (told.verdict, told.exit_code()) == (None, 10)
    assert "absent" in told.why
    assert len(told.beside) == 1 and "accept (dec_" in told.beside[0]
    gated(project).assert_outcomes(passed=1)
    assert reported(project).verdict == "accept"


def test_nothing_is_told_where_no_gate_was_asked(project: pytest.Pytester) -> None:
    with pytest.raises(NotFoundError, match="no gate was asked in"):
        reported(project)


def test_an_agent_that_did_not_change_passes_without_a_trial(project: pytest.Pytester) -> None:
    done = gated(project)
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["*nothing changed*made of agent/; no trial was run"])


def test_what_changed_beside_the_agent_is_told_to_be_no_part_of_it(
    project: pytest.Pytester,
) -> None:
    folder = project.path
    (folder / "prompts").mkdir()
    (folder / "prompts" / "system.md").write_text("Be kind.")
    (folder / "single.sh").write_text(AGENT)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "prompts beside an agent that is a file at the top")
    (folder / "prompts" / "system.md").write_text("Be rude.")
    call = AGENT_CALL.replace("agent/main.sh", "single.sh") % ""
    project.makepyfile(f"def test_agent(lignin_gate):\n    {call}\n")
    done = run(project)
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["*nothing changed*made of single.sh; no trial was run"])
    assert "made of single.sh" in reported(project).text


@pytest.mark.parametrize(("policy", "ends"), [("fail", pytest.fail), ("skip", pytest.skip)])
def test_an_undecided_gate_does_what_is_declared(policy: Policy, ends: Any) -> None:
    gate = gate_deciding("undecided")
    with pytest.raises(ends.Exception, match="the trials ran out"):
        gate("python agent.py", undecided=policy)
    assert gate("python agent.py", undecided="pass") is not None


def test_no_policy_lets_a_rejected_change_pass() -> None:
    for policy in get_args(Policy):
        with pytest.raises(pytest.fail.Exception, match="reject"):
            gate_deciding("reject")("python a.py", undecided=policy)


def gate_deciding(verdict: GateOutcome) -> Gate:
    """A gate that comes to a verdict, whatever is asked."""
    settings = {"lignin_gate_since": "HEAD", "lignin_gate_undecided": "fail"}
    config = SimpleNamespace(getini=settings.__getitem__)
    item: Any = SimpleNamespace(config=config, user_properties=[])
    client: Any = SimpleNamespace(asking=lambda *_, **__: decision(verdict))
    return Gate(item, client)


def test_a_policy_that_is_none_is_a_mistake(project: pytest.Pytester) -> None:
    know(project.path, 8)
    done = gated(project, ", undecided='maybe'")
    assert done.ret != 0
    done.stdout.fnmatch_lines(["*fail, pass or skip, not 'maybe'*"])


def test_what_gates_can_be_left_out(project: pytest.Pytester) -> None:
    project.makepyfile(
        f"def test_agent(lignin_gate):\n    {AGENT_CALL % ''}\n\n\ndef test_other():\n    pass\n"
    )
    done = run(project, "-m", "not lignin_gate", "--strict-markers")
    done.assert_outcomes(passed=1, deselected=1)


def test_a_revision_that_is_not_there_fails_with_its_name(project: pytest.Pytester) -> None:
    know(project.path, 8)
    done = gated(project, ", since='nowhere'")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*nowhere*"])


def test_it_loads_nothing_before_it_is_used() -> None:
    code = (
        "import sys, lignin.interfaces.pytest_plugin as _; "
        "print([n for n in ('pydantic', 'sqlalchemy', 'lignin.app', 'anyio') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

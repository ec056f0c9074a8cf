"""`eval`: trials are paid once, and a case's checks judge, whatever a system says of itself."""

import ast
import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import lignin
from lignin.domain.errors import DeniedError, InvalidRequestError, NotFoundError, UnavailableError
from lignin.evals.laws.table import parse_table
from lignin.evals.trials import CHECKS
from lignin.practice.system import DeskSystem
from unit.operations.conftest import Desk
from unit.operations.suites import FAILING, SOUND, function, own_suite, with_cases, with_outages

JUDGING = (
    "domain/judging.py",
    "domain/effects.py",
    "evals/output.py",
    "evals/replay.py",
    "evals/watched.py",
)
PINNED = {"checks/2": "8a9cc9b6ba38d733"}


def test_what_was_tried_is_not_tried_again(desk: Desk) -> None:
    cases = with_cases(desk)
    first = desk("eval.run", system=FAILING, trials=2)
    assert (first.paid, first.trials, first.missing) == (2 * len(cases), 2 * len(cases), 0)
    assert 0 < first.mean < 1
    assert first.simulated
    again = desk("eval.run", system=FAILING, trials=2)
    assert (again.paid, again.items) == (0, first.items)
    assert desk("eval.run", system=FAILING, trials=3).paid == len(cases)
    other = desk("eval.run", system=SOUND, trials=2)
    assert (other.paid, other.mean) == (2 * len(cases), 1.0)
    assert {each.name for each in desk("eval.list").items} == {FAILING, SOUND}
    assert desk("eval.show", system=SOUND).items == other.items
    assert desk("eval.show", system=other.system[:19]).system == other.system


def test_another_content_of_a_system_has_none_of_its_trials(desk: Desk) -> None:
    desk.write("agent.py", "print('{\"resolved\": true}')\n")
    suite = own_suite(desk, "a", "b")
    asked = {"system": "python agent.py", "suite": suite, "trials": 1}
    first = desk("eval.run", **asked)
    assert (first.paid, first.mean) == (2, 1.0)
    assert desk("eval.run", **asked).paid == 0
    desk.write("agent.py", "print('{\"resolved\": false}')\n")
    second = desk("eval.run", **asked)
    assert (second.paid, second.mean) == (2, 0.0)
    assert second.system != first.system
    with pytest.raises(InvalidRequestError, match="several"):
        desk("eval.show", system="python agent.py")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("forges_its_score", "forged_score"),
        ("scores_nan", "not_a_score"),
        ("hands_in_twice", "several_runs"),
        ("exits_early", "no_outcome"),
        ("crashes", "crashed"),
        ("retells", "untrue_run"),
    ],
)
def test_what_cheats_fails_and_is_named(desk: Desk, name: str, kind: str) -> None:
    cases = with_cases(desk)
    failing = [e.case for e in desk("eval.run", system=FAILING, trials=1).items if not e.passed]
    done = desk("eval.run", **function(desk, name), case=failing or cases, trials=1)
    assert done.mean == 0
    assert [each.kinds for each in done.items] == [{kind: 1}] * len(failing)


def test_boast_beside_a_run_changes_nothing(desk: Desk) -> None:
    with_cases(desk)
    before = desk("eval.run", system="desk:x+wrong_refund_method", trials=1)
    after = desk("eval.run", **function(desk, "boasts"), trials=1)
    assert [(e.case, e.passed) for e in after.items] == [(e.case, e.passed) for e in before.items]


def test_calls_of_the_given_tools_are_seen_and_judged(desk: Desk) -> None:
    with_cases(desk)
    done = desk("eval.run", **function(desk, "calls_the_tools"), trials=1)
    assert done.mean == 1.0


def test_task_tells_nothing_of_how_it_is_judged(desk: Desk) -> None:
    case = with_cases(desk)[0]
    seen = []

    class Spy(DeskSystem):
        def run(self, task, seed, tools):  # type: ignore[no-untyped-def]
            seen.append(json.dumps(task))
            return super().run(task, seed, tools)

    context = replace(desk.context, open_system=lambda asked: Spy("spy"))
    Desk(context)("eval.run", system="spy", case=[case], trials=1)
    content = desk("trace.case", case=case).content
    [end] = content["checks"]["end_states"]
    assert content["input"][0] in json.loads(seen[0])["input"]
    for hidden in (end, case, "checks", "known_way", "recording"):
        assert hidden not in seen[0]


def test_outage_is_missing_and_after_some_nothing_more_is_tried(desk: Desk) -> None:
    cases = with_cases(desk)
    asked = function(desk, "tells")
    cut_off = with_outages(desk, asked["system"], lambda case, seed: True)
    with pytest.raises(UnavailableError, match="in a row told nothing"):
        cut_off("eval.run", **asked, trials=10)
    [system] = desk("eval.list").items
    assert (system.trials, system.missing, system.mean) == (0, 6, None)
    shown = desk("eval.show", system=asked["system"], case=cases[0])
    assert shown.tries[0].reasons == ["no route"]
    assert shown.exit_code() == 10
    assert len(cases) >= len(shown.items)


def test_own_suite_is_scored_by_the_system_itself(desk: Desk) -> None:
    suite = own_suite(desk, "easy", "hard")
    done = desk("eval.run", **function(desk, "tells"), suite=suite, trials=2)
    assert [(each.case, each.passed) for each in done.items] == [("hard", 0), ("easy", 2)]
    rows = [
        json.loads(line) for line in desk("eval.rows", system=done.system).to_text().split("\n")
    ]
    assert len(rows) == 4
    assert {row["grader"] for row in rows} == {"told/1"}


def test_each_trial_of_a_case_says_why_and_secrets_are_masked(desk: Desk) -> None:
    suite = own_suite(desk, "a")
    secret = "ghp_" + "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA2cD4"
    desk.write("leaks.py", f"import sys\nprint('the key is {secret}')\nsys.exit('and {secret}')\n")
    desk("eval.run", system="python leaks.py", suite=suite, trials=2)
    shown = desk("eval.show", system="python leaks.py", case="a")
    assert [(each.number, each.kind) for each in shown.tries] == [(0, "crashed"), (1, "crashed")]
    assert "exit 1" in shown.tries[0].reasons[0]
    assert "the key is" in shown.tries[0].said
    assert secret not in shown.model_dump_json()
    assert "exit 1" in shown.to_text()
    with pytest.raises(NotFoundError):
        desk("eval.show", system="python leaks.py", case="b")


def test_nothing_runs_unconfined_unasked(desk: Desk) -> None:
    asked = function(desk, "tells")
    suite = own_suite(desk, "easy")
    with pytest.raises(DeniedError):
        desk("eval.run", **(asked | {"unsandboxed": False}), suite=suite)
    dry = Desk(replace(desk.context, dry_run=True))
    with pytest.raises(UnavailableError):
        dry("eval.run", **asked, suite=suite)


SCRIPT = """#!/usr/bin/env python3
import json
import sys


def main() -> None:
    task = json.load(sys.stdin)
    print(json.dumps({"resolved": task["case"] != "hard"}))


if __name__ == "__main__":
    main()
"""


def test_stored_script_is_tried_by_itself_and_only_while_it_may_run(desk: Desk) -> None:
    desk.write("answers.py", SCRIPT)
    captured = desk("artifact.capture", path="answers.py", kind="script", verify=False)
    suite = own_suite(desk, "easy", "hard")
    done = desk("eval.run", system="artifact:answers", suite=suite, trials=2, unsandboxed=True)
    assert [(each.case, each.passed) for each in done.items] == [("hard", 0), ("easy", 2)]
    assert done.name == f"artifact:answers@{captured.digest[:19]}"
    desk("artifact.quarantine", name="answers")
    with pytest.raises(DeniedError, match="quarantined"):
        desk("eval.run", system="artifact:answers", suite=suite, trials=3)
    desk.double()
    with pytest.raises(InvalidRequestError, match="is a program"):
        desk("eval.run", system="artifact:double", suite=suite)


def test_grader_has_another_version_where_it_judges_otherwise() -> None:
    """Scores are reused by the grader's version; raise `CHECKS`, then pin what it stands for."""
    source = Path(lignin.__file__).parent
    read = "".join(ast.unparse(ast.parse((source / name).read_text())) for name in JUDGING)
    assert PINNED[CHECKS] == hashlib.sha256(read.encode()).hexdigest()[:16]


TROUBLE = """
import json, os, signal, sys, time
case = json.load(sys.stdin)["case"]
if case == "killed":
    os.kill(os.getpid(), signal.SIGTERM)
if case == "late":
    time.sleep(60)
if case == "loud":
    print("key " + "ghp_0123456789abcdefghij" + "klmnopqrstuvwxyzAB", file=sys.stderr)
    print("x" * 3000, file=sys.stderr)
    sys.exit(3)
if case == "raises":
    raise ValueError("no such order")
if case == "answers":
    print('{"score": 7}')
"""


def test_run_tells_why_trials_came_to_nothing(desk: Desk) -> None:
    desk.write("agent.py", TROUBLE)
    suite = own_suite(desk, "killed", "late", "loud", "raises", "answers")
    command = f"{sys.executable} agent.py"
    asked = {"system": command, "suite": suite, "unsandboxed": True, "limit_s": 2}
    done = desk("eval.run", **asked, trials=2, parallel=5)
    why = {(each.kind, each.cause): (each.count, each.cases, each.line) for each in done.why}
    assert why[("crashed", "killed")][:2] == (2, 1)
    assert why[("crashed", "time_limit")] == (2, 1, "still running after 2 seconds")
    failed = why[("crashed", "failed")]
    assert failed[:2] == (4, 2)
    assert why[("not_a_score", "")][:2] == (2, 1)
    text = done.to_text()
    assert "4 crashed (of 2 cases): it ended with an error" in text
    shown = desk("eval.show", system=done.system, case="loud")
    assert "[redacted:github:" in shown.why[0].line
    assert len(shown.why[0].line) <= 200
    assert "ghp_" not in text + shown.to_text() + done.model_dump_json()
    raised = desk("eval.show", system=done.system, case="raises").why
    assert [each.line for each in raised] == ["ValueError: no such order"]


@pytest.mark.parametrize("unsandboxed", [True, False])
@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ("python nowhere.py", "missing_file"),
        ("no-such-program", "missing_file"),
        ("./plain.sh", "not_executable"),
    ],
)
def test_a_program_that_cannot_start_is_told_apart(
    desk: Desk, command: str, cause: str, *, unsandboxed: bool
) -> None:
    desk.write("plain.sh", "#!/bin/sh\n")
    suite = own_suite(desk, "a")
    done = desk("eval.run", system=command, suite=suite, trials=1, unsandboxed=unsandboxed)
    assert [(each.cause, each.count) for each in done.why] == [(cause, 1)]


def test_who_was_slower_says_shared_and_not_paid(desk: Desk) -> None:
    cases = with_cases(desk)
    asked = {"system": "twin", "case": cases[:1], "trials": 1}
    faster = []

    class Twin(DeskSystem):
        def run(self, task, seed, tools):  # type: ignore[no-untyped-def]
            if not faster:
                faster.append(None)
                faster[0] = Desk(context)("eval.run", **asked)
            return super().run(task, seed, tools)

    context = replace(desk.context, open_system=lambda asked: Twin("twin"))
    slower = Desk(context)("eval.run", **asked)
    assert [(each.paid, each.shared) for each in (faster[0], slower)] == [(1, 0), (0, 1)]
    assert "0 run now, and 1 that somebody else had filed by then" in slower.to_text()


def test_part_of_the_rows_of_a_system_is_not_taken_for_all(desk: Desk) -> None:
    with_cases(desk)
    for system in (FAILING, SOUND):
        desk("eval.run", system=system, trials=4)
    rows = {name: desk("eval.rows", system=name).items for name in (FAILING, SOUND)}
    for name, file in ((FAILING, "a.jsonl"), (SOUND, "b.jsonl")):
        desk.write(file, "\n".join(json.dumps(row) for row in rows[name]))
    asked = {"incumbent": "a.jsonl", "candidate": "b.jsonl"}
    assert desk("gate.decide", **asked).faults == []
    desk.write("b.jsonl", "\n".join(json.dumps(row) for row in rows[SOUND][:-1]))
    kinds = {each["kind"] for each in desk("gate.decide", **asked).faults}
    assert "incomplete" in kinds


def twice_written(desk: Desk) -> tuple[str, str]:
    """A system that was tried on one case, and on the case of that name as it was written anew."""
    desk.write(
        "agent.py",
        'import sys\nprint(\'{"resolved": %s}\' % str("new" in sys.stdin.read()).lower())\n',
    )
    system = "python agent.py"
    for task in ("an old task", "a new task"):
        desk.write("suite.jsonl", json.dumps({"case": "a", "input": task}) + "\n")
        desk("eval.run", system=system, suite="suite.jsonl", trials=2)
    return system, desk("eval.list").items[0].system


def test_contents_of_a_case_of_one_name_are_told_apart(desk: Desk) -> None:
    system, _ = twice_written(desk)
    shown = desk("eval.show", system=system)
    assert [(each.case, each.passed, each.trials) for each in shown.items] == [
        ("a", 0, 2),
        ("a", 2, 2),
    ]
    assert len({each.digest for each in shown.items}) == 2
    assert shown.several == ["a"]
    assert "told apart: a" in (shown.to_text() or "")
    alone = desk("eval.show", system=system, case="a")
    assert len({each.digest for each in alone.tries}) == 2
    rows = desk("eval.rows", system=system).items
    assert len({row["case"] for row in rows}) == 2
    assert not parse_table(rows).faults


def test_contents_of_a_case_are_not_compared_with_each_other(desk: Desk) -> None:
    system, _ = twice_written(desk)
    desk.write("other.py", "print('{\"resolved\": true}')\n")
    desk("eval.run", system="python other.py", suite="suite.jsonl", trials=2)
    compared = desk("eval.compare", before=system, after="python other.py")
    assert (compared.same, compared.lost, compared.gained) == (1, 0, 0)
    assert len(compared.only_before) == 1
    assert compared.faults == []


def test_scores_of_several_graders_are_never_compared_with_each_other(desk: Desk) -> None:
    def rows(system: str, **scores: float) -> str:
        made = [
            {"case": "q", "trial": n, "score": score, "grader": grader, "system": system}
            for grader, score in scores.items()
            for n in range(2)
        ]
        return "\n".join(map(json.dumps, made))

    desk.write("old.jsonl", rows("old", strict=0.5, kind=1.0))
    desk.write("new.jsonl", rows("new", strict=0.5))
    compared = desk("eval.compare", before="old.jsonl", after="new.jsonl")
    assert (compared.same, compared.lost, compared.gained) == (1, 0, 0)
    assert compared.only_before == ["q by kind"]
    assert compared.faults == []
    desk.write("other.jsonl", rows("other", kind=0.0))
    with pytest.raises(InvalidRequestError, match="no case was tried on both"):
        desk("eval.compare", before="new.jsonl", after="other.jsonl")

"""An example of a script may say what the programs that it starts answer."""

import json
import subprocess

import pytest

from lignin.artifacts.example_forms import require_form
from lignin.artifacts.guest_programs import stand_in
from lignin.artifacts.plan import ANSWERS_PATH, PROGRAMS_PATH, plan_run
from lignin.domain.artifacts import Answer, Example, File, Manifest, parse_example
from lignin.domain.errors import InvalidRequestError
from lignin.ports.sandbox import Command

MANIFEST = Manifest(kind="script", entry="main.py", runtime="python")
ANSWERED = Example(
    argv=("x",),
    answers=(Answer(argv=("git", "log"), stdout="one\n"),),
    result={"stdout": "one\n", "exit_code": 0},
)


def test_answers_are_part_of_an_example_and_of_its_digest() -> None:
    plain = Example(argv=("x",), result=ANSWERED.result)
    assert "answers" not in plain.to_json()
    assert parse_example(ANSWERED.to_json()) == ANSWERED
    assert ANSWERED.digest != plain.digest


@pytest.mark.parametrize(
    "answers",
    [
        [{"argv": "git", "stdout": ""}],
        [{"argv": [1], "stdout": ""}],
        [{"argv": ["git"]}],
        [{"argv": ["git"], "stdout": "", "exit_code": "0"}],
        [{"argv": ["git"], "stdout": "", "exit_code": True}],
        [{"argv": ["git"], "stdout": "", "stderr": ""}],
        ["git"],
        "git",
        7,
    ],
)
def test_answers_of_another_form_are_refused(answers: object) -> None:
    with pytest.raises(InvalidRequestError, match="answers"):
        parse_example({"argv": [], "answers": answers, "result": {"stdout": ""}})


def test_answers_are_for_python_scripts_alone() -> None:
    require_form(MANIFEST, [ANSWERED])
    shell = Manifest(kind="script", entry="main.sh", runtime="sh")
    with pytest.raises(InvalidRequestError, match="only what a Python script starts"):
        require_form(shell, [ANSWERED])
    program = Manifest(kind="program", entry="main.py:f", runtime="python")
    with pytest.raises(InvalidRequestError, match="has 'argv'"):
        require_form(program, [ANSWERED])


def test_stand_ins_lie_beside_the_script_only_where_answers_are_known() -> None:
    files = {"main.py": File(content=b"print()")}
    made = plan_run(MANIFEST, files, ANSWERED)
    assert isinstance(made.action, Command)
    assert made.action.argv == ("python", f"/artifact/{PROGRAMS_PATH}", "main.py", "x")
    assert json.loads(made.files[ANSWERS_PATH].content) == [
        {"argv": ["git", "log"], "stdout": "one\n", "exit_code": 0}
    ]
    bare = plan_run(MANIFEST, files, Example(argv=("x",)))
    assert isinstance(bare.action, Command)
    assert bare.action.argv == ("python", "/artifact/main.py", "x")
    assert set(bare.files) == {"main.py"}


def test_stand_in_answers_just_these_words_in_turn() -> None:
    answers = [
        {"argv": ["date"], "stdout": "1", "exit_code": 0},
        {"argv": ["date"], "stdout": "2", "exit_code": 3},
    ]
    run = stand_in(answers)
    assert [run(["date"], text=True).stdout for _ in range(3)] == ["1", "2", "2"]
    assert run(["date"]).stdout == b"2"
    with pytest.raises(subprocess.CalledProcessError):
        run(["date"], check=True)
    for other in (["date", "-u"], ["dat"], "date -u", []):
        with pytest.raises(FileNotFoundError):
            run(other)

"""An example of a script may say what the programs that it starts answer."""

import json
import subprocess

import pytest

from lignin.artifacts.example_forms import require_form
from lignin.artifacts.guest_programs import StandIn
from lignin.artifacts.plan import ANSWERS_PATH, PROGRAMS_PATH, plan_run
from lignin.artifacts.sealed_answers import seal
from lignin.domain.artifacts import File, Manifest
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Answer, Example, parse_example
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
    assert made.files[ANSWERS_PATH].content == seal(ANSWERED.answers)
    bare = plan_run(MANIFEST, files, Example(argv=("x",)))
    assert isinstance(bare.action, Command)
    assert bare.action.argv == ("python", "/artifact/main.py", "x")
    assert set(bare.files) == {"main.py"}


def stands_for(*answers: Answer) -> StandIn:
    return StandIn(json.loads(seal(answers)))


def test_stand_in_answers_just_these_words_in_their_order() -> None:
    stands = stands_for(
        Answer(argv=("date",), stdout="1é"), Answer(argv=("date",), stdout="2", exit_code=3)
    )
    for other in (["date", "-u"], ["dat"], "date -u", []):
        with pytest.raises(FileNotFoundError):
            stands.run(other)
    assert stands.run(["date"], text=True).stdout == "1é"
    assert stands.left == 1
    with pytest.raises(subprocess.CalledProcessError):
        stands.run(["date"], check=True)
    assert stands.left == 0
    with pytest.raises(FileNotFoundError):
        stands.run(["date"])


def test_command_out_of_order_is_not_found() -> None:
    stands = stands_for(Answer(argv=("one",), stdout=""), Answer(argv=("two",), stdout="2"))
    with pytest.raises(FileNotFoundError):
        stands.run(["two"])
    stands.run(["one"])
    assert stands.run(["two"]).stdout == b"2"


def test_answers_cannot_be_read_without_their_words() -> None:
    sealed = seal([Answer(argv=("git", "log"), stdout="the expected output")])
    assert b"expected" not in sealed
    assert "expected" not in bytes.fromhex(json.loads(sealed)[0]["said"]).decode(errors="replace")
    assert b"git" not in sealed

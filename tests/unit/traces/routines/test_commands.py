"""Shell commands as tools with arguments."""

import pytest

from lignin.traces.routines.commands import as_command
from lignin.traces.routines.induce import Inducer
from unit.traces.routines.desk import call, encoded, run


@pytest.mark.parametrize(
    ("text", "tool", "words"),
    [
        ("git commit -m 'two words'", "git commit -m {1}", ["two words"]),
        ("cd /src && /usr/bin/pytest -q t.py", "cd {1} && pytest -q {2}", ["/src", "t.py"]),
        ("grep -rn foo src | head -3", "grep -rn {1} {2} | head {3}", ["foo", "src", "-3"]),
        ("make --jobs=4 all", "make --jobs={1} {2}", ["4", "all"]),
        ("cat > a.py <<'E'\nx = 1\nE\n", "cat > {1} <<< {2}", ["a.py", "x = 1"]),
        ("./run.sh a", "./run.sh {1}", ["a"]),
        ("A=1 pytest x", "A= pytest {1}", ["x"]),
        ("cut '-d && rm {1}' f", "cut '-d && rm {1}' {1}", ["f"]),
    ],
)
def test_programs_and_flags_are_the_tool_and_words_the_slots(
    text: str, tool: str, words: list[str]
) -> None:
    assert as_command(call("bash", {"command": text})) == (
        tool,
        {str(place): word for place, word in enumerate(words, start=1)},
    )


@pytest.mark.parametrize("text", ["for x in a b; do echo $x; done", "echo 'open", ""])
def test_what_is_no_plain_command_stays_a_text(text: str) -> None:
    assert as_command(call("bash", {"command": text})) is None


def test_other_tools_are_no_commands() -> None:
    assert as_command(call("get_owner", {"owner_id": "x"})) is None


def test_shell_routine_has_paths_as_parameters() -> None:
    runs = [
        run(
            f"run-{number}",
            [
                call("bash", {"command": f"grep -rl {word} src"}, f"src/{word}.py"),
                call("bash", {"command": f"cat src/{word}.py"}, f"def {word}(): ..."),
                call("bash", {"command": f"pytest -q tests/test_{word}.py"}, "1 passed"),
            ],
        )
        for number, word in enumerate(["bolt", "gear", "belt", "pump"])
    ]
    inducer = Inducer()
    inducer.add(encoded(runs))
    (routine,) = inducer.induce().routines
    assert routine.tools == ("grep -rl {1} {2}", "cat {1}", "pytest -q {1}")
    forms = [step.to_json()["arguments"] for step in routine.steps]
    assert forms[0] == {"1": {"parameter": "text"}, "2": {"constant": "src"}}
    assert forms[1] == {"1": {"reference": "$1"}}
    assert forms[2] == {"1": {"parameter": "path"}}
    assert [each.type for each in routine.parameters] == ["str", "path"]

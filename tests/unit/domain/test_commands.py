"""A command's name is read, and the command written back so that no value becomes syntax."""

import pytest

from lignin.domain.commands import (
    argv_of,
    in_their_folders,
    is_plain,
    of_step,
    parse_command,
    shell_text,
)
from lignin.domain.errors import InvalidRequestError
from lignin.traces.routines.commands import as_command, is_literal
from unit.traces.routines.desk import call

COMMANDS = [
    "git commit -m 'two words'",
    "cd /src && /usr/bin/pytest -q t.py",
    "grep -rn foo src | head -3 || echo none",
    "make --jobs=4 all > out.txt 2>&1",
    "sort < in.txt &> both.txt",
    "cat > a.py <<'E'\nx = 1\ny = '2'\nE",
    "find . -name '*.py' -exec grep -l x '{}' ';'",
    "cut '-d && rm {1}' f",
    "tool '--a b=c d' \"it's\"",
    "echo '&&' '|' '>' '{2}' ''",
    "true |& tee log",
]


@pytest.mark.parametrize("text", COMMANDS)
def test_command_written_back_reads_as_the_same(text: str) -> None:
    read = as_command(call("bash", {"command": text}))
    assert read is not None
    tool, words = read
    made = argv_of(parse_command(tool), {k: str(v) for k, v in words.items()}.__getitem__)
    again = (
        made[2]
        if made[0] == "bash"
        else shell_text(parse_command(tool), lambda word: _quoted(word.text, words.get(word.place)))
    )
    assert as_command(call("bash", {"command": again})) == read


def _quoted(text: str, value: object) -> str:
    import shlex

    return shlex.quote(text + str(value if value is not None else ""))


@pytest.mark.parametrize("value", ["; rm x", "$(rm x)", "a\nb", "' \" `x`", "&& y", "> f", "*"])
def test_value_is_one_word_in_a_line_for_a_shell(value: str) -> None:
    parts = parse_command("echo {1} --of={2} | cat > {3}")
    made = argv_of(parts, lambda _: value)
    read = as_command(call("bash", {"command": made[2]}))
    assert read == ("echo {1} --of={2} | cat > {3}", {"1": value, "2": value, "3": value})
    assert is_literal(call("bash", {"command": made[2]}))


def test_plain_command_needs_no_shell() -> None:
    assert is_plain(parse_command("git commit -m {1}"))
    assert argv_of(parse_command("a --x={1} {2}"), {"1": "p q", "2": ";"}.__getitem__) == (
        "a",
        "--x=p q",
        ";",
    )
    assert not is_plain(parse_command("cat {1} > {2}"))


@pytest.mark.parametrize("tool", ["A= make {1}", "{1} x", "", "a && "])
def test_what_cannot_be_written_again_is_refused(tool: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_command(tool)


def test_lone_cd_goes_before_what_follows() -> None:
    commands = [parse_command(each) for each in ("cd {1}", "make", "cd {1} && ls")]
    placed = in_their_folders([of_step(at, each) for at, each in enumerate(commands)])
    assert placed[0] is None
    told = [shell_text(each, lambda w: w.place or w.text) for each in placed if each]
    assert told == ["cd 0:1 && make", "cd 0:1 && cd 2:1 && ls"]


def test_cd_that_may_have_lasted_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="is not told"):
        in_their_folders([parse_command("cd {1} && make"), parse_command("ls")])
    both = [parse_command("cd {1} && make"), parse_command("cd {1} && ls")]
    assert in_their_folders(both) == both


@pytest.mark.parametrize(
    ("text", "literal"),
    [("cat a.py", True), ("cat *.py", False), ("cat $HOME", False), ("cat '$HOME'", True)],
)
def test_literal_is_what_the_shell_fills_nothing_in(text: str, literal: bool) -> None:
    assert is_literal(call("bash", {"command": text})) is literal

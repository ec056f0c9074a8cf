"""The script of a shell routine: what it runs, what it tells, and what it refuses."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.artifacts.routine_script import script_of
from lignin.domain.errors import InvalidRequestError
from lignin.domain.routines import (
    Constant,
    Guard,
    Item,
    Parameter,
    Reference,
    Routine,
    RoutineStep,
    Slot,
    Use,
)
from lignin.domain.support import Support

Run = Callable[..., subprocess.CompletedProcess[str]]
HOSTILE = [
    "; rm -rf kept",
    "$(rm -rf kept)",
    "`rm -rf kept`",
    "a\nrm -rf kept",
    "' && rm -rf kept '",
]


def step(tool: str, *slots: Slot, changes: bool = True, **more: bool) -> RoutineStep:
    arguments = {str(place): slot for place, slot in enumerate(slots, start=1)}
    return RoutineStep(tool=tool, arguments=arguments, changes=changes, **more)


def routine(*steps: RoutineStep, support: Support | None = None) -> Routine:
    used = [
        slot for each in steps for slot in each.arguments.values() if isinstance(slot, Use | Item)
    ]
    kinds = {s.parameter: "list[path]" if isinstance(s, Item) else "str" for s in used}
    parameters = tuple(Parameter(name=name, type=kind) for name, kind in kinds.items())
    return Routine(steps=steps, parameters=parameters, support=support or Support())


SHIPPED = routine(
    step("cd {1}", Use("path")),
    step("grep -rl {1} {2}", Use("text"), Constant("src"), changes=False),
    step("sed -n {1} {2}", Use("text_2"), Reference(1, ""), changes=False),
    step("git add {1}", Item("paths"), is_repeated=True),
    step(
        "git commit -m {1} && git log --format={2} | head {3}",
        Use("text_3"),
        Constant("%H {x}"),
        Constant("-1"),
    ),
    step("git push", is_optional=True),
    support=Support(occurrences=4, sessions=("a", "b"), tasks=2, models=('m"""\nimport os',)),
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a routine's script in a folder with a file that nobody may take away."""
    (tmp_path / "kept").write_text("still here")

    def made(wanted: Routine, *words: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "script.py"
        path.write_text(script_of(wanted).source)
        done = subprocess.run(
            [sys.executable, str(path), *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (tmp_path / "kept").read_text() == "still here"
        return done

    return made


def body(wanted: Routine) -> str:
    whole = script_of(wanted).source.split("args = parser.parse_args()\n")[1].split("\n\n\n")[0]
    assert whole.startswith("    begin(args.dry_run, ")
    return whole.split(")\n", 1)[1]


def test_commands_are_written_as_a_person_would() -> None:
    script = script_of(SHIPPED, seen={"text": ["foo", "100%"]})
    assert script.name == "git_add_commit_push"
    assert script.programs == ("bash", "git", "grep", "head", "sed")
    assert body(SHIPPED) == (
        """\
    grep_output = run(
        "bash", "-c", f"cd {quote(args.folder)} && grep -rl {quote(args.pattern)} src"
    )
    line = word(one_line(grep_output))
    run("bash", "-c", f"cd {quote(args.folder)} && sed -n {quote(args.lines)} {quote(line)}")
    for path in args.paths:
        run("bash", "-c", f"cd {quote(args.folder)} && git add {quote(path)}")
    run(
        "bash",
        "-c",
        f"cd {quote(args.folder)} && git commit -m {quote(args.message)} && """
        """git log --format='%H {{x}}' | head -1",
    )
    if args.git_push:
        run("bash", "-c", f"cd {quote(args.folder)} && git push")"""
    )


def test_help_says_what_it_stands_on_and_what_each_argument_is(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(script_of(SHIPPED, seen={"text": ["foo", "100%"]}).source)
    done = subprocess.run(
        [sys.executable, str(path), "--help"], capture_output=True, text=True, check=True
    )
    told = " ".join(done.stdout.split())
    assert "Mined from 4 uses in 2 runs of 2 tasks" in told
    assert "what to look for, such as foo, 100%" in told
    assert "--git-push also run git push" in told


def test_argument_of_several_commands_says_what_it_is_to_each() -> None:
    wanted = routine(
        step("grep {1} notes", Use("text"), changes=False),
        step("grep -c {1} more", Use("text"), changes=False),
        step("mkdir {1} && git add {2}", Use("text"), Constant(".")),
        step("git branch {1}", Use("text")),
    )
    [argument] = script_of(wanted).arguments
    assert argument.name == "pattern"
    assert argument.what == (
        "what to look for (`grep`), the folder to make (`mkdir`), what `git branch` is given"
    )


def test_words_of_a_use_are_read_back_by_the_script(run: Run) -> None:
    wanted = routine(
        step("echo {1} {2}", Use("text"), Item("paths"), changes=False, is_repeated=True),
        step(
            "echo {1} | grep --regexp={2} > {3}",
            Constant("x --a b"),
            Use("of"),
            Constant("out"),
            is_optional=True,
        ),
    )
    script = script_of(wanted)
    words = script.argv({"text": ["-"], "paths": ["x", "y z"], "of": ["--a b"]}, [True, True])
    done = run(wanted, *words)
    assert (done.stdout, done.returncode) == ("- x\n- y z\n", 0)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_value_becomes_shell_syntax(run: Run, value: str) -> None:
    wanted = routine(
        step("echo {1} | cat", Use("text"), changes=False),
        step("echo {1}", Use("text"), changes=False),
        step("cat <<< {1} | tr a {2} > {3}", Use("text"), Constant("b"), Use("out")),
    )
    done = run(wanted, value, f"{value} out".replace("/", ""))
    assert done.stdout == f"{value}\n{value}\n"
    assert done.returncode == 0


@pytest.mark.parametrize("value", HOSTILE)
def test_what_a_command_said_is_no_syntax_and_no_option_either(run: Run, value: str) -> None:
    wanted = routine(
        step("printf {1} {2}", Constant("%s"), Use("text"), changes=False),
        step("echo {1} | cat", Reference(0, ""), changes=False),
    )
    done = run(wanted, value)
    assert done.returncode == (1 if "\n" in value else 0)
    assert run(wanted, "--", "ok").stdout == "okok\n"
    said_option = routine(
        step("echo x-rf {1} | cut -c2-4", Use("text"), changes=False),
        step("ls {1}", Reference(0, ""), changes=False),
    )
    done = run(said_option, "y")
    assert (done.returncode, "would be read as an option" in done.stderr) == (2, True)


@pytest.mark.parametrize("value", ["-rf", "-3", "--", "-5e1", "-\u0665"])
def test_leading_dash_is_refused_for_numbers_too(run: Run, value: str) -> None:
    wanted = routine(
        step("echo x | grep {1}", Use("text"), changes=False),
        step("grep -e x --max-count={1} in", Use("count"), is_optional=True, changes=False),
    )
    for words in (["--", value], [value]):
        done = run(wanted, *words)
        assert (done.returncode, done.stdout) == (2, "")
    (first, *_) = script_of(wanted).arguments
    assert not first.takes(value)
    assert first.takes("-")


def test_negative_number_is_taken_where_recorded_uses_had_one(tmp_path: Path) -> None:
    wanted = routine(step("echo {1}", Use("text"), changes=False))
    script = script_of(wanted, seen={"text": ["7", "-3"]})
    path = tmp_path / "script.py"
    path.write_text(script.source)

    def ended(value: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, str(path), "--", value], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    assert ended("-5") == (0, "-5\n")
    assert ended("-n5") == (2, "")
    assert script.arguments[0].takes("-5")
    assert not script.arguments[0].takes("-n5")


def test_a_form_that_two_programs_ask_for_is_asked_twice() -> None:
    wanted = routine(
        step("sed -n {1} kept", Use("text"), changes=False), step("make {1}", Use("text"))
    )
    [argument] = script_of(wanted).arguments
    assert argument.takes("1p")
    assert not argument.takes("1,2p")  # lines for `sed`, and no target of `make`
    assert not argument.takes("clean")


def test_the_same_with_fixed_code_is_written() -> None:
    assert "python3" in script_of(routine(step("python3 -c {1}", Constant("print(1)")))).source


def test_sed_takes_lines_and_no_program(run: Run) -> None:
    wanted = routine(step("sed -n {1} {2}", Use("text"), Constant("kept"), changes=False))
    assert run(wanted, "1,2p").stdout == "still here"
    assert run(wanted, "1e rm kept").returncode == 2


def test_operator_within_a_flag_stays_a_word(run: Run) -> None:
    wanted = routine(step("echo '-x && rm kept' {1}", Constant("y"), changes=False))
    assert run(wanted).stdout == "-x && rm kept y\n"


def test_first_failure_ends_it_with_its_code_and_what_was_done(run: Run) -> None:
    wanted = routine(
        step("echo {1}", Use("text"), changes=False),
        step("bash {1} {2}", Constant("-"), Constant("no-such-file")),
        step("rm {1}", Constant("kept")),
    )
    done = run(wanted, "a b")
    assert done.stdout.startswith("a b\n")
    assert done.returncode == 127
    assert "bash - no-such-file failed; done before: echo 'a b'" in done.stderr


def test_program_that_is_not_there_is_said(run: Run) -> None:
    done = run(routine(step("no-such-program {1}", Constant("x"))))
    assert done.returncode == 127
    assert done.stderr == "there is no no-such-program here; done before: nothing\n"
    fallen = routine(step("touch done"), step("no-such-program {1}", Constant("x")))
    assert "done" not in run(fallen).stdout  # it looks before it begins
    assert run(routine(step("test -e done")), *[]).returncode == 1


def test_dry_run_says_what_it_would_do_and_does_nothing(run: Run) -> None:
    wanted = routine(
        step("touch {1}", Use("path")),
        step("ls {1}", Use("path"), changes=False),
        replace(
            step("cp {1} copy", Reference(1, "")),
            guards=(Guard(at=Reference(1, ".state"), value="idle"),),
        ),
    )
    done = run(wanted, "--dry-run", "a b")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "would run: touch 'a b'",
        "would run: ls 'a b'",
        "would run: cp '<what it says>' copy",
    ]
    assert run(routine(step("test -e {1}", Use("path"))), "a b").returncode == 1


def test_reference_into_json_and_a_guard(run: Run) -> None:
    def wanted(state: str) -> Routine:
        told = '{"items": [{"id": 7}], "state": "open"}'
        guard = (Guard(at=Reference(0, ".state"), value=state),)
        return routine(
            step("echo {1}", Constant(told), changes=False),
            RoutineStep(
                tool="echo {1}", arguments={"1": Reference(0, ".items[0].id")}, guards=guard
            ),
        )

    assert run(wanted("open")).stdout.endswith("}\n7\n")
    done = run(wanted("closed"))
    assert (done.returncode, "to be closed" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([step("cat {1}", Use("a")), step("cat {1}", Reference(0, ".~"))], "not one value"),
        ([step("A= make {1}", Use("a"))], "sets a variable"),
        ([step("cd {1}", Use("a"))], "only goes to a folder"),
        ([step("cd {1} && make", Use("a")), step("ls")], "is not told"),
    ],
)
def test_what_no_script_can_do_is_refused(steps: list[RoutineStep], why: str) -> None:
    with pytest.raises(InvalidRequestError, match=why):
        script_of(routine(*steps))


@pytest.mark.parametrize("wanted", [SHIPPED, routine(step("echo {1}", Use("text")))])
def test_script_passes_the_linter_and_the_formatter(wanted: Routine, tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text(script_of(wanted).source)
    rules = "E,F,W,I,UP,B,C4,SIM,RUF,RET,N,ARG"
    ruff = [str(Path(sys.executable).parent / "ruff")]
    check = ["check", "--isolated", "--line-length=100", "--ignore=E501", f"--select={rules}"]
    for words in (check, ["format", "--isolated", "--line-length=100", "--diff"]):
        done = subprocess.run(
            [*ruff, *words, str(path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout

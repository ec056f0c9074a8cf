"""Shell routines: induced of recorded sessions, written as scripts, proven, promoted, served, called.

The sessions are made here: each command really ran in a folder of its own, and what it said is the
observation. Where the sandbox has the programs, the promoted script runs them too.
"""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.app import load_settings, open_context
from lignin.artifacts.routine_about import about_script
from lignin.artifacts.routine_script import script_of
from lignin.domain.commands import runs_shell
from lignin.domain.errors import GateFailedError, InvalidRequestError, UnavailableError
from lignin.domain.events import NewEvent
from lignin.domain.routines import Constant, Parameter, Reference, Routine, RoutineStep, Use
from lignin.domain.traces import Trajectory
from lignin.operations.artifact import call
from lignin.operations.artifact_capture import capture
from lignin.operations.artifact_models import ArtifactCall, ArtifactCapture
from lignin.operations.context import Context
from lignin.operations.routine import RoutineInduce, induce
from lignin.operations.routine_prove import Proved, RoutinePromote, RoutineProve, promote, prove
from lignin.operations.routine_script_proof import (
    hand_over_script,
    shell_examples,
    shell_uses,
)
from lignin.operations.skill import serve
from lignin.operations.skill_models import SkillServe
from lignin.operations.trace import TraceImport, import_
from lignin.traces.importers.lignin_run import parse

WORDS = [
    "amber",
    "basalt",
    "cedar",
    "dune",
    "ember",
    "fjord",
    "glade",
    "heath",
    "inlet",
    "juniper",
    "knoll",
    "larch",
    "mead",
    "nettle",
]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Context]:
    home = {"LIGNIN_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "LIGNIN_ACTOR": "user:t"}
    with open_context(load_settings({**os.environ, **home}, tmp_path)) as context:
        yield context


def ran(folder: Path, command: str) -> str:
    """What a command says in a folder."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def session(name: str, said: str, commands: Sequence[tuple[str, str]]) -> dict[str, object]:
    """A run in Lignin's own form that made these commands and heard this."""
    messages: list[dict[str, object]] = [{"role": "user", "content": said}]
    for number, (command, heard) in enumerate(commands):
        made = {"name": "bash", "arguments": json.dumps({"command": command})}
        messages.append(
            {"role": "assistant", "tool_calls": [{"id": f"c{number}", "function": made}]}
        )
        messages.append({"role": "tool", "tool_call_id": f"c{number}", "content": heard})
    return {
        "lignin_run": 1,
        "session": name,
        "task_id": name,
        "model": "m",
        "outcome": "success",
        "messages": messages,
    }


def notes(word: str) -> Mapping[str, str]:
    return {f"notes/{word}-note.txt": f"about {word}\n", "notes/other.txt": "nothing\n"}


def kept_note(folder: Path, number: int, filled_in: str) -> dict[str, object]:
    """Find the note of a word, and put it into a new repository; the last command ends as it is told."""
    word, box = WORDS[number % len(WORDS)], f"box-{number}"
    for path, text in notes(word).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    found = ran(folder, f"grep -rl {word} notes")
    commands = [
        f"grep -rl {word} notes",
        f"git init -q {box}",
        f"cp {found.strip()} {box}",
        f"cd {box} && git add -A && git status --short{filled_in}",
    ]
    heard = [found, *(ran(folder, command) for command in commands[1:])]
    said = f"keep the note on {word} in {box}"
    return session(f"run-{number}", said, list(zip(commands, heard, strict=True)))


def practised(context: Context, tmp_path: Path, runs: int = 30, filled_in: str = "") -> None:
    made = []
    for number in range(runs):
        folder = tmp_path / f"work-{number}"
        folder.mkdir()
        made.append(kept_note(folder, number, filled_in))
    (context.cwd / "runs.jsonl").write_text("".join(json.dumps(each) + "\n" for each in made))
    import_(context, TraceImport(paths=["runs.jsonl"]))


def proven(context: Context) -> Proved:
    [first, *_] = induce(context, RoutineInduce()).items
    proved = prove(context, RoutineProve(routine=first.routine))
    assert (proved.verdict, proved.reason) == ("pass", "")
    return proved


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
def test_shell_routine_becomes_a_script_that_is_proven_promoted_served_and_called(
    opened: Context, tmp_path: Path
) -> None:
    practised(opened, tmp_path)
    proved = proven(opened)
    assert proved.uses >= 3
    assert "argparse" in proved.program
    assert proved.files == ["lignin.json", "main.py", "routine.json"]
    promote(opened, RoutinePromote(routine=proved.routine))
    serve(opened, SkillServe())
    skill = tmp_path / ".claude" / "skills" / proved.artifact
    text = (skill / "SKILL.md").read_text()
    assert "lignin artifact call" not in text  # its changes would be gone with the call's folder
    assert "It answers" not in text
    evals = json.loads((skill / "evals/evals.json").read_text())
    assert evals["skill_name"] == skill.name
    told = [each["prompt"].partition("The values: ")[2] for each in evals["evals"]]
    assert told
    assert not any(given in text for given in told)
    assert "4. `cd REPOSITORY && git add -A && git status --short`" in text
    dry, line = text.split("```sh\n")[1].split("\n```")[0].splitlines()
    argv = shlex.split(line)[2:]
    box = {"argv": argv, "files": dict(notes(argv[0]))}
    again = call(opened, ArtifactCall(name=f"{proved.artifact}@{proved.digest}", input=box))
    said = f"notes/{argv[0]}-note.txt\nA  {argv[0]}-note.txt\n"
    assert again.output == {"stdout": said, "exit_code": 0}
    work = tmp_path / "work"
    for path, told_ in notes(argv[0]).items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(told_)
    shutil.move(tmp_path / ".claude", work)
    assert f"would run: git init -q {argv[1]}" in ran(work, dry)
    assert not (work / argv[1]).exists()
    assert ran(work, line) == said
    assert (work / argv[1] / ".git").is_dir()
    given = {"argv": ["--", "-quartz", "new-box"], "files": dict(notes("quartz"))}
    refused = call(opened, ArtifactCall(name=proved.artifact, input=given))
    assert refused.output == {"stdout": "", "exit_code": 2}
    assert "would be read as an option" in refused.message
    answer = call(
        opened,
        ArtifactCall(
            name=proved.artifact,
            input={"argv": ["quartz", "new-box"], "files": dict(notes("quartz"))},
        ),
    )
    assert answer.output == {
        "stdout": "notes/quartz-note.txt\nA  quartz-note.txt\n",
        "exit_code": 0,
    }


def committed(folder: Path, number: int) -> dict[str, object]:
    """Put a new file under version control in a repository, as it is done in a project."""
    path, message = f"{WORDS[number % len(WORDS)]}-{number}.txt", f"keep it {number}"
    ran(folder, "git init -q . && git config user.name t && git config user.email t@example.org")
    (folder / path).write_text(path)
    commands = [
        "git ls-files -o --exclude-standard",
        f"git add {path}",
        f"git commit -q -m '{message}'",
    ]
    commands.append("git log -1 --format=%s")
    heard = [ran(folder, command) for command in commands]
    said = f"commit {path} with the message {message}"
    return session(f"commit-{number}", said, list(zip(commands, heard, strict=True)))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
def test_script_commits_in_a_real_repository_when_it_is_run_as_the_skill_says(
    opened: Context, tmp_path: Path
) -> None:
    made = []
    for number in range(30):
        folder = tmp_path / f"repo-{number}"
        folder.mkdir()
        made.append(committed(folder, number))
    (opened.cwd / "runs.jsonl").write_text("".join(json.dumps(each) + "\n" for each in made))
    import_(opened, TraceImport(paths=["runs.jsonl"]))
    proved = proven(opened)
    promote(opened, RoutinePromote(routine=proved.routine))
    serve(opened, SkillServe())
    skill = tmp_path / ".claude" / "skills" / proved.artifact
    text = (skill / "SKILL.md").read_text()
    assert "It runs\nwith your rights" in text
    dry, line = text.split("```sh\n")[1].split("\n```")[0].splitlines()
    assert f"python3 .claude/skills/{proved.artifact}/scripts/main.py" in line
    project = tmp_path / "project"
    project.mkdir()
    shutil.move(tmp_path / ".claude", project)
    setting = "git init -q . && git config user.name t && git config user.email t@example.org"
    ran(project, setting)
    (project / ".git" / "info" / "exclude").write_text(".claude\n")
    path, message = "new.txt", shlex.split(line)[2]
    (project / path).write_text("new")
    assert "would run: git commit" in ran(project, dry)
    assert ran(project, "git status --short") == "?? new.txt\n"
    assert ran(project, line) == f"{path}\n{message}\n"
    assert ran(project, "git show --format=%s --name-only").split("\n\n") == [message, f"{path}\n"]


def test_script_is_not_called_where_the_sandbox_lacks_a_program(
    opened: Context, tmp_path: Path
) -> None:
    script = tmp_path / "look"
    script.mkdir()
    (script / "main.py").write_text(
        '"""Look."""\nimport argparse\n\nargparse.ArgumentParser().parse_args()\nprint("seen")\n'
    )
    manifest = {
        "kind": "script",
        "entry": "main.py",
        "runtime": "python",
        "capabilities": {"processes": True, "programs": ["sh", "no-such-program"]},
    }
    (script / "lignin.json").write_text(json.dumps(manifest))
    example = {"argv": [], "result": {"stdout": "seen\n", "exit_code": 0}}
    others = [{**example, "files": {"a": str(number)}} for number in range(3)]
    request = ArtifactCapture.model_validate(
        {"path": str(script), "name": "look", "examples": others}
    )
    captured = capture(opened, request)
    assert captured.state == "verified"
    with pytest.raises(UnavailableError, match="does not have no-such-program"):
        call(opened, ArtifactCall(name=f"look@{captured.digest}", input={"argv": []}))


WANTED = Routine(
    steps=(
        RoutineStep(tool="grep -rl {1} {2}", arguments={"1": Use("text"), "2": Constant("notes")}),
        RoutineStep(tool="cat {1}", arguments={"1": Reference(0, "")}),
    ),
    parameters=(Parameter(name="text", type="str"),),
)


def looked(word: str, **other: str) -> Trajectory:
    """A run that finds the note of a word and reads it; `other` commands take the place of the usual."""
    path = f"notes/{word}.txt"
    commands = [
        (other.get("grep", f"grep -rl {word} notes"), f"{path}\n"),
        (other.get("cat", f"cat {path}"), f"about {word}\n"),
    ]
    line = json.dumps(session(f"look-{word}", "look", commands)).encode()
    [(trajectory, _)] = parse("x", line).sessions
    return trajectory


def ended(context: Context, folder: Path, source: str, runs: list[Trajectory]) -> str:
    """How the capture of a script with the examples that some runs are ends."""
    script = replace(script_of(WANTED), source=source)
    examples = shell_examples(script, list(shell_uses(WANTED, runs)))
    about = about_script(WANTED, script, ()).to_file()
    handed = hand_over_script(folder, "look", script, examples, about)
    asked = {"path": str(handed.folder), "name": "look", "examples": handed.examples}
    return capture(context, ArtifactCapture.model_validate(asked)).state


@pytest.mark.parametrize(
    ("right", "wrong", "state"),
    [
        ("cat", "cat", "verified"),
        ('"notes"', '"other"', "rejected"),
        ('run("cat", path)', 'run("cat", path, "more")', "rejected"),
        ('run("cat", path)', 'print("about it")', "rejected"),
        ('run("cat", path)', 'print(f"about {args.pattern}")', "rejected"),
        ('run("cat", path)', 'run("cat", path)\n    run("rm", path)', "rejected"),
    ],
)
def test_script_that_asks_for_other_commands_than_the_runs_is_not_proven(
    opened: Context, tmp_path: Path, right: str, wrong: str, state: str
) -> None:
    source = script_of(WANTED).source
    assert right in source
    runs = [looked(word) for word in WORDS[:6]]
    assert ended(opened, tmp_path, source.replace(right, wrong), runs) == state


@pytest.mark.parametrize(
    "other",
    [
        {"grep": "grep -rl $(echo amber) notes"},
        {"cat": "cat notes/amb*.txt"},
        {"cat": "LANG=C cat notes/amber.txt"},
        {"grep": "cd /elsewhere && grep -rl amber notes"},
    ],
)
def test_use_that_the_shell_filled_in_or_ran_elsewhere_is_none(other: dict[str, str]) -> None:
    told = list(shell_uses(WANTED, [looked("amber")]))
    untold = list(shell_uses(WANTED, [looked("amber", **other)]))
    assert all(use.answers == () for use in untold)
    assert len(shell_examples(script_of(WANTED), [*told, *untold])) == 1


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
def test_uses_that_nothing_can_be_told_of_prove_nothing_and_are_counted(
    opened: Context, tmp_path: Path
) -> None:
    practised(opened, tmp_path, filled_in=" $NOTHING")
    [first, *_] = induce(opened, RoutineInduce()).items
    proved = prove(opened, RoutineProve(routine=first.routine))
    assert proved.verdict == "inconclusive"
    assert "0 uses in runs that were held out" in proved.reason
    assert "of which it cannot be told what was run" in proved.reason


def locked(number: int) -> dict[str, object]:
    """A run that hands a word of its task to a program that would run it."""
    word = WORDS[number % len(WORDS)]
    commands = [
        (f"grep -n {word} notes", f"{number}:{word}\n"),
        (f"flock /tmp/l -c {word}", f"ran {word}\n"),
        (f"git add {word}.txt", ""),
        (f"git commit -q -m 'do {word}'", ""),
    ]
    return session(f"lock-{number}", f"do {word}", commands)


def test_routine_in_which_a_value_would_be_run_is_refused_by_name_and_never_promoted(
    opened: Context,
) -> None:
    lines = [json.dumps(locked(number)) + "\n" for number in range(24)]
    (opened.cwd / "runs.jsonl").write_text("".join(lines))
    import_(opened, TraceImport(paths=["runs.jsonl"]))
    found = induce(opened, RoutineInduce()).items
    [first] = [each for each in found if "flock" in each.name]
    proved = prove(opened, RoutineProve(routine=first.routine))
    assert (proved.verdict, proved.exit_code()) == ("fail", 6)
    assert proved.reason == "unsafe: nobody has said that `flock` takes data there"
    with pytest.raises(GateFailedError, match="is not proven"):
        promote(opened, RoutinePromote(routine=first.routine))
    with opened.view() as view:
        row = view.row(f"routine/{first.routine}")
    assert row is not None
    proof = {**row.body["proof"], "verdict": "pass", "artifact": "run-it", "version": "x"}
    event = NewEvent(
        stream=row.stream, type="routine.proven", payload=proof, event_id=opened.ids.new("evt")
    )
    opened.decide_and_commit(lambda view: (None, [opened.scope.change(events=(event,))]))
    with pytest.raises(GateFailedError, match="unsafe: nobody has said that `flock`"):
        promote(opened, RoutinePromote(routine=first.routine))  # as an older Lignin has proven it


def test_value_that_the_script_refuses_is_no_example() -> None:
    [use] = shell_uses(WANTED, [looked("amber")])
    refused = replace(use, values={"text": ("-rf",)})
    assert len(shell_examples(script_of(WANTED), [use, refused, use])) == 1


def test_routine_of_commands_and_tools_is_neither() -> None:
    mixed = (*WANTED.steps, RoutineStep(tool="get_order", arguments={"order_id": Use("text")}))
    with pytest.raises(InvalidRequestError, match="both shell commands and calls of tools"):
        runs_shell(replace(WANTED, steps=mixed))
    assert runs_shell(WANTED)
    assert not runs_shell(replace(WANTED, steps=mixed[2:]))

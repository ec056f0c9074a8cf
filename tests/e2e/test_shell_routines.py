"""Shell routines: induced of recorded sessions, written as scripts, proven, promoted, served, called.

The sessions are made here: each command really ran in a folder of its own, and what it said is the
observation. Where the sandbox has the programs, the promoted script runs them too.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from lignin.app import load_settings, open_context
from lignin.domain.errors import UnavailableError
from lignin.operations.artifact import call, capture
from lignin.operations.artifact_models import ArtifactCall, ArtifactCapture
from lignin.operations.context import Context
from lignin.operations.routine import RoutineInduce, induce
from lignin.operations.routine_prove import Proved, RoutinePromote, RoutineProve, promote, prove
from lignin.operations.skill import serve
from lignin.operations.skill_models import SkillServe
from lignin.operations.trace import TraceImport, import_

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


def kept_note(folder: Path, number: int) -> dict[str, object]:
    """Find the note of a word, and put it into a new repository."""
    word, box = WORDS[number % len(WORDS)], f"box-{number}"
    for path, text in notes(word).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    found = ran(folder, f"grep -rl {word} notes")
    commands = [
        f"grep -rl {word} notes",
        f"git init -q {box}",
        f"cp {found.strip()} {box}",
        f"cd {box} && git add -A && git status --short",
    ]
    heard = [found, *(ran(folder, command) for command in commands[1:])]
    said = f"keep the note on {word} in {box}"
    return session(f"run-{number}", said, list(zip(commands, heard, strict=True)))


def practised(context: Context, tmp_path: Path, runs: int = 30) -> None:
    made = []
    for number in range(runs):
        folder = tmp_path / f"work-{number}"
        folder.mkdir()
        made.append(kept_note(folder, number))
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
    assert f"lignin artifact call {proved.artifact}@" in text
    evals = json.loads((skill / "evals/evals.json").read_text())
    assert evals["evals"]
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

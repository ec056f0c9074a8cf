"""Every kind of system under test, and the fake, by one suite; in the sandbox by its fake and for real."""

import itertools
import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.adapters.systems.content import MAX_BYTES, read_content
from lignin.adapters.systems.opening import open_system
from lignin.adapters.systems.surroundings import folder_of
from lignin.domain.artifacts import File
from lignin.domain.codec import Json
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LimitedError,
    NotFoundError,
)
from lignin.ports.engine import RunStopped
from lignin.ports.environment import Environment
from lignin.ports.sandbox import Sandbox
from lignin.ports.system import MAX_SAID_BYTES, System, SystemAsked, SystemRun
from lignin.ports.tools import Tools
from lignin.practice.desk import PracticeDesk
from lignin.testing.conformance.system import Make, NoTools, SystemConformance
from lignin.testing.fakes.sandbox import ProcessSandbox
from lignin.testing.fakes.system import ScriptedSystem

_NUMBERS = itertools.count()
_SCRIPTS = {
    "echo": "task = json.load(sys.stdin)\n"
    "print(json.dumps({'say': task['say'], 'seed': task['seed']}))",
    "crash": "print('half'); sys.exit('no idea')",
    "silent": "sys.stdin.read()",
    "count": "print(len(os.listdir('.')))\nopen('left', 'w').close()",
    "endless": "while True: pass",
    "loud": f"sys.stdout.write('x' * {MAX_SAID_BYTES + 1000})",
}
_FUNCTIONS = {
    "echo": "return {'say': task['say'], 'seed': seed}",
    "crash": "raise KeyError('no idea')",
    "silent": "return None",
    "loud": f"return 'x' * {MAX_SAID_BYTES + 1000}",
}


def scripted(folder: Path, behaviour: str, content: str) -> str:
    """A script that behaves as named, as a command line."""
    (folder / "agent").mkdir(exist_ok=True)
    text = f"import json, os, sys\n# {content}\n{_SCRIPTS[behaviour]}\n"
    (folder / "agent" / "main.py").write_text(text)
    return "python agent/main.py"


class TestSandboxedCommand(SystemConformance):
    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        made = ProcessSandbox()
        yield made
        made.close()

    def test_task_is_a_file_too(self, tmp_path: Path, sandbox: Sandbox) -> None:
        (tmp_path / "reads.py").write_text("import sys\nprint(open(sys.argv[1]).read())\n")
        asked = SystemAsked(spec="python reads.py task.json", folder=tmp_path, limit_s=20)
        run = open_system(asked, lambda: sandbox).run({"say": "x"}, 3, NoTools())
        assert json.loads(run.said) == {"say": "x", "seed": 3}

    def test_a_tree_in_place_is_the_folder_that_it_works_in(
        self, tmp_path: Path, sandbox: Sandbox
    ) -> None:
        asked = in_place(tmp_path, unsandboxed=False)
        system = open_system(asked, lambda: sandbox)
        assert system.run({}, 0, NoTools()).said.strip() == b"hello"
        elsewhere = open_system(replace(asked, in_place=False), lambda: sandbox)
        assert elsewhere.digest != system.digest

    @pytest.fixture
    def make(self, tmp_path: Path, sandbox: Sandbox) -> Make:
        def made(behaviour: str, content: str = "") -> System:
            command = scripted(tmp_path, behaviour, content)
            asked = SystemAsked(spec=command, folder=tmp_path, limit_s=1.5)
            return open_system(asked, lambda: sandbox)

        return made


class TestRealSandbox(TestSandboxedCommand):
    @pytest.fixture
    def sandbox(self, real_sandbox: Sandbox) -> Sandbox:
        return real_sandbox

    def test_a_system_reaches_its_task_s_tools_and_nothing_else(
        self, tmp_path: Path, sandbox: Sandbox
    ) -> None:
        (tmp_path / "agent.py").write_text(
            "import json, os, sys, urllib.request\n"
            "import lignin_guest\n"
            "task = json.load(sys.stdin)\n"
            "told = {'found': lignin_guest.call('read_policy', {}) is not None}\n"
            "try:\n"
            "    lignin_guest.call('absent', {})\n"
            "except lignin_guest.ToolError as error:\n"
            "    told['absent'] = error.name\n"
            "try:\n"
            "    urllib.request.urlopen('http://example.org', timeout=2)\n"
            "    told['net'] = True\n"
            "except Exception:\n"
            "    told['net'] = False\n"
            "told['home'] = os.path.exists(task['secret'])\n"
            "print(json.dumps(told))\n"
        )
        secret = tmp_path / "secret"
        secret.write_text("held-out answers")
        asked = SystemAsked(spec="python agent.py", folder=tmp_path, limit_s=20)
        run = open_system(asked, lambda: sandbox).run({"secret": str(secret)}, 0, DeskTools())
        assert run.ended == "done", run.why
        told = json.loads(run.said)
        assert told == {"found": True, "absent": "unknown_tool", "net": False, "home": False}


class DeskTools:
    """The practice desk as a task's tools."""

    def __init__(self) -> None:
        self._desk: Environment = PracticeDesk(1)
        self.tools = self._desk.tools
        self.call = self._desk.call


class TestPlainCommand(SystemConformance):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        def made(behaviour: str, content: str = "") -> System:
            command = scripted(tmp_path, behaviour, content)
            asked = SystemAsked(
                spec=command.replace("python", sys.executable, 1),
                folder=tmp_path,
                unsandboxed=True,
                limit_s=1.5,
            )
            return open_system(asked, no_sandbox)

        return made

    def test_the_user_s_own_files_are_not_touched(self, tmp_path: Path, make: Make) -> None:
        before = sorted(tmp_path.rglob("*"))
        system = make("count")
        before = sorted({*before, *tmp_path.rglob("*")})
        system.run({}, 0, NoTools())
        assert sorted(tmp_path.rglob("*")) == before

    def test_a_tree_in_place_is_the_folder_that_it_works_in(self, tmp_path: Path) -> None:
        asked = in_place(tmp_path, unsandboxed=True)
        assert open_system(asked, no_sandbox).run({}, 0, NoTools()).said.strip() == b"hello"

    def test_a_program_that_is_not_there_is_a_crash(self, tmp_path: Path) -> None:
        asked = SystemAsked(spec="no-such-program", folder=tmp_path, unsandboxed=True)
        assert open_system(asked, no_sandbox).run({}, 0, NoTools()).ended == "crashed"

    def test_what_it_was_is_run_whatever_becomes_of_the_files(
        self, tmp_path: Path, make: Make
    ) -> None:
        """What is run is what the digest says."""
        system = make("echo")
        scripted(tmp_path, "crash", "")
        assert system.run({"say": "x"}, 0, NoTools()).ended == "done"


class TestPlacedCommand(SystemConformance):
    can = frozenset({"echo", "crash", "silent", "endless", "loud"})  # its folder is the user's own

    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        def made(behaviour: str, content: str = "") -> System:
            command = scripted(tmp_path, behaviour, content)
            asked = SystemAsked(
                spec=command.replace("python", sys.executable, 1),
                folder=tmp_path,
                place=tmp_path,
                unsandboxed=True,
                limit_s=1.5,
            )
            return open_system(asked, no_sandbox)

        return made

    def test_what_it_changes_in_its_folder_stays(self, tmp_path: Path, make: Make) -> None:
        make("count").run({}, 0, NoTools())
        assert sorted(path.name for path in tmp_path.iterdir()) == ["agent", "left"]

    def test_a_place_alone_takes_nothing_out_of_the_sandbox(self, tmp_path: Path) -> None:
        asked = SystemAsked(spec="true", folder=tmp_path, place=tmp_path)
        sandbox = ProcessSandbox()
        try:
            assert open_system(asked, lambda: sandbox).run({}, 0, NoTools()).ended == "done"
        finally:
            sandbox.close()


class TestFunction(SystemConformance):
    can = frozenset({"echo", "crash", "silent", "loud"})  # it is ended by nobody

    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        made: dict[tuple[str, str], str] = {}

        def make_one(behaviour: str, content: str = "") -> System:
            if (behaviour, content) not in made:
                name = f"function_{next(_NUMBERS)}"
                text = (
                    f"def run(task, seed, tools):\n    # {content}\n    {_FUNCTIONS[behaviour]}\n"
                )
                (tmp_path / f"{name}.py").write_text(text)
                made[behaviour, content] = name
            spec = f"python:{made[behaviour, content]}:run"
            asked = SystemAsked(spec=spec, folder=tmp_path, unsandboxed=True)
            return open_system(asked, no_sandbox)

        return make_one

    def test_a_changed_file_is_read_anew(self, tmp_path: Path) -> None:
        digests = set()
        for answer in ("1", "2"):
            (tmp_path / "changing.py").write_text(f"def run(*given):\n    return '{answer}'\n")
            asked = SystemAsked(spec="python:changing:run", folder=tmp_path, unsandboxed=True)
            system = open_system(asked, no_sandbox)
            assert system.run({}, 0, NoTools()).said == answer.encode()
            digests.add(system.digest)
        assert len(digests) == 2

    def test_outage_that_it_tells_of_itself_is_its_own_failure(self, tmp_path: Path) -> None:
        (tmp_path / "cut_off.py").write_text("def run(*given):\n    raise ConnectionError('x')\n")
        asked = SystemAsked(spec="python:cut_off:run", folder=tmp_path, unsandboxed=True)
        assert open_system(asked, no_sandbox).run({}, 0, NoTools()).ended == "crashed"

    def test_function_that_ends_the_process_ends_its_trial(self, tmp_path: Path) -> None:
        (tmp_path / "leaves.py").write_text("def run(*given):\n    raise SystemExit(75)\n")
        asked = SystemAsked(spec="python:leaves:run", folder=tmp_path, unsandboxed=True)
        assert open_system(asked, no_sandbox).run({}, 0, NoTools()).ended == "crashed"


class TestScripted(SystemConformance):
    can = frozenset({"echo", "crash", "silent"})

    @pytest.fixture
    def make(self) -> Make:
        def answer(behaviour: str, task: Mapping[str, Json], seed: int) -> SystemRun:
            if behaviour == "crash":
                return SystemRun(ended="crashed", why="no idea")
            told = {"say": task.get("say"), "seed": seed}
            said = b"" if behaviour == "silent" else json.dumps(told).encode()
            return SystemRun(ended="done", said=said)

        def made(behaviour: str, content: str = "") -> System:
            def run(task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
                return answer(behaviour, task, seed)

            return ScriptedSystem(run, f"{behaviour} {content}")

        return made


def in_place(folder: Path, *, unsandboxed: bool) -> SystemAsked:
    """A repository's command, which reads beside itself."""
    files = {
        "agent.py": File(content=b"print(open('prompts/a.md').read())"),
        "prompts/a.md": File(content=b"hello"),
    }
    python = sys.executable if unsandboxed else "python"
    return SystemAsked(
        spec="repo:x",
        folder=folder,
        command=(python, "agent.py"),
        files=files,
        unsandboxed=unsandboxed,
        in_place=True,
        limit_s=20,
    )


def no_sandbox() -> Sandbox:
    raise AssertionError("a sandbox was opened")


@pytest.mark.parametrize("ends", ["sys.exit(0)", "sys.exit(75)", "raise GeneratorExit"])
def test_a_function_that_ends_the_process_ends_itself_alone(tmp_path: Path, ends: str) -> None:
    (tmp_path / "exiting.py").write_text(f"import sys\ndef run(task, seed, tools):\n    {ends}\n")
    asked = SystemAsked(spec="python:exiting:run", folder=tmp_path, unsandboxed=True)
    told = open_system(asked, lambda: ProcessSandbox()).run({}, 0, NoTools())
    assert (told.ended, told.cause, told.said) == ("crashed", "raised", b"")
    assert told.why.startswith(("SystemExit", "GeneratorExit"))


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RunStopped])
def test_the_users_and_the_engines_stop_go_through_a_function(
    tmp_path: Path, stop: type[BaseException]
) -> None:
    text = f"from {stop.__module__} import {stop.__name__}\ndef run(task, seed, tools):\n    raise {stop.__name__}\n"
    (tmp_path / "interrupted.py").write_text(text)
    asked = SystemAsked(spec="python:interrupted:run", folder=tmp_path, unsandboxed=True)
    system = open_system(asked, lambda: ProcessSandbox())
    with pytest.raises(stop):
        system.run({}, 0, NoTools())


@pytest.mark.parametrize("changed", ["lib/deep.py", "prompts/k.txt"])
@pytest.mark.parametrize("spec", ["python:beside:run", "sh {}/beside.sh"])
def test_what_lies_beside_a_program_of_the_users_is_told_in_its_digest(
    tmp_path: Path, spec: str, changed: str
) -> None:
    texts = {
        "beside.py": "from lib.deep import KNOWN\ndef run(task, seed, tools):\n    return str(KNOWN)\n",
        "beside.sh": "cat",
        "lib/deep.py": "KNOWN = 1\n",
        "prompts/k.txt": "1",
    }
    for path, text in texts.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    asked = SystemAsked(spec=spec.format(tmp_path), folder=tmp_path, unsandboxed=True)
    before = open_system(asked, no_sandbox)
    for path in ("calls.log", "suite.jsonl", ".cache/x.py", "__pycache__/y.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("written")
    assert open_system(asked, no_sandbox).digest == before.digest
    (tmp_path / changed).write_text("KNOWN = 22\n")
    after = open_system(asked, no_sandbox)
    assert after.digest != before.digest
    if changed.endswith(".py") and spec.startswith("python:"):
        assert after.run({}, 0, NoTools()).said == b"22"  # read anew, as its digest was


def test_an_interpreter_of_the_machine_brings_no_folder(tmp_path: Path) -> None:
    digests = {
        open_system(
            SystemAsked(spec=f"{sys.executable} -c 1", folder=folder, unsandboxed=True), no_sandbox
        ).digest
        for folder in (tmp_path, Path("/"))
    }
    assert len(digests) == 1
    assert folder_of(Path("/usr/bin/env")) is None
    assert folder_of(Path.home() / "agent.py") is None
    assert folder_of(tmp_path / "agent.py") == tmp_path.resolve()


def test_a_folder_of_too_much_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    (tmp_path / "agent.py").write_text("def run(*given): return '1'")
    asked = SystemAsked(spec="python:agent:run", folder=tmp_path, unsandboxed=True)
    with pytest.raises(LimitedError, match="what of it was tried"):
        open_system(asked, no_sandbox)


def test_a_module_that_exits_as_it_is_loaded_is_refused(tmp_path: Path) -> None:
    (tmp_path / "leaving.py").write_text("import sys\nsys.exit(0)\n")
    asked = SystemAsked(spec="python:leaving:run", folder=tmp_path, unsandboxed=True)
    with pytest.raises(InvalidRequestError, match=r"ends Lignin .*exit 0"):
        open_system(asked, lambda: ProcessSandbox())


def test_a_function_needs_leave_and_a_name_that_is_there(tmp_path: Path) -> None:
    asked = SystemAsked(spec="python:absent_module:run", folder=tmp_path)
    with pytest.raises(DeniedError):
        open_system(asked, no_sandbox)
    with pytest.raises(NotFoundError):
        open_system(SystemAsked(spec=asked.spec, folder=tmp_path, unsandboxed=True), no_sandbox)


@pytest.mark.parametrize("command", ["", "python 'agent.py"])
def test_what_is_no_command_line_is_refused(tmp_path: Path, command: str) -> None:
    with pytest.raises(InvalidRequestError):
        open_system(SystemAsked(spec=command, folder=tmp_path), no_sandbox)


def test_only_what_a_command_names_comes_along(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "main.py").write_text("1")
    (tmp_path / "agent" / "more.py").write_text("2")
    (tmp_path / "other.py").write_text("3")
    (tmp_path / "agent" / "link").symlink_to(tmp_path / "other.py")
    found = read_content("python agent/main.py --flag ../x /etc/passwd", tmp_path)
    assert sorted(found.files) == ["agent/main.py", "agent/more.py"]
    assert found.placed("/there")[1:] == ("/there/agent/main.py", "--flag", "../x", "/etc/passwd")


def test_a_database_in_use_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot/run.py").write_text("")
    for name, mode in (("used.db", "wal"), ("kept.db", "delete")):
        connection = sqlite3.connect(tmp_path / "bot" / name)
        connection.execute(f"pragma journal_mode={mode}")
        connection.execute("create table a (b)")
    assert (tmp_path / "bot/used.db-wal").exists()
    found = read_content("python bot/run.py", tmp_path)
    assert set(found.files) == {"bot/run.py", "bot/kept.db"}


def test_what_a_program_imports_from_beside_it_comes_along(tmp_path: Path) -> None:
    for path, source in {
        "agent.py": "import json, wording\nfrom tools.find import find\nprint(find())\n",
        "wording.py": "from shared import texts\n",
        "tools/find.py": "import os.path, counting.more\ndef find():\n    return 1\n",
        "shared/texts.py": "broken (",
        "counting/more.py": "",
        "counting/table.csv": "1,2",
        "unasked/other.py": "",
        "json/notes.txt": "no module",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(source)
    found = read_content("python3 agent.py", tmp_path)
    assert sorted(found.files) == [
        "agent.py",
        "counting/more.py",
        "counting/table.csv",
        "shared/texts.py",
        "tools/find.py",
        "wording.py",
    ]
    before = found.digest
    (tmp_path / "counting/more.py").write_text("1")
    assert read_content("python3 agent.py", tmp_path).digest != before


def test_a_harness_revision_is_part_of_what_a_system_is(tmp_path: Path) -> None:
    scripted(tmp_path, "echo", "")
    bare, with_rule = (
        open_system(
            SystemAsked(
                spec="python agent/main.py", folder=tmp_path, harness=harness, unsandboxed=True
            ),
            no_sandbox,
        )
        for harness in ({}, {"rule/RULE.md": File(content=b"Be kind.")})
    )
    assert bare.digest != with_rule.digest


def test_a_folder_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    for name in ("a", "b"):
        (tmp_path / "agent" / name).write_text(name)
    with pytest.raises(LimitedError):
        read_content("sh agent/a", tmp_path, most_files=1)

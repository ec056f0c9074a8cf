"""What works in a tree: as the user, behind walls with a network, in the sandbox; and how each ends."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.app import load_settings, open_context
from lignin.domain.errors import UnavailableError
from lignin.ports.worker import Worker, WorkerAsked

PROGRAM = """
import pathlib, sys, time
told = sys.stdin.read()
pathlib.Path("new.txt").write_text(told)
pathlib.Path("old.txt").unlink()
print("said", pathlib.Path("kept/run.sh").read_text().strip())
if "wait" in told:
    time.sleep(600)
sys.exit(3 if "fail" in told else 0)
"""


@pytest.fixture(params=["plain", "walled", "sandboxed"])
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "agent.py").write_text(PROGRAM)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LIGNIN_HOME": str(tmp_path)}
    asked = WorkerAsked(
        spec="python3 agents/agent.py"
        if request.param != "sandboxed"
        else "python agents/agent.py",
        folder=tmp_path,
        environment={**environment, "PATH": "/usr/bin:/bin"},
        unsandboxed=request.param == "plain",
        network=request.param == "walled",
    )
    with open_context(load_settings(environment, tmp_path)) as context:
        try:
            yield context.open_worker(asked)
        except UnavailableError as error:
            pytest.skip(str(error))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path.parent / f"{tmp_path.name}-root" / "tree"
    (tree / "kept").mkdir(parents=True)
    (tree / "old.txt").write_text("old")
    (tree / "kept" / "run.sh").write_text("kept")
    (tree / "kept" / "run.sh").chmod(0o755)
    for folder in (tree, *tree.parents):
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    return tree


def never() -> bool:
    return False


def run(worker: Worker, tree: Path, told: str, limit_s: float = 60) -> object:
    try:
        return worker.run(tree, told, limit_s, never)
    except UnavailableError as error:
        pytest.skip(str(error))


def test_what_it_does_in_its_tree_is_left_there(worker: Worker, tree: Path) -> None:
    ran = run(worker, tree, "the task")
    assert (ran.ended, ran.said) == ("done", "said kept"), ran  # type: ignore[attr-defined]
    assert (tree / "new.txt").read_text() == "the task"
    assert not (tree / "old.txt").exists()
    assert (tree / "kept" / "run.sh").stat().st_mode & 0o100
    assert {path.name for path in tree.iterdir()} == {"kept", "new.txt"}
    assert worker.walls in ("none", "network", "sandbox")


def test_one_that_fails_and_one_that_goes_on_too_long_are_told_apart(
    worker: Worker, tree: Path
) -> None:
    assert run(worker, tree, "fail").ended == "failed"  # type: ignore[attr-defined]
    (tree / "old.txt").write_text("old")
    late = run(worker, tree, "wait", limit_s=1)
    assert (late.ended, late.why) == ("late", "still running after 1 seconds")  # type: ignore[attr-defined]


def plain(folder: Path, *argv: str) -> Worker:
    environment = {"LIGNIN_HOME": str(folder), "PATH": os.environ["PATH"], "LIGNIN_X": "ours"}
    with open_context(load_settings(environment, folder)) as context:
        return context.open_worker(
            WorkerAsked(argv=argv, folder=folder, environment=environment, unsandboxed=True)
        )


def test_one_that_is_not_wanted_any_more_is_ended_with_all_it_began(tree: Path) -> None:
    began = tree / "began"
    script = "import os, subprocess, sys, time; subprocess.Popen(['sleep', '600']); "
    script += "open('began', 'w').write('x'); time.sleep(600)"
    stop = threading.Event()
    worker = plain(tree.parent, sys.executable, "-c", script)

    def end() -> bool:
        if began.exists():
            stop.set()
        return stop.is_set()

    assert worker.run(tree, "", 60, end).ended == "stopped"
    assert not tree.with_name("tree.pid").exists()


def test_what_a_dead_process_left_running_is_ended_and_a_stranger_with_its_number_is_not(
    tree: Path,
) -> None:
    worker = plain(tree.parent, "sh", "-c", "sleep 600")
    child = os.fork()
    if child == 0:
        worker.run(tree, "", 600, never)
        os._exit(0)
    mark = tree.with_name("tree.pid")
    end = time.monotonic() + 60
    while not (mark.exists() and mark.read_text().partition(" ")[2]):
        assert time.monotonic() < end
        time.sleep(0.01)
    pid = int(mark.read_text().partition(" ")[0])
    os.kill(child, 9), os.waitpid(child, 0)
    told = mark.read_text()
    mark.write_text(f"{pid} another")
    worker.end_left(tree)
    os.kill(pid, 0)
    mark.write_text(told)
    worker.end_left(tree)
    assert not mark.exists()
    while Path(f"/proc/{pid}").exists():
        if (
            Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            == "Z"
        ):
            break
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_program_that_is_not_there_fails_and_is_given_none_of_our_variables(tree: Path) -> None:
    assert plain(tree.parent, "no-such-program").run(tree, "", 9, never).ended == "failed"
    assert "LIGNIN_" not in plain(tree.parent, "env").run(tree, "", 9, never).said

"""kill -9 of a fleet's supervisor at every command of git and around commits: it goes on, and nothing twice.

Afterwards the same command ends the fleet with the same files on its branch; what was answered is not run
again, and of each attempt an agent runs at most once more.
"""

import os
import shutil
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.fleets.crew import Crew, git
from lignin.domain.events import Change
from lignin.operations.fleet import list_
from lignin.operations.fleet_models import FleetList
from lignin.ports.ledger import Ledger

SHIM = """#!/bin/sh
exec 9>>"$OWN_COUNT.lock"
flock 9
count=$(($(cat "$OWN_COUNT") + 1))
echo $count >"$OWN_COUNT"
exec 9>&-
[ "$count$OWN_WHEN" = "${OWN_AT}before" ] && kill -9 $OWN_PID && exit 1
"$OWN_GIT" "$@"
code=$?
[ "$count$OWN_WHEN" = "${OWN_AT}after" ] && kill -9 $OWN_PID
exit $code
"""
PIECES = {
    "a": {"does": "write('a.py', 'def first(): ...\\n')"},
    "b": {"needs": ["a"]},
    "c": {"needs": ["a"], "checks": ["python3 -c 'import a'"]},
    "d": {"needs": ["b", "c"], "checks": ["python3 -c 'import a, b, c'"]},
}


@pytest.fixture
def crew(tmp_path: Path) -> Crew:
    made = Crew(folder=tmp_path / "whole")
    made.prepare({"lib.py": "RATE = 2\n"})
    made.plan(PIECES)
    shim = made.folder / "bin" / "git"
    shim.parent.mkdir()
    shim.write_text(SHIM)
    shim.chmod(0o755)
    made.variables = {
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "OWN_GIT": str(shutil.which("git")),
        "OWN_COUNT": str(made.folder / "count"),
    }
    (made.folder / "count").write_text("0")
    return made


def dies(crew: Crew, at: int, when: str, plan: str) -> bool:
    """Run the fleet in a process that a command of git kills; True where it was killed."""
    (crew.folder / "count").write_text("0")
    child = os.fork()
    if child == 0:
        try:
            crew.variables |= {"OWN_PID": str(os.getpid()), "OWN_AT": str(at), "OWN_WHEN": when}
            crew.run(plan)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def fleet_of(crew: Crew) -> str:
    with crew.opened() as context:
        items = list_(context, FleetList()).items
    return items[0].fleet if items else "plan.json"


def require_whole(crew: Crew, fleet: str) -> None:
    """Demand that a fleet ends, with everything on one branch and each piece merged once."""
    shown = crew.run(fleet)
    assert shown.state == "finished", shown
    merged = [name for merge in shown.merges for name in merge.merged]
    assert sorted(merged) == ["a", "b", "c", "d"]
    names = git(crew.repo, "diff", "--name-only", "trunk", shown.branch).split()
    assert names == ["a.py", "b.py", "c.py", "d.py"]
    assert len(git(crew.repo, "rev-list", f"trunk..{shown.branch}").split()) == 4
    assert git(crew.repo, "fsck", "--strict") == ""
    assert git(crew.repo, "branch", "--format=%(refname:short)").split() == [
        shown.branch,
        "trunk",
    ]
    assert max(Counter(crew.runs()).values()) <= 2


@pytest.fixture(params=[pytest.param(83, id="sample"), pytest.param(1, marks=pytest.mark.slow)])
def step(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_supervisor_killed_at_any_command_of_git_is_gone_on_with(
    crew: Crew, step: int, when: str
) -> None:
    kept = crew.folder.with_name("kept")
    shutil.copytree(crew.folder, kept)
    at, died = step, True
    count = 0
    while died:
        shutil.rmtree(crew.folder)
        shutil.copytree(kept, crew.folder)
        died = dies(crew, at, when, "plan.json")
        fleet = fleet_of(crew)
        require_whole(crew, fleet)
        at, count = at + step, count + 1
    assert count > 1


def test_a_supervisor_killed_before_or_after_each_commit_is_gone_on_with(
    crew: Crew, step: int
) -> None:
    """Each commit of the ledger, either side; some in the sample."""
    kept = crew.folder.with_name("kept")
    shutil.copytree(crew.folder, kept)
    number, died = 0, True
    while died:
        shutil.rmtree(crew.folder)
        shutil.copytree(kept, crew.folder)
        died = dies_at_commit(crew, number)
        require_whole(crew, fleet_of(crew))
        number += 19 if step > 1 else 1
    assert number > 19


class DyingLedger:
    """A ledger whose process dies before (even) or after (odd) the commit number `at` // 2."""

    def __init__(self, ledger: Ledger, at: int) -> None:
        self._ledger, self._at, self._seen = ledger, at, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def commit(self, *changes: Change) -> object:
        if self._seen == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        receipts = self._ledger.commit(*changes)
        if self._seen + 1 == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        self._seen += 2
        return receipts


def dies_at_commit(crew: Crew, number: int) -> bool:
    child = os.fork()
    if child == 0:
        try:
            with crew.opened() as context:
                dying: Any = DyingLedger(context.ledger, number)
                crew.run_in(replace(context, ledger=dying))
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_an_agent_that_outlives_its_supervisor_is_ended_and_its_tree_removed(crew: Crew) -> None:
    began, pid = crew.folder / "began", crew.folder / "pid"
    does = (
        f"import os; first = not os.path.exists({str(began)!r}); write({str(pid)!r}, str(os.getpid()))\n"
        f"write({str(began)!r}, '')\n"
        "if first: time.sleep(600)\n"
        "write('a.py', '')"
    )
    crew.plan({**PIECES, "a": {"does": does}})
    child = os.fork()
    if child == 0:
        try:
            crew.run()
        finally:
            os._exit(0)
    wait_for(began)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    orphan = int(pid.read_text())
    os.kill(orphan, 0)
    require_whole(crew, fleet_of(crew))
    with pytest.raises(ProcessLookupError):
        while True:  # killed; its new parent may take a moment to look
            os.kill(orphan, 0)
            if (
                "Z"
                in Path(f"/proc/{orphan}/stat")
                .read_text(errors="replace")
                .rpartition(")")[2]
                .split()[0]
            ):
                raise ProcessLookupError
    assert Counter(crew.runs())["a"] == 2


def wait_for(path: Path) -> None:
    """Return when a file is there; a minute is a failure."""
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.02)

"""Workers that are killed, stopped or lose their engine in mid-work: nothing is lost, nothing filed twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from faults.command import SOURCE
from lignin.app import load_settings, open_context
from lignin.operations.registry import load_operations

pytest.importorskip("dbos")
OPERATIONS = load_operations()
AGENT = """
import os, time

def run(task, seed, tools):
    with open(os.environ["PAID"], "a") as file:
        print("begun", task["case"], seed, os.getpid(), file=file)
    time.sleep(float(os.environ["TAKES"]))
    with open(os.environ["PAID"], "a") as file:
        print("done", task["case"], seed, os.getpid(), file=file)
    return {"resolved": True}
"""
LONG_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Yard:
    """A project with an agent that takes its time, and a store that workers share."""

    folder: Path
    store: str = ""
    takes_s: float = 0.3

    def prepare(self, cases: int) -> None:
        (self.folder / "agent.py").write_text(AGENT)
        lines = [json.dumps({"case": f"c{number}"}) for number in range(cases)]
        (self.folder / "suite.jsonl").write_text("\n".join(lines))
        assert self.ask("space.list").total == 1

    @property
    def environment(self) -> dict[str, str]:
        more = {"LIGNIN_STORE": self.store} if self.store else {}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(SOURCE),
            "LIGNIN_HOME": str(self.folder / "home"),
            "LIGNIN_ACTOR": "user:tester",
            "PAID": str(self.folder / "paid"),
            "TAKES": str(self.takes_s),
            **more,
        }

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "lignin", *arguments, "--quiet"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, name: str, /, **request: Any) -> Any:
        """What an operation answers, in this process."""
        operation = OPERATIONS[name]
        with open_context(load_settings(self.environment, self.folder)) as context:
            return operation.run(context, operation.request(**request))

    def call(self, *arguments: str) -> Any:
        """What a command of its own process answers."""
        begun = self.begin(*arguments)
        out, err = begun.communicate(timeout=LONG_S)
        assert begun.returncode == 0, (arguments, out, err)
        return json.loads(out)

    def lines(self, what: str) -> list[list[str]]:
        """What the agent wrote: case, seed and process of each run that begun or is done."""
        path = self.folder / "paid"
        told = path.read_text().splitlines() if path.exists() else []
        return [line.split()[1:] for line in told if line.startswith(what)]

    def wait_begun(self, count: int) -> list[list[str]]:
        """Wait until so many runs of the agent have begun."""
        deadline = time.monotonic() + LONG_S
        while len(begun := self.lines("begun")) < count:
            assert time.monotonic() < deadline, begun
            time.sleep(0.02)
        return begun

    def wait_in_flight(self, pids: set[int], count: int) -> int:
        """Wait until one of some workers is in the middle of a trial; which, or 0 where all are done."""
        deadline = time.monotonic() + LONG_S
        while True:
            done = self.lines("done")
            if len({(case, seed) for case, seed, _ in done}) == count:
                return 0
            for told in self.lines("begun"):
                if told not in done and int(told[-1]) in pids:
                    return int(told[-1])
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def wait_alive(self, pids: set[int]) -> None:
        """Wait until some workers live: without one, who asks works by itself."""
        deadline = time.monotonic() + LONG_S
        while not pids <= {each.pid for each in self.ask("worker.list").items}:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    @contextmanager
    def workers(self, count: int) -> Iterator[Sequence["subprocess.Popen[str]"]]:
        """So many workers that live."""
        begun = [self.begin("worker", "--parallel", "1") for _ in range(count)]
        try:
            self.wait_alive({each.pid for each in begun})
            yield begun
        finally:
            for each in begun:
                each.kill()
                each.communicate()

    def trials(self, trials: int) -> tuple[str, ...]:
        system = ("--system", "python:agent:run", "--unsandboxed", "--suite", "suite.jsonl")
        return ("eval", "run", *system, "--trials", str(trials), "--workers")

    def require_each_once(self, cases: int, trials: int, killed: int) -> None:
        """Every trial is filed once; only those that were in flight at a kill were begun again."""
        (system,) = self.ask("eval.list").items
        rows = self.ask("eval.rows", system=system.system).items
        filed = Counter((row["case"], row["trial"]) for row in rows)
        assert len(filed) == cases * trials
        assert set(filed.values()) == {1}
        assert len(self.lines("begun")) <= cases * trials + killed
        jobs = self.ask("job.list", limit=1000).items
        assert {job.state for job in jobs} == {"succeeded"}
        assert self.ask("store.verify").exit_code() == 0


SIZES = [
    pytest.param((3, 2, 1), id="sample"),
    pytest.param((10, 6, 8), marks=pytest.mark.slow, id="whole"),
]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def yard(request: pytest.FixtureRequest, tmp_path: Path) -> Yard:
    store = "" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres_url")
    return Yard(folder=tmp_path, store=store)


@pytest.mark.parametrize("size", SIZES)
def test_no_trial_is_lost_or_filed_twice_where_workers_are_killed(
    yard: Yard, size: tuple[int, int, int]
) -> None:
    cases, trials, kills = size
    killed = 0
    yard.prepare(cases)
    with yard.workers(2) as workers:
        asking = yard.begin(*yard.trials(trials))
        extra: list[subprocess.Popen[str]] = []
        try:
            alive = list(workers)
            for kill in range(kills):
                yard.wait_begun(2 + 3 * kill)
                pids = {each.pid for each in alive}
                if not (victim := yard.wait_in_flight(pids, cases * trials)):
                    break  # replacements were slower to come than the work was done
                killed += 1
                os.kill(victim, signal.SIGKILL)  # in mid-trial
                alive = [each for each in alive if each.pid != victim]
                if kill + 1 < kills:
                    extra.append(yard.begin("worker", "--parallel", "1"))
                    alive.append(extra[-1])
                    yard.wait_alive({extra[-1].pid})
            out, err = asking.communicate(timeout=LONG_S)
        finally:
            for each in extra:
                each.kill()
                each.communicate()
            asking.kill()
            asking.communicate()
    assert asking.returncode == 0, err
    done = json.loads(out)
    assert (done["trials"], done["mean"]) == (cases * trials, 1.0)
    assert killed
    yard.require_each_once(cases, trials, killed)


def test_a_lost_engine_database_loses_no_job(tmp_path: Path) -> None:
    yard = Yard(folder=tmp_path)
    yard.prepare(4)
    with yard.workers(1) as (worker,):
        asking = yard.begin(*yard.trials(1))
        yard.wait_begun(2)
        asking.kill()  # who asked is gone, and the work goes on
        asking.communicate()
        worker.kill()
        worker.communicate()
    before = len(yard.lines("begun"))
    for path in (tmp_path / "home").glob("engine.db*"):
        path.unlink()
    yard.call("worker", "--parallel", "1", "--until-idle")
    assert before >= 2
    yard.require_each_once(4, 1, killed=1)


def test_a_worker_that_is_stopped_ends_its_step_and_gives_the_rest_back(tmp_path: Path) -> None:
    yard = Yard(folder=tmp_path)
    yard.prepare(3)
    with yard.workers(1) as (worker,):
        asking = yard.begin(*yard.trials(1))
        yard.wait_begun(1)
        asking.kill()
        asking.communicate()
        worker.send_signal(signal.SIGTERM)
        out, err = worker.communicate(timeout=LONG_S)
    assert worker.returncode == 0, err
    assert json.loads(out)["worker"]
    assert len(yard.lines("begun")) == len(yard.lines("done"))
    (told,) = yard.ask("worker.list", every=True).items
    assert told.state == "stopped"
    yard.call("worker", "--until-idle")
    yard.require_each_once(3, 1, killed=0)


def test_where_no_worker_lives_who_asks_does_it(tmp_path: Path) -> None:
    yard = Yard(folder=tmp_path, takes_s=0)
    yard.prepare(2)
    assert yard.call(*yard.trials(1))["paid"] == 2
    assert yard.ask("job.list").total == 0


def test_who_follows_a_job_may_leave_at_any_time(tmp_path: Path) -> None:
    yard = Yard(folder=tmp_path)
    yard.prepare(1)
    listing = {"operation": "space.list"}
    job = yard.ask("job.start", kind="operation", input=listing).job
    following = yard.begin("job", "tail", job)
    assert following.stdout is not None
    assert json.loads(following.stdout.readline())["state"] == "open"
    following.stdout.close()  # the reader goes away
    yard.call("worker", "--until-idle")
    _, err = following.communicate(timeout=LONG_S)
    assert (following.returncode, err) == (0, "")

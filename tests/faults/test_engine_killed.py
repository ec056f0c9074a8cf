"""Runs survive their workers: real processes, killed or frozen at every place, on both backends."""

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from lignin.ports.engine import Start, Wanted
from postgres_server import find_programs, restartable_server

pytest.importorskip("dbos")
from faults.engine_worker import PATIENCE_S, QUEUE, Effects, make_body, wait_until, worker
from lignin.adapters.engine.database import Database, workers
from lignin.adapters.engine.engine import DurableEngine
from lignin.adapters.engine.leases import LEASE_S
from lignin.adapters.engine.worker import KEEP_S, LOOK_S

STEPS = 3
PLACES = [
    *(f"{where} {at}" for at in range(STEPS) for where in ("before", "in", "after")),
    "before the end",
    "at the end",
]
SAMPLE = ("in 0", "after 1", "before the end")
TAKEOVER_S = 10.0


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("fresh_postgres_url"))
    return f"sqlite:///{tmp_path / 'engine.db'}"


@pytest.fixture
def effects(tmp_path: Path) -> Effects:
    return Effects(tmp_path / "effects.db")


class Bench:
    """An engine that asks, and worker processes that it ends when the test does."""

    def __init__(self, url: str, effects: Effects) -> None:
        self.url, self.effects = url, effects
        self.database = Database(url)
        self.engine = DurableEngine(self.database, "asks")
        self.engine.declare(QUEUE)
        self._made: list[subprocess.Popen[bytes]] = []

    def worker(self) -> "subprocess.Popen[bytes]":
        process = worker(self.url, self.effects, f"w{len(self._made)}")
        self._made.append(process)
        return process

    def work_here(self) -> None:
        self.engine.launch({"it": make_body(self.effects)}, [QUEUE])

    def end_leases(self, but: str = "asks") -> None:
        """What time would do: the leases of the others run out now."""
        gone = sa.delete(workers).where(workers.c.worker_id != but)
        self.database.write(lambda on: on.execute(gone))

    def close(self) -> None:
        for process in self._made:
            process.kill()
            assert process.wait() is not None
            if process.stdout and process.stderr:
                process.stdout.close()
                process.stderr.close()
        self.engine.close(grace_s=5)


@pytest.fixture
def bench(url: str, effects: Effects) -> Iterator[Bench]:
    bench = Bench(url, effects)
    yield bench
    bench.close()


def kill_and_take_over(bench: Bench, place: str) -> None:
    bench.engine.start(Start(kind="it", input={"steps": STEPS, "die": place}, run_id="r1"))
    dying = bench.worker()
    assert dying.wait(PATIENCE_S) == -signal.SIGKILL
    assert dying.stderr is not None
    assert dying.stderr.read() == b""
    finished = {step.name for step in bench.engine.steps("r1") if step.kind == "step"}
    bench.end_leases()
    bench.work_here()
    status = bench.engine.wait("r1", PATIENCE_S)
    assert (status.state, status.output, status.attempts) == ("succeeded", 3, 2)
    assert bench.engine.events("r1") == {"total": 3}
    counted = bench.effects.counted()
    assert set(counted) == {("r1", f"s{at}") for at in range(STEPS)}
    for (_, step), times in counted.items():
        assert times <= (1 if step in finished else 2)
    assert sum(counted.values()) == STEPS + (place.startswith("after"))


@pytest.mark.parametrize("place", SAMPLE)
def test_a_finished_step_is_not_done_again_after_a_kill(bench: Bench, place: str) -> None:
    kill_and_take_over(bench, place)


@pytest.mark.slow
@pytest.mark.parametrize("place", [place for place in PLACES if place not in SAMPLE])
def test_a_finished_step_is_not_done_again_after_a_kill_anywhere(bench: Bench, place: str) -> None:
    kill_and_take_over(bench, place)


def test_a_frozen_worker_that_wakes_is_fenced_and_works_on(bench: Bench) -> None:
    bench.engine.start(Start(kind="it", input={"steps": STEPS, "hang": 1}, run_id="r1"))
    frozen = bench.worker()
    wait_until(lambda: bench.effects.counted()["r1", "s1"])
    frozen.send_signal(signal.SIGSTOP)
    bench.end_leases()
    bench.work_here()
    assert bench.engine.wait("r1", PATIENCE_S).output == 3
    told = bench.engine.steps("r1"), bench.engine.status("r1")
    bench.engine.listen([])
    frozen.send_signal(signal.SIGCONT)
    bench.effects.path.with_suffix(".go").touch()
    bench.engine.start(Start(kind="it", input={"steps": 1}, run_id="r2"))
    status = bench.engine.wait("r2", PATIENCE_S)
    assert (status.state, status.worker) == ("succeeded", "w0")
    assert (bench.engine.steps("r1"), bench.engine.status("r1")) == told
    counted = bench.effects.counted()
    assert [counted["r1", f"s{at}"] for at in range(STEPS)] == [1, 2, 1]


def test_a_dead_worker_is_noticed_in_time() -> None:
    """The lease, the turn in which its end is noticed and the look that takes the run."""
    assert LEASE_S + 2 * KEEP_S + LOOK_S < TAKEOVER_S


@pytest.mark.slow
def test_runs_of_a_killed_worker_go_on_within_ten_seconds(bench: Bench) -> None:
    bench.engine.start(Start(kind="it", input={"steps": STEPS, "die": "after 1"}, run_id="r1"))
    bench.worker().wait(PATIENCE_S)
    died_at = time.time()
    bench.work_here()
    status = bench.engine.wait("r1", PATIENCE_S)
    assert status.started_at is not None
    print(f"taken over {status.started_at.timestamp() - died_at:.1f} s after the kill")
    assert status.started_at.timestamp() - died_at < TAKEOVER_S


def storm(bench: Bench, *, runs: int, kills_s: float, every_s: tuple[float, float]) -> int:
    """Start runs while workers are killed by chance and replaced; how many were killed."""
    chance = random.Random(7)
    crew = [bench.worker() for _ in range(3)]
    for at in range(runs):
        given = {"steps": STEPS, "each_s": 0.02}
        bench.engine.start(Start(kind="it", input=given, run_id=f"r{at}"))
    killed, until = 0, time.monotonic() + kills_s
    while time.monotonic() < until:
        time.sleep(chance.uniform(*every_s))
        at = chance.randrange(3)
        crew[at].kill()
        crew[at].wait()
        crew[at] = bench.worker()
        killed += 1
    return killed


def assert_all_ended_once(bench: Bench, runs: int) -> int:
    """Every run has its output, every effect, and none twice that was recorded before a kill; how many
    effects came again."""
    left = frozenset({"queued", "running"})
    wait_until(lambda: not bench.engine.list(Wanted(states=left), limit=1))
    told = bench.engine.list(Wanted(), limit=runs + 1)
    assert len(told) == runs
    assert {each.state for each in told} == {"succeeded"}
    assert {bench.engine.status(f"r{at}").output for at in range(runs)} == {3}
    counted = bench.effects.counted()
    assert set(counted) == {(f"r{at}", f"s{step}") for at in range(runs) for step in range(STEPS)}
    attempts = {each.run_id: each.attempts for each in told}
    for at in range(runs):  # each time a run is taken over, at most one step is done once more
        again = sum(counted[f"r{at}", f"s{step}"] - 1 for step in range(STEPS))
        assert again <= attempts[f"r{at}"] - 1
    return sum(counted.values()) - runs * STEPS


def test_three_workers_lose_nothing_to_kills(fresh_postgres_url: str, effects: Effects) -> None:
    bench = Bench(fresh_postgres_url, effects)
    try:
        storm(bench, runs=60, kills_s=6, every_s=(1.5, 2.5))
        assert_all_ended_once(bench, 60)
    finally:
        bench.close()


@pytest.mark.slow
def test_three_workers_lose_nothing_in_five_minutes_of_kills(
    fresh_postgres_url: str, effects: Effects
) -> None:
    bench = Bench(fresh_postgres_url, effects)
    try:
        killed = storm(bench, runs=2_000, kills_s=300, every_s=(1, 8))
        again = assert_all_ended_once(bench, 2_000)
        print(f"{killed} kills, {again} steps done again of {2_000 * STEPS}")
    finally:
        bench.close()


def test_a_restart_of_the_database_strands_no_run(effects: Effects) -> None:
    programs = find_programs()
    if programs is None:
        pytest.skip("no Postgres server found: apt-get install postgresql")
    with restartable_server(programs) as (url, restart):
        bench = Bench(url, effects)
        try:
            bench.work_here()
            for at in range(40):
                given = {"steps": STEPS, "each_s": 0.02}
                bench.engine.start(Start(kind="it", input=given, run_id=f"r{at}"))
            for done in (4, 20):
                wait_until(lambda done=done: len(bench.effects.counted()) > done * STEPS)
                restart()
            with suppress(sa.exc.DBAPIError):
                bench.engine.list(Wanted(), limit=1)  # a connection of before
            assert_all_ended_once(bench, 40)
        finally:
            bench.close()

"""Workflows as jobs on the real engine and sandbox: signalled, shown, retried, and killed for good."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.test_workflow_deployments import opened
from lignin.operations.flowcall import QUEUE
from lignin.operations.working import Shift, working
from unit.operations.flows import FlowDesk

PATIENCE_S = 120.0
ASKS = '''"""Waits for leave."""

WORKFLOW = {"state": {"tries": {"form": {"type": "integer"}, "initial": 0}}}

def look(tries: int) -> int:
    if tries < 2:
        raise ValueError(f"only {tries} tries")
    return tries

def asks(ctx, item: str) -> dict:
    """Waits for leave, then looks."""
    leave = ctx.wait("leave", 60)
    tries = ctx.state("tries").get()
    return {"item": item, "leave": leave, "tries": ctx.step("look", look, tries)}
'''


def finished(flows: FlowDesk, job: str, worker: Any) -> Any:
    """The job once it has ended, as `job show` tells it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        worker.tend()
        shown = flows.desk("job.show", job=job)
        if shown.state != "open":
            return shown
        time.sleep(0.02)
    raise AssertionError(f"{job} did not end: {shown}")


def test_a_run_gets_its_signal_is_shown_by_its_own_names_and_retried_where_it_failed(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as flows:
        digest = flows.keep(ASKS.replace("tries < 2", "tries < 0"), "asks")
        failing = flows.keep(ASKS, "asks")
        with working(flows.desk.context, Shift(queues=(QUEUE,), parallel=4)) as worker:
            job = flows.start("asks", digest, item="a")
            worker.tend()
            flows.desk("job.signal", job=job, topic="leave", value="granted", signal_id="one")
            shown = finished(flows, job, worker)
            assert shown.output["value"] == {"item": "a", "leave": "granted", "tries": 0}
            names = [step.name for step in shown.steps if step.kind == "step"]
            assert names[0] == "begin 'begin'"
            assert "function 'look' (asks.py:look)" in names
            job = flows.start("asks", failing, item="b")
            worker.tend()
            flows.desk("job.signal", job=job, topic="leave", value="yes")
            shown = finished(flows, job, worker)
            assert (shown.state, shown.error["code"]) == ("failed", "workflow_failed")
            assert "only 0 tries" in shown.error["message"]
            flows.desk("job.retry", job=job)
            again = finished(flows, job, worker)
            assert (again.state, again.turn) == ("failed", 2)
            before = [step.name for step in shown.steps]
            assert [step.name for step in again.steps][: len(before)] == before


LONG = '''"""Takes its time."""

import time

WORKFLOW = {"step_s": 600}

def doze() -> int:
    time.sleep(500)
    return 1

def dozes(ctx) -> int:
    """Takes its time."""
    return ctx.step("doze", doze)
'''


def test_what_a_cancelled_run_does_in_the_sandbox_is_ended(tmp_path: Path) -> None:
    with opened(tmp_path) as flows:
        digest = flows.keep(LONG, "dozes")
        with working(flows.desk.context, Shift(queues=(QUEUE,), parallel=4)) as worker:
            job = flows.start("dozes", digest)
            engine = flows.desk.context.open_engine()
            until(lambda: worker.tend() or (is_thread(job) and engine.steps(job)))
            flows.desk("job.cancel", job=job)
            until(lambda: worker.tend() or not is_thread(job))


def test_a_signal_outlives_the_engine_s_database(tmp_path: Path) -> None:
    with opened(tmp_path) as flows:
        digest = flows.keep(ASKS.replace("tries < 2", "tries < 0"), "asks")
        with working(flows.desk.context, Shift(queues=(QUEUE,), parallel=4)) as worker:
            job = flows.start("asks", digest, item="a")
            until(lambda: worker.tend() or flows.desk("job.show", job=job).run == "running")
            for path in tmp_path.rglob("engine.db*"):  # under a worker that lives
                path.unlink()
            flows.desk("job.signal", job=job, topic="leave", value="granted")
            until(
                lambda: worker.feeder.reconcile() or flows.desk("job.show", job=job).state != "open"
            )
            shown = flows.desk("job.show", job=job)
            assert shown.output["value"] == {"item": "a", "leave": "granted", "tries": 0}


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_thread(job: str) -> bool:
    return any(thread.name == f"run-{job}" for thread in threading.enumerate())


CALLS = '''"""Calls another, again and again."""

WORKFLOW = {"artifacts": {"twice": "DIGEST"}, "max_steps": 100}

def calls(ctx, times: int) -> int:
    """Doubles a number so many times, one call a step."""
    number = 1
    for place in range(times):
        number = ctx.call("twice", {"number": number}, name=f"double {place}")
        ctx.sleep(0.2)
    return number
'''


@pytest.mark.slow
def test_a_workflow_outlives_workers_that_are_killed_and_repeats_no_finished_step(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as flows:
        context = flows.desk.context
        twice = flows.keep("def twice(number: int) -> int:\n    return 2 * number\n", "twice")
        digest = flows.keep(CALLS.replace("DIGEST", twice), "calls")
        job = flows.start("calls", digest, times=12)
        environment = {
            **os.environ, "LIGNIN_HOME": str(tmp_path / "home"), "LIGNIN_ACTOR": "user:tester",
        }  # fmt: skip
        command = [sys.executable, "-m", "lignin", "worker", "--queues", QUEUE, "--parallel", "2"]
        deadline, kills = time.monotonic() + PATIENCE_S, 0
        while flows.desk("job.show", job=job).state == "open" and time.monotonic() < deadline:
            worker = subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            before = len(flows.desk("job.show", job=job).steps)
            while time.monotonic() < deadline:
                shown = flows.desk("job.show", job=job)
                if shown.state != "open" or (kills < 3 and len(shown.steps) >= before + 4):
                    break
                time.sleep(0.02)
            kills += 1
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        shown = flows.desk("job.show", job=job)
        assert (shown.state, shown.output["value"], kills) == ("succeeded", 2**12, 4)
        with context.view() as view:
            uses = view.row(f"usage/{twice}")
        assert uses is not None
        assert uses.body["uses"] == 12

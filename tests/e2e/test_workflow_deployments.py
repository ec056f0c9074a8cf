"""Workflows on the real engine and sandbox: new versions are deployed while runs are in flight."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lignin.app import load_settings, open_context
from lignin.domain.codec import parse_json
from lignin.domain.jobs import Job
from lignin.jobs.service import load_job
from lignin.operations.flowcall import QUEUE, TOGETHER
from lignin.operations.working import Shift, working
from unit.operations.conftest import Desk
from unit.operations.flows import FlowDesk

PATIENCE_S = 300.0


def source(version: int) -> str:
    return f'''"""Tells its version."""

def tell(version: int) -> int:
    return version

def told(ctx) -> list:
    """Tells its version before and after a sleep."""
    first = ctx.step("first", tell, {version})
    ctx.sleep(0.5)
    return [first, ctx.step("second", tell, {version})]
'''


@contextmanager
def opened(folder: Path, store: str = "") -> Iterator[FlowDesk]:
    environment = {"LIGNIN_HOME": str(folder / "home"), "LIGNIN_ACTOR": "user:tester"}
    if store:
        environment["LIGNIN_STORE"] = store
    (folder / "work").mkdir(parents=True, exist_ok=True)
    with open_context(load_settings(environment, folder / "work")) as context:
        yield FlowDesk(desk=Desk(context))


def deployed(flows: FlowDesk, count: int) -> dict[str, tuple[str, int]]:
    """Deploy so many versions, each with a run that begins at once; all of them run to their end."""
    context, jobs = flows.desk.context, dict[str, tuple[str, int]]()
    shift = Shift(queues=(QUEUE,), parallel=TOGETHER)
    with working(context, shift) as worker:
        for version in range(count):
            digest = flows.keep(source(version), "told")
            jobs[flows.start("told", digest)] = (digest, version)
            worker.tend()
        deadline = time.monotonic() + PATIENCE_S
        while worker.feeder.has_work() and time.monotonic() < deadline:
            worker.tend()
            time.sleep(0.05)
    return jobs


def check(flows: FlowDesk, jobs: dict[str, tuple[str, int]]) -> None:
    context = flows.desk.context
    for name, (digest, version) in jobs.items():
        with context.view() as view:
            job: Job = load_job(view, name)
            assert job.state == "succeeded", (name, job.error)
            assert job.output is not None
            output = parse_json(view.blob(job.output))
        assert (output["digest"], output["value"]) == (digest, [version, version])


def test_each_run_ends_on_its_own_version_while_others_are_deployed(tmp_path: Path) -> None:
    with opened(tmp_path) as flows:
        check(flows, deployed(flows, 6))


def test_the_same_holds_on_postgres(tmp_path: Path, fresh_postgres_url: str) -> None:
    with opened(tmp_path, fresh_postgres_url) as flows:
        check(flows, deployed(flows, 4))


@pytest.mark.slow
def test_a_thousand_deployments_during_runs_in_flight(tmp_path: Path) -> None:
    with opened(tmp_path) as flows:
        jobs = deployed(flows, 1000)
        assert len(jobs) == 1000
        check(flows, jobs)

"""How long from the deployment of a workflow's new version until its first run has made a step on it.

A worker in a process of its own works the store; here a version is promoted (proven before, which takes
its own time) and its run asked for. The engine's record says when the version's first step was made. On
SQLite, and on Postgres where a server is found. Beside it the parts: the promotion alone, the end of the run
with its commit on the ledger, and the same version's next run.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from _tell import teller

from lignin.app import load_settings, open_context
from lignin.artifacts.store import load_tree
from lignin.jobs.service import load_job
from lignin.operations.context import Context
from lignin.operations.flowcall import QUEUE, start_workflow
from lignin.operations.jobkind import name_of_step
from lignin.operations.presence import alive
from postgres_server import find_programs, running_server
from unit.operations.conftest import Desk
from unit.operations.flows import FlowDesk

DEPLOYMENTS = int(os.environ.get("DEPLOYMENTS", "40"))
BAR_MS = 200.0
SOURCE = '''"""Tells its version."""

def tell(version: int) -> int:
    return version

def told(ctx) -> int:
    """Tells its version."""
    return ctx.step("tell", tell, {version})
'''


@contextmanager
def worker(environment: dict[str, str], context: Context) -> Iterator[None]:
    """A worker process, as long as a block lasts."""
    command = [sys.executable, "-m", "lignin", "worker", "--queues", QUEUE, "--parallel", "8"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while True:
            with context.view() as view:
                if alive(context, view):
                    break
            if process.poll() is not None:
                raise SystemExit(f"the worker ended with {process.returncode}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def run(flows: FlowDesk, digest: str) -> tuple[float, float]:
    """Milliseconds from asking for a run until its first own step was made, and until it has ended, right."""
    context = flows.desk.context
    began, began_at = time.perf_counter(), time.time()
    with context.view() as view:
        manifest = load_tree(view, digest).manifest
    name = start_workflow(context, flows.row("told", digest), manifest, {})
    while True:
        with context.view() as view:
            job = load_job(view, name)
        if job.state != "open":
            break
        time.sleep(
            0.02
        )  # the steps' own times are on record: looking oftener would cost the worker
    took = 1000 * (time.perf_counter() - began)
    assert job.state == "succeeded", job.error
    steps = context.open_engine().steps(job.run)
    first = next(step for step in steps if "'tell'" in name_of_step("workflow", step))
    assert first.ended_at is not None
    return 1000 * (first.ended_at.timestamp() - began_at), took


def measure(store: str, folder: Path, url: str) -> None:
    """Print the figures of one store."""
    environment = {**os.environ, "LIGNIN_HOME": str(folder / "home"), "LIGNIN_ACTOR": "user:bench"}
    environment |= {"LIGNIN_STORE": url} if url else {}
    (folder / "work").mkdir(parents=True)
    tell = teller("deploy")
    with open_context(load_settings(environment, folder / "work")) as context:
        flows = FlowDesk(desk=Desk(context))
        digests = [
            flows.keep(SOURCE.replace("{version}", str(n)), "told", promote=False)
            for n in range(DEPLOYMENTS)
        ]
        stepped, whole, moved, again = [], [], [], []
        context.open_engine()
        with worker(environment, context):
            for place, digest in enumerate(digests):
                began = time.perf_counter()
                flows.serve("told", digest)
                took = 1000 * (time.perf_counter() - began)
                first, ended = run(flows, digest)
                if place >= 3:  # the first ones open what later ones find open
                    moved.append(took)
                    stepped.append(took + first)
                    whole.append(took + ended)
                    again.append(run(flows, digest)[0])
    note = f"{store}, {len(whole)} deployments, a worker of its own process, sandbox and all; "
    note += f"{os.getloadavg()[0]:.1f} processes wanted {os.cpu_count()} processors meanwhile"
    median = statistics.median(stepped)
    tell("deploy to the first run's first step, median", median, "ms", bar=f"at most {BAR_MS:g} ms",
         met=median <= BAR_MS, note=note)  # fmt: skip
    p95 = sorted(stepped)[-max(1, len(stepped) // 20)]
    tell("deploy to the first run's first step, p95", p95, "ms", note=note)
    tell("deploy to the end of the first run, median", statistics.median(whole), "ms", note=store)
    tell("of that the move of the head, median", statistics.median(moved), "ms", note=store)
    tell(
        "the version's next run to its first step, median",
        statistics.median(again),
        "ms",
        note=store,
    )


def main() -> None:
    """Print the figures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        measure("SQLite", folder / "sqlite", "")
        if (programs := find_programs()) is not None:
            url = stack.enter_context(running_server(programs))
            measure("Postgres", folder / "postgres", url)


if __name__ == "__main__":
    main()

"""What durable runs cost: per step, per run and idle, on SQLite and Postgres, beside a bare journal.

The journal appends a line to a file and syncs it: the least that anything which survives a power failure
can do, measured in turns with what is compared to it.
"""

import json
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from _tell import teller

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from lignin.adapters.engine.database import Database
from lignin.adapters.engine.engine import DurableEngine
from lignin.ports.engine import Queue, Run, Start
from postgres_server import find_programs, running_server

QUICK = "--quick" in sys.argv
STEPS = 40 if QUICK else 200
ROUNDS = 2 if QUICK else 5
RUNS = 40 if QUICK else 300
DEPLOYS = 20 if QUICK else 100
IDLE_S = 2.0 if QUICK else 10.0
WAIT_S = 300.0

tell = teller("durable engine")


class Journal:
    """A file of lines, each synced."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "journal", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def append(self, count: int) -> float:
        """Seconds per line."""
        line = json.dumps({"a": 1, "v": {"step": 1}}).encode() + b"\n"
        begun = time.perf_counter()
        for _ in range(count):
            os.write(self._file, line)
            os.fsync(self._file)
        return (time.perf_counter() - begun) / count

    def close(self) -> None:
        os.close(self._file)


def steps_body(run: Run, count: int) -> float:
    """Seconds per step, as seen by the body."""
    begun = time.perf_counter()
    for at in range(count):
        run.step("s", lambda at=at: {"step": at})
    return (time.perf_counter() - begun) / count


def measure(backend: str, url: str, folder: Path) -> None:
    journal = Journal(folder)
    latencies: list[float] = []
    got = threading.Event()

    def deployed(_run: Run, given: float) -> None:
        latencies.append(time.perf_counter() - given)
        got.set()

    engine = DurableEngine(Database(url), f"bench-{backend}")
    bodies = {"steps": steps_body, "empty": lambda _run, given: given, "deployed": deployed}
    engine.launch(bodies, [Queue(name="default", worker_concurrency=16)])
    per_step, per_line = [], []
    for turn in range(ROUNDS):
        per_line.append(journal.append(STEPS))
        engine.start(Start(kind="steps", input=STEPS, run_id=f"s{turn}"))
        per_step.append(engine.wait(f"s{turn}", WAIT_S).output)
    line_s = statistics.median(per_line)
    tell(
        f"one step, {backend}",
        statistics.median(per_step) * 1e3,
        "ms",
        baseline=line_s * 1e3,
        note="baseline: a line appended to a file and synced, in turns; one run at a time",
    )
    begun = time.perf_counter()
    for at in range(RUNS):
        engine.start(Start(kind="empty", input=at, run_id=f"e{at}"))
    started = time.perf_counter() - begun
    for at in range(RUNS):
        engine.wait(f"e{at}", WAIT_S)
    whole = time.perf_counter() - begun
    tell(f"starting a run, {backend}", started / RUNS * 1e3, "ms", baseline=line_s * 1e3)
    tell(
        f"a run without steps, from start to end, {backend}",
        whole / RUNS * 1e3,
        "ms",
        baseline=line_s * 1e3,
        note=f"{RUNS} runs put in at once, 16 at a time",
    )
    for at in range(DEPLOYS):
        got.clear()
        engine.start(Start(kind="deployed", input=time.perf_counter(), run_id=f"d{at}"))
        got.wait(WAIT_S)
    far = sorted(latencies)[int(len(latencies) * 0.95)]
    tell(
        f"from a start to the first line of its body, p95, {backend}",
        far * 1e3,
        "ms",
        bar="under 200 ms",
        met=far < 0.2,
        note="in the process that works; started elsewhere, up to 50 ms more",
    )
    idle(backend)
    engine.close()
    journal.close()


def idle(backend: str) -> None:
    """Processor time of a worker that has nothing to do."""
    time.sleep(1)
    before = resource.getrusage(resource.RUSAGE_SELF)
    time.sleep(IDLE_S)
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    tell(
        f"processor time of an idle worker, {backend}",
        used / IDLE_S * 100,
        "%",
        note="of one core; one queue, looked at every 50 ms; without the server's own",
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure("SQLite", f"sqlite:///{folder / 'engine.db'}", folder)
        programs = find_programs()
        if programs is not None:
            with running_server(programs) as url:
                measure("Postgres", url, folder)


if __name__ == "__main__":
    main()

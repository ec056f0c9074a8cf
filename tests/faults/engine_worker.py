"""A worker as a process of its own, whose effects are counted, and which dies where its input says.

`python engine_worker.py URL EFFECTS WORKER` works off the queue `default` until it is killed. Effects are
rows of a SQLite file of the test's own: (run, step, process). `Effects` reads them.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from lignin.adapters.engine.database import Database
from lignin.adapters.engine.engine import DurableEngine
from lignin.domain.codec import Json
from lignin.ports.engine import Body, Queue, Run

QUEUE = Queue(name="default", worker_concurrency=8)
PATIENCE_S = 120.0


class Effects:
    """What steps did, as told by themselves."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as effects:
            effects.execute("PRAGMA journal_mode=WAL")
            effects.execute("CREATE TABLE IF NOT EXISTS effect (run, step, pid)")

    def add(self, run: str, step: str) -> None:
        with self._open() as effects:
            effects.execute("INSERT INTO effect VALUES (?, ?, ?)", (run, step, os.getpid()))

    def counted(self) -> Counter[tuple[str, str]]:
        with self._open() as effects:
            return Counter(tuple(row) for row in effects.execute("SELECT run, step FROM effect"))

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=60)


def make_body(effects: Effects) -> Body:
    """Steps `s0`, `s1`, ... that each have one effect; the first call of a body dies at `die`."""

    def body(run: Run, given: Json) -> Json:
        def reach(place: str) -> None:
            if run.attempt == 1 and given.get("die") == place:
                os.kill(os.getpid(), signal.SIGKILL)

        def do(at: int) -> Json:
            reach(f"in {at}")
            effects.add(run.id, f"s{at}")
            reach(f"after {at}")
            if given.get("hang") == at and run.attempt == 1:
                wait_until(lambda: effects.path.with_suffix(".go").exists())
            time.sleep(given.get("each_s", 0))
            return at

        total = 0
        for at in range(given["steps"]):
            reach(f"before {at}")
            total += run.step(f"s{at}", lambda at=at: do(at))  # type: ignore[misc]
        reach("before the end")
        run.publish("total", total)
        reach("at the end")
        return total

    return body


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: It did not come about in `PATIENCE_S`.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not come about")
        time.sleep(0.01)


def worker(url: str, effects: Effects, name: str) -> "subprocess.Popen[bytes]":
    """A worker process. It tells on stdout when it works; stderr stays empty."""
    command = [sys.executable, "-P", __file__, url, str(effects.path), name]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **paths}
    )


def main() -> None:
    url, effects, name = sys.argv[1:]
    engine = DurableEngine(Database(url), name)
    engine.launch({"it": make_body(Effects(Path(effects)))}, [QUEUE])
    print("works", flush=True)
    signal.pause()


if __name__ == "__main__":
    main()

"""`lignin up` on one laptop: the writer, and a worker that takes jobs, in one process."""

import json
import signal
from pathlib import Path

from faults.test_worker_killed import Yard


def test_up_takes_jobs_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    yard = Yard(folder=tmp_path)
    yard.prepare(1)
    serving = yard.begin("up", "--parallel", "1")
    try:
        listing = {"operation": "space.list"}
        job = yard.ask("job.start", kind="operation", input=listing).job
        followed = yard.ask("job.tail", job=job, for_s=200)
        serving.send_signal(signal.SIGTERM)
        out, err = serving.communicate(timeout=200)
    finally:
        serving.kill()
        serving.communicate()
    assert (followed.state, serving.returncode) == ("succeeded", 0), err
    told = json.loads(out)
    assert told["address"].endswith(".sock")
    (worker,) = yard.ask("worker.list", every=True).items
    assert (worker.worker, worker.state) == (told["worker"], "stopped")


def test_up_without_jobs_takes_none(tmp_path: Path) -> None:
    yard = Yard(folder=tmp_path)
    yard.prepare(1)
    assert yard.call("up", "--no-jobs", "--dry-run")["worker"] == ""
    assert yard.ask("worker.list", every=True).total == 0

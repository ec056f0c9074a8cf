"""A fleet as a job on the engine: its worker is killed in the middle, and another one ends it. Simulated agents."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from e2e.fleets.crew import Crew, git
from faults.test_worker_killed import LONG_S, Yard

pytest.importorskip("dbos")


def test_a_fleet_whose_worker_is_killed_is_ended_by_another_one(tmp_path: Path) -> None:
    crew = Crew(folder=tmp_path)
    crew.prepare({"lib.py": "RATE = 2\n"})
    began = tmp_path / "began"
    slow = f"open({str(began)!r}, 'a').write('x'); time.sleep(3); write('b.py', '')"
    crew.plan(
        {
            "ask": {"kind": "judgement"},
            "a": {"needs": ["ask"]},
            "b": {"needs": ["a"], "does": slow, "checks": ["test -f a.py"]},
            "c": {"needs": ["b"], "checks": ["test -f b.py"]},
        }
    )
    fleet = crew.run().fleet
    crew.settle(fleet, "ask", "answer", "yes")
    yard = Yard(folder=tmp_path)
    job = yard.ask("job.start", kind="fleet", input={"fleet": fleet}).job
    with yard.workers(1) as (first,):
        deadline = time.monotonic() + LONG_S
        while not began.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(first.pid, signal.SIGKILL)  # while the agent of b is at work
        first.communicate()
        assert yard.ask("job.show", job=job).state == "open"
    with yard.workers(1):
        while (told := yard.ask("job.show", job=job)).state == "open":
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert (told.state, told.output["state"]) == ("succeeded", "finished")
    assert Counter(crew.runs()) == {"a": 1, "b": 2, "c": 1}  # the agent in flight, and no other
    shown = crew.show(fleet)
    assert [piece.state for piece in shown.items].count("merged") == 3
    names = git(crew.repo, "diff", "--name-only", "trunk", told.output["branch"]).split()
    assert names == ["a.py", "b.py", "c.py"]
    assert git(crew.repo, "branch", "--format=%(refname:short)").split() == [
        told.output["branch"],
        "trunk",
    ]

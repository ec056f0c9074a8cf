"""A worker is killed while it drives a loop: another one goes on, and acts at most once more."""

import json
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from faults.test_worker_killed import LONG_S, Yard

pytest.importorskip("dbos")
ACT = """
import json, os, sys, time
task = json.load(sys.stdin)
with open(os.environ["PAID"], "a") as file:
    print("begun", task["iteration"], file=file)
time.sleep(float(os.environ["TAKES"]))
with open(os.environ["PAID"], "a") as file:
    print("done", task["iteration"], file=file)
found = [{"key": "it", "title": "found"}]
print(json.dumps({"progress": task["iteration"], "found": found, "spent": {"tokens": 10}}))
"""
ITERATIONS = 3


def definition(folder: Path) -> str:
    (folder / "act.py").write_text(ACT)
    (folder / "judge.py").write_text("import sys; sys.exit(1)")
    run = {"kind": "command", "unsandboxed": True}
    value = {
        "loop": "busy",
        "shape": "closed",
        "goal": "never",
        "trigger": {"kind": "message"},
        "context": [],
        "action": {**run, "run": f"{sys.executable} {folder / 'act.py'}"},
        "gate": {"kind": "nothing"},
        "stop": {
            "iterations": ITERATIONS,
            "no_progress": 3,
            "budget": {"tokens": 1000},
            "goal": {**run, "run": f"{sys.executable} {folder / 'judge.py'}"},
        },
    }
    path = folder / "busy.json"
    path.write_text(json.dumps(value))
    return str(path)


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_loop_goes_on_where_its_killed_worker_was(
    tmp_path: Path, request: pytest.FixtureRequest, store: str
) -> None:
    url = request.getfixturevalue("fresh_postgres_url") if store == "postgres" else ""
    yard = Yard(folder=tmp_path, store=url, takes_s=1.0)
    yard.ask("loop.add", file=definition(tmp_path))
    yard.ask("loop.run", name="busy", given="go", id="one", take_only=True)
    with yard.workers(1) as (first,):
        yard.wait_begun(2)
        first.kill()
        first.communicate()
    with yard.workers(1):
        deadline = time.monotonic() + LONG_S
        while (ran := yard.ask("loop.history", name="busy").items[0]).state == "running":
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert (ran.state, ran.iterations, ran.spent["tokens"]) == ("landed", ITERATIONS, 30)
    begun = Counter(number for (number,) in yard.lines("begun"))
    assert begun == {"1": 1, "2": 2, "3": 1}  # the act in flight, and nothing else, is made again
    items = {item.title.partition(":")[0]: item.seen for item in yard.ask("inbox.list").items}
    assert items == {"found": ITERATIONS, "stopped without reaching its goal": 1}

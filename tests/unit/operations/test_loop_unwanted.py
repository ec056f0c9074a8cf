"""Runs that do not count any more: they act no more, and what they began is ended."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.events import parse_time
from lignin.operations.looplooking import claim
from lignin.operations.looprunning import drive
from lignin.ports.engine import RunStopped
from lignin.ports.ledger import require_known
from unit.operations.conftest import Desk
from unit.operations.loop_desk import add, command, definition, script

REPLACE = {"kind": "message", "overlap": "replace"}
LONG = """
import os, time
pathlib.Path({place!r}).write_text(str(os.getpid()))
time.sleep(120)
"""


def begin(desk: Desk) -> str:
    return str(desk("loop.run", name="triage", take_only=True, given="x").run)


def long_loop(desk: Desk) -> Path:
    place = desk.context.cwd / "pid"
    add(
        desk,
        definition(command(script(desk, "act.py", LONG.format(place=str(place)))), trigger=REPLACE),
    )
    return place


def is_alive(pid: str) -> bool:
    try:
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return told.rpartition(")")[2].split()[0] != "Z"


def test_a_command_is_ended_when_its_run_is_replaced(desk: Desk) -> None:
    place, came = long_loop(desk), list[Any]()
    run = begin(desk)
    thread = threading.Thread(target=lambda: came.append(drive(desk.context, run)))
    thread.start()
    while not (place.exists() and place.read_text()):
        thread.join(0.05)
        assert thread.is_alive()
    begin(desk)
    thread.join(60)
    assert came and came[0]["state"] == "replaced"
    assert not is_alive(place.read_text())


def test_a_command_is_ended_when_its_job_is_stopped_and_nothing_is_recorded(desk: Desk) -> None:
    place, recorded = long_loop(desk), list[str]()

    def step(name: str, do: Any) -> Any:
        value = json.loads(json.dumps(do()))
        recorded.append(name)
        return value

    with pytest.raises(RunStopped):
        drive(desk.context, begin(desk), step, lambda: place.exists() and bool(place.read_text()))
    assert recorded == ["plan", "context"]
    assert not is_alive(place.read_text())


def test_a_replaced_run_begins_no_stage_and_no_retry(desk: Desk) -> None:
    acts = desk.context.cwd / "acts"
    note = f"pathlib.Path({str(acts)!r}).open('a').write('%s')"
    stages = [
        {
            "name": n,
            "action": command(script(desk, f"{n}.py", note % n)),
            "gate": {"kind": "nothing"},
        }
        for n in ("a", "b")
    ]
    value = definition({}, trigger=REPLACE, on_failure={"do": "retry", "retries": 3})
    del value["action"], value["gate"]
    add(desk, {**value, "stages": stages})

    def step(name: str, do: Any) -> Any:
        done = do()
        if name == "act a":
            begin(desk)
        return done

    assert drive(desk.context, begin(desk), step)["state"] == "replaced"
    assert acts.read_text() == "a"


def test_a_run_is_held_for_as_long_as_its_iteration_may_take(desk: Desk) -> None:
    act = {**command(script(desk, "act.py", "")), "limit_s": 80_000}
    add(desk, definition(act, stop={"budget": {"tokens": 5}}))
    run = begin(desk)
    now = desk.context.ledger.now()
    assert claim(desk.context, run, "me", 10)
    drive(desk.context, run)
    with desk.context.view() as view:
        held = require_known(view, f"looprun/{run}").body["claim"]
    assert held["holder"] == "me"
    assert parse_time(held["until"]) > now + timedelta(seconds=80_000)


FAMILY = """
import os, pathlib, subprocess, time
time.sleep(0.5)  # as if at work: the instant of its start is not covered
sleep = ["sleep", "120"]
born = [subprocess.Popen(sleep), subprocess.Popen(sleep, start_new_session=True)]
pathlib.Path({place!r} + ".new").write_text(" ".join(str(each) for each in [os.getpid(), *(p.pid for p in born)]))
os.rename({place!r} + ".new", {place!r})
time.sleep(120)
"""
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="who has a session of its own is found in /proc"
)


def require_dead(pids: list[str]) -> None:
    """All of them die before long; whoever does not is ended here."""
    for _ in range(600):
        if not any(map(is_alive, pids)):
            return
        time.sleep(0.05)
    left = {
        pid: Path(f"/proc/{pid}/stat").read_text(errors="replace") for pid in pids if is_alive(pid)
    }
    for pid in left:
        os.kill(int(pid), signal.SIGKILL)
    pytest.fail(f"of {pids} these go on: {left}")


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_and_what_it_began_die_with_the_process_that_runs_it(
    desk: Desk, number: signal.Signals
) -> None:
    place = desk.context.cwd / "pids"
    act = desk.context.cwd / "act.py"
    act.write_text(FAMILY.format(place=str(place)))
    words = [sys.executable, str(Path(__file__).with_name("loop_dying.py")), str(act)]
    with subprocess.Popen(words) as runner:
        while not place.exists():
            assert runner.poll() is None
            time.sleep(0.02)
        runner.send_signal(number)
    require_dead(place.read_text().split())


@needs_proc
def test_a_command_that_takes_too_long_is_ended_with_all_that_it_began(desk: Desk) -> None:
    place = desk.context.cwd / "pids"
    act = {**command(script(desk, "act.py", FAMILY.format(place=str(place)))), "limit_s": 2}
    add(desk, definition(act))
    assert desk("loop.run", name="triage").state == "failed"
    require_dead(place.read_text().split())


def test_a_failed_act_tells_the_end_of_its_errors_without_secrets(desk: Desk) -> None:
    secret = "ghp_" + "1234567890abcdefghijklmnopqrstuvwxyz"
    text = f"sys.exit('begin ' + 'x\\n' * 3000 + {secret!r} + ' no such table: orders')"
    add(desk, definition(command(script(desk, "act.py", text))))
    assert desk("loop.run", name="triage").state == "failed"
    (item,) = desk("inbox.list").items
    why, errors = desk("inbox.show", item=item.item).evidence
    assert why == "act: exit 1"
    assert errors.endswith("no such table: orders")
    assert secret not in errors
    assert len(errors) <= 2000

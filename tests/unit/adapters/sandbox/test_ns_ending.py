"""Ends of the namespace sandbox. Apart from its other tests: it counts this process's children."""

import contextlib
import os
import select
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lignin.adapters.sandbox.ns import MAX_SPAWNERS, open_namespace_sandbox
from lignin.adapters.sandbox.spawning import POOL
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import Limits
from lignin.testing.conformance.sandbox import call
from lignin.testing.conformance.sandbox_walls import host_processes, wait_until


@pytest.fixture(scope="module", autouse=True)
def works_here() -> None:
    try:
        open_namespace_sandbox().close()
    except UnavailableError as error:
        pytest.skip(f"no namespace sandbox on this machine: {error}")


def test_closing_leaves_no_process_even_with_a_run_under_way() -> None:
    before = host_processes()
    sandbox = open_namespace_sandbox()

    def broker(request: object) -> dict[str, object]:
        sandbox.close()
        return {"result": 1}

    body = "import lignin_guest, time\ndef f():\n    lignin_guest.call('x', {})\n    time.sleep(60)"
    seen = call(sandbox, body, broker=broker, limits=Limits(wall_s=20))
    assert seen.status == "infrastructure"
    wait_until(lambda: host_processes() <= before)


def test_closed_sandbox_says_so() -> None:
    sandbox = open_namespace_sandbox()
    sandbox.close()
    seen = call(sandbox, "def f():\n    return 1")
    assert (seen.status, seen.message) == ("infrastructure", "the sandbox is closed")


def test_killed_spawner_is_replaced() -> None:
    before = host_processes()
    with open_namespace_sandbox() as sandbox:
        for pid in host_processes() - before:
            with contextlib.suppress(ProcessLookupError):  # it goes with the one it came from
                os.kill(pid, 9)
        wait_until(lambda: host_processes() <= before)
        results = [call(sandbox, "def f():\n    return 1") for _ in range(2)]
    assert results[-1].result == 1
    assert {seen.status for seen in results} <= {"exited", "infrastructure"}


@pytest.mark.parametrize("pool", [0, POOL])
def test_each_of_many_threads_gets_a_run_of_its_own(pool: int) -> None:
    with open_namespace_sandbox(pool) as sandbox, ThreadPoolExecutor(6) as threads:
        bodies = [f"def f():\n    return {number}" for number in range(30)]
        seen = list(threads.map(lambda body: call(sandbox, body), bodies))
    assert [each.result for each in seen] == list(range(30))


def test_a_prepared_run_that_was_killed_is_not_blamed_on_the_code() -> None:
    with open_namespace_sandbox(pool=1) as sandbox:
        assert call(sandbox, "def f():\n    return 1").result == 1
        spawner = sandbox._borrow((0, ""))
        waiting = spawner.take()
        spawner.kill(waiting)
        wait_until(lambda: select.select([waiting.door], [], [], 0)[0] != [])
        spawner._offers.append(waiting)
        seen = call(sandbox, "def f():\n    return 1")
        assert seen.status == "infrastructure" and "without a report" in seen.message
        assert call(sandbox, "def f():\n    return 2").result == 2


def test_what_is_rehearsed_leaves_nothing_that_code_sees() -> None:
    body = (
        "import sys, threading\ndef f():\n"
        "    named = [name for name in sys.modules if 'rehears' in name]\n"
        "    return [named, threading.active_count(), [p for p in sys.path if 'rehears' in p]]"
    )
    with open_namespace_sandbox() as sandbox:
        for _ in range(3):
            seen = call(sandbox, body)
            assert (seen.result, seen.effects, seen.written) == ([[], 1, []], (), {})


def test_only_a_few_spawners_stay_warm() -> None:
    before = host_processes()
    with open_namespace_sandbox() as sandbox:
        for seed in range(1, MAX_SPAWNERS + 3):
            assert call(sandbox, "def f():\n    return 1", hash_seed=seed).result == 1
        # each is a waiting parent, the spawner, and two processes for each run it keeps prepared
        wait_until(lambda: len(host_processes() - before) <= (2 + 2 * POOL) * MAX_SPAWNERS)


_HOST = """
from lignin.adapters.sandbox.ns import open_namespace_sandbox
from lignin.testing.conformance.sandbox import command
sandbox = open_namespace_sandbox()
print("started", flush=True)
command(sandbox, "sh", "-c", "sleep 300 & sleep 300")
"""


def test_all_ends_with_the_host_even_when_it_is_killed() -> None:
    before = host_processes()
    with subprocess.Popen(
        [sys.executable, "-c", _HOST],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as host:
        assert host.stdout is not None
        host.stdout.readline()
        wait_until(
            lambda: len(host_processes() - before) >= 6
        )  # host, spawner, init, shell, sleeps
        started = host_processes() - before
        host.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started))

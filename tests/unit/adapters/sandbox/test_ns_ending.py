"""Ends of the namespace sandbox. Apart from its other tests: it counts this process's children."""

import os
import subprocess
import sys
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
            os.kill(pid, 9)
        wait_until(lambda: host_processes() <= before)
        results = [call(sandbox, "def f():\n    return 1") for _ in range(2)]
    assert results[-1].result == 1
    assert {seen.status for seen in results} <= {"exited", "infrastructure"}


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

"""Nothing outlives a run, and nothing of a run is there for the next."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from escapes.judge import run
from lignin.adapters.sandbox.ns import NamespaceSandbox, open_namespace_sandbox
from lignin.adapters.sandbox.spawning import POOL
from lignin.testing.conformance.sandbox_walls import host_processes, wait_until

_LEAVE = """
    import builtins, json, os, sys, warnings
    places = [os.path.abspath('left'), '/tmp/left', '/dev/shm/left', os.path.expanduser('~/.left')]
"""
_WRITE = """
    for place in places: open(place, 'w').close()
    json.LEFT = builtins.LEFT = sys.LEFT = 1
    os.environ['LEFT'] = '1'; os.chdir('/tmp'); os.umask(0o77); os.nice(5)
"""
_READ = """
    found = [place for place in places if os.path.exists(place)]
    found += [m.__name__ for m in (json, builtins, sys) if hasattr(m, 'LEFT')]
    found += [n for n in os.environ if n == 'LEFT']
    found += ['folder'] * (os.getcwd() != '/work') + ['mask'] * (os.umask(0o22) == 0o77)
    found += ['niceness'] * (os.nice(0) >= 5)
    return found
"""


def test_state_of_a_run_is_gone_in_the_next(sandbox: NamespaceSandbox) -> None:
    same = run(sandbox, f"def f():{_LEAVE}{_WRITE}{_READ}").result
    assert isinstance(same, list) and len(same) == 11  # within one run all of it is to be seen
    assert run(sandbox, f"def f():{_LEAVE}{_READ}").result == []


_HOLDER = """
import os, sys
from lignin.adapters.sandbox.ns import open_namespace_sandbox
from lignin.domain.artifacts import File
from lignin.ports.sandbox import Execution, Limits, PythonCall
body = b'''
import os, signal, time
def f():
    for number in range(1, 32):
        try: signal.signal(number, signal.SIG_IGN)
        except OSError: pass
    if os.fork() == 0:
        os.setsid()
        os.fork()
    open('x', 'w').close()
    time.sleep(300)
'''
sandbox = open_namespace_sandbox()
print('open', flush=True)
sandbox.run(Execution(files={'a.py': File(content=body)}, limits=Limits(wall_s=200),
    action=PythonCall(file='a.py', function='f', arguments={})))
"""


def _alive(processes: dict[int, str]) -> set[int]:
    """Those that live; a number that another process has by now is none of them."""
    return {pid for pid, began in processes.items() if _began(pid) == began}


def _began(pid: int) -> str:
    """When a process began, in the kernel's ticks; "" where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def test_everything_dies_with_the_process_that_opened_the_sandbox() -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLDER], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        wait_until(lambda: len(host_processes(holder.pid)) >= 6)  # world, run and its three
        family = {pid: _began(pid) for pid in host_processes(holder.pid)}
        family = {pid: began for pid, began in family.items() if began}
        assert len(family) >= 6
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        wait_until(lambda: not _alive(family))


def _held() -> dict[str, int]:
    """What this process and the machine hold that a run could leave behind."""
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "processes": len(host_processes()),
    }


def _family() -> dict[int, str]:
    """This process and its descendants, with when each began."""
    return {pid: _began(pid) for pid in host_processes() | {os.getpid()}}


def _groups(makers: dict[int, str]) -> list[str]:
    """The folder that each memory group of these processes is in.

    Others may have some, too, also one that has a number again.
    """
    pids = {pid for pid, began in makers.items() if _began(pid) in {began, ""}}
    found = []
    for folder, _, _ in os.walk("/sys/fs/cgroup"):  # what goes meanwhile is passed over
        name = next((part for part in Path(folder).parts if part.startswith("lignin-")), "")
        if name and int(name.split("-")[1]) in pids:
            found.append(name)
    return found


@pytest.mark.slow
def test_ten_thousand_runs_leave_nothing_behind() -> None:
    before = _held()
    there = set(_groups(_family()))  # those of a sandbox that is open already
    plain = "def f():\n    return 1"
    daemon = "def f():\n    import os, time\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(300)\n    return 1"
    with open_namespace_sandbox() as opened:
        assert run(opened, plain).result == 1
        makers = _family()
        for number in range(10_000):  # what outlives its code is waited for: every twentieth
            assert run(opened, plain if number % 20 else daemon).result == 1
        warm = _held()
        # the world's two, those prepared, the one ending
        groups = [name for name in _groups(makers) if name not in there]
        assert 0 < len(groups) <= 2 + POOL + 1
    assert warm["mounts"] == before["mounts"]
    assert warm["descriptors"] <= before["descriptors"] + 4 + 4 * POOL  # the ends of those prepared
    wait_until(lambda: _held() == before)
    wait_until(lambda: set(_groups(makers)) <= there)

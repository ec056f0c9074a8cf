"""Processor time is that of all a run's processes, also of those that nobody waits for."""

from dataclasses import replace

import pytest

from escapes.judge import SMALL, run
from lignin.adapters.sandbox.ns import NamespaceSandbox

_SHORT = """def f():
    import os, signal, time
    %s
    end = time.monotonic() + %s
    while time.monotonic() < end:
        for _ in range(2):
            if os.fork() == 0:
                until = time.process_time() + .008
                while time.process_time() < until: pass
                os._exit(0)
        for _ in range(2):
            try: os.wait()
            except ChildProcessError: break
    return 1
"""
_UNWAITED = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"


@pytest.mark.parametrize("how", [_UNWAITED, "pass"], ids=["unwaited", "waited for"])
def test_short_processes_do_not_pass_the_bound(sandbox: NamespaceSandbox, how: str) -> None:
    seen = run(sandbox, _SHORT % (how, 15), replace(SMALL, cpu_s=1, wall_s=20))
    assert seen.status == "timeout"
    assert 1 <= seen.cpu_s < 4
    assert seen.wall_s < 14


@pytest.mark.parametrize("how", [_UNWAITED, "pass"], ids=["unwaited", "waited for"])
def test_short_processes_are_counted(sandbox: NamespaceSandbox, how: str) -> None:
    seen = run(sandbox, _SHORT % (how, 1.5), replace(SMALL, cpu_s=9, wall_s=20))
    assert (seen.status, seen.result) == ("exited", 1)
    assert 0.2 < seen.cpu_s < 4


def test_a_run_that_does_nothing_has_spent_next_to_nothing(sandbox: NamespaceSandbox) -> None:
    assert run(sandbox, "def f():\n    return 1").cpu_s < 0.2

"""Supervision of one run: its time, its processor time, the memory of all its processes together.

Owned by pid 1 of the run, which the code it watches cannot touch. Standard library only.
"""

import contextlib
import os
import select
import signal
import socket
import time
from typing import Any

from lignin.adapters.sandbox import cgroup, meter

TICK_S = 0.02
GRACE_S = 0.5  # a process of its own bound is ended by that
LINGER_S = 0.1  # the last of a pipeline may end a little after the shell
LINGER_STEP_S = 0.005
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """Waits for pid 2, ending the run where time, processor time or memory run out.

    Memory is what all processes of the run hold that is theirs alone, and what lies in the work
    folders: a limit per process would let a family of them take a multiple. What the kernel holds
    for them is bounded by the run's group, where there is one.
    """

    def __init__(
        self,
        child: int,
        channel: socket.socket,
        limits: dict[str, Any],
        group: cgroup.Group | None,
        spent: meter.Meter,
    ) -> None:
        self._child = child
        self.spent = spent
        self._group = group
        self._limits = limits
        self.cpu_limit_s = int(limits["cpu_s"])
        self._started = time.monotonic()
        self.wall_s = 0.0
        self.peak_bytes = 0
        self.verdict = ""
        self._process = os.pidfd_open(child)
        self._poll = select.poll()
        self._poll.register(self._process, select.POLLIN)
        self._poll.register(channel, select.POLLIN)  # the host says nothing but "end it", or dies

    def until_end(self) -> int:
        """Return the wait status of pid 2, once it has ended by itself or been ended."""
        deadline = self._started + float(self._limits["wall_s"])
        while not self.verdict:
            left = deadline - time.monotonic()
            events = dict(self._poll.poll(max(0.0, min(left, TICK_S)) * 1000))
            self.wall_s = time.monotonic() - self._started
            if self._group is not None and self._group.overflowed():
                self.verdict = "memory"
            if self._process in events:
                return os.waitpid(self._child, 0)[1]
            if self.verdict:
                break
            if events:
                self.verdict = "killed"
            elif self.wall_s >= self._limits["wall_s"]:
                self.verdict = "timeout"
            else:
                self._judge_use()
            self._reap_orphans()
        os.kill(self._child, signal.SIGKILL)
        return os.waitpid(self._child, 0)[1]

    def _judge_use(self) -> None:
        pids = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
        resident = sum(map(_private_bytes, pids))
        written = _written_bytes()
        bound = int(self._limits["memory_bytes"])
        if resident + written > bound:  # forked pages are counted once per process: look closer
            resident = sum(_proportional_bytes(pid) for pid in os.listdir("/proc") if pid.isdigit())
        self.peak_bytes = max(self.peak_bytes, resident + written)
        if resident + written > bound:
            self.verdict = "memory"
        elif self.spent.spent_s(pids) > self._limits["cpu_s"] + GRACE_S:
            self.verdict = "timeout"

    def _reap_orphans(self) -> None:
        """Collect orphans, which become children of pid 1; pid 2 itself is waited for above."""
        while True:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            try:
                gone = os.waitid(os.P_ALL, 0, flags)
            except ChildProcessError:
                return
            if gone is None or gone.si_pid == self._child:
                return
            os.waitpid(gone.si_pid, 0)


def _read(path: str) -> str:
    try:
        with open(path, errors="replace") as file:  # code gives its processes any name
            return file.read()
    except OSError:  # the process has just ended
        return ""


def _private_bytes(pid: str) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return (int(fields[1]) - int(fields[2])) * _PAGE if fields else 0


def _proportional_bytes(pid: str) -> int:
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * 1024
    return _private_bytes(pid) if pid != "1" else 0


def _written_bytes() -> int:
    use = os.statvfs("/work")
    return (use.f_blocks - use.f_bfree) * use.f_frsize


def lingering() -> list[str]:
    """Command lines of what still runs though the code has ended, after a moment's grace."""
    deadline = time.monotonic() + LINGER_S
    while True:
        _reap_ended()
        left = [pid for pid in os.listdir("/proc") if pid.isdigit() and pid != "1"]
        if not left or time.monotonic() >= deadline:
            return [_read(f"/proc/{pid}/cmdline").replace("\0", " ").strip() or pid for pid in left]
        time.sleep(LINGER_STEP_S)


def _reap_ended() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def end_everything() -> None:
    """Kill and collect every other process of the namespace."""
    while True:
        try:
            os.kill(-1, signal.SIGKILL)
            os.waitpid(-1, 0)
        except (ProcessLookupError, ChildProcessError):
            return


def verdict_of(status: int, watch: Watch) -> dict[str, Any]:
    """The port's status and exit code for a wait status of pid 2."""
    code = os.waitstatus_to_exitcode(status)
    if watch.verdict:
        return {"status": watch.verdict, "exit_code": None}
    if code == -signal.SIGXCPU:
        return {"status": "timeout", "exit_code": None}
    spent_s = watch.spent.spent_s()
    if spent_s > watch.cpu_limit_s + GRACE_S:
        return {"status": "timeout", "exit_code": None}  # it ended between two looks
    if code == -signal.SIGKILL and spent_s >= watch.cpu_limit_s:
        return {"status": "timeout", "exit_code": None}  # the hard limit, the soft one ignored
    return {"status": "killed" if code < 0 else "exited", "exit_code": code}

"""Processor time of one run: of its code and of every process that the code has started.

Owns the counting. A child that nobody waits for (its parent ignores SIGCHLD) is in no account of a
process once it has ended, so the kernel is asked to count for the whole family: by an event that
children inherit, and by the run's own group where that counts too. Where neither can be had, what is
alive and what was waited for is added up. Decides no bound. Standard library only.
"""

import os
import resource
import struct
import time
from collections.abc import Sequence

from lignin.adapters.sandbox import cgroup, kernel

_CLOCK = os.sysconf("SC_CLK_TCK")
_SOFTWARE, _TASK_CLOCK, _SIZE = 1, 1, 64
_INHERIT, _USER_ONLY = 1 << 1, 3 << 5  # without leave to look into the kernel; time there counts
_CLOSE_ON_EXEC = 8


class Meter:
    """Counts for one process from now on, and for all that it starts."""

    def __init__(self, pid: int, group: cgroup.Group | None) -> None:
        self._pid = pid
        self._group = group
        self._event = _family_clock(pid)
        self._before = (0.0, 0.0, 0.0)

    def begin(self) -> None:
        """Leave out what has been spent until now: before its job comes it is not the code's."""
        own_s = time.clock_gettime(~self._pid << 3 | 2)  # as clock_getcpuclockid(3) makes it
        self._before = (own_s + _waited_for_s(), *self._counted())

    def spent_s(self, pids: Sequence[str] = ()) -> float:
        """Seconds since the beginning; `pids` names the processes that are alive."""
        counts = (_waited_for_s() + sum(map(_ticks, pids)) / _CLOCK, *self._counted())
        return max(0.0, *(now - then for now, then in zip(counts, self._before, strict=True)))

    def _counted(self) -> tuple[float, float]:
        """What the event and the group have counted; 0 where there is none."""
        counted_ns: int = struct.unpack("Q", os.read(self._event, 8))[0] if self._event >= 0 else 0
        return counted_ns / 1e9, self._group.cpu_s() if self._group is not None else 0.0


def _family_clock(pid: int) -> int:
    """An event that counts the processor time of a process and all it will start; -1 where refused."""
    event = struct.pack(
        "IIQQQQQIIQ", _SOFTWARE, _SIZE, _TASK_CLOCK, 0, 0, 0, _INHERIT | _USER_ONLY, 0, 0, 0
    )
    try:
        return kernel.syscall("perf_event_open", event, pid, -1, -1, _CLOSE_ON_EXEC)
    except OSError:
        return -1


def _waited_for_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _ticks(pid: str) -> int:
    """What a process and those that it has waited for have spent."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:  # the process has just ended
        return 0
    return sum(map(int, fields[11:15])) if fields else 0

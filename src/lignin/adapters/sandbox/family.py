"""Every process below this one, found in `/proc`: how many, how much they hold, and their end.

For tiers without namespaces, where processes may leave their group and session. The caller must be
a child subreaper, else orphans are lost from sight. Standard library only: it is also sent as text
to machines that have nothing of this project.
"""

import contextlib
import os
import signal
from collections.abc import Collection

_PAGE = os.sysconf("SC_PAGE_SIZE")


def descendants() -> dict[int, int]:
    """Each process below this one, whatever session it has made itself, with its threads' number."""
    parents: dict[int, int] = {}
    threads: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
                parents[int(name)], threads[int(name)] = int(fields[1]), int(fields[17])
    known, grown = {os.getpid()}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in known} - known
        known |= more
        grown = bool(more)
    return {pid: threads[pid] for pid in sorted(known - {os.getpid()})}


def hold_more(pids: Collection[int], most_bytes: int) -> bool:
    """Whether processes together hold more memory than this, files that they map left out."""
    if sum(map(_private_bytes, pids)) <= most_bytes:
        return False
    return sum(map(_proportional_bytes, pids)) > most_bytes  # forked pages are counted once


def _proportional_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss_Anon:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return _private_bytes(pid)


def _private_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            fields = file.read().split()
    except OSError:  # it has just ended
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE


def kill_all() -> None:
    """Kill every descendant, also those that fork while they are looked for, and collect them."""
    while pids := descendants():
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

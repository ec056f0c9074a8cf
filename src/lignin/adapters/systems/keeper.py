"""Ends a command with all that it began, and does so for a process that died before it could.

Also a program of its own: it is told on its input which commands go on, and ends those when that closes, which
happens however the process that holds it ends. Standard library only.
"""

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_ROUNDS = 100


def end_tree(leader: int) -> None:
    """Kill a command that leads a session of its own, whoever is in that session, and all below them.

    Whoever has left both, by a session of its own and a parent that has ended, is not reached; nor is, where
    there is no `/proc`, whoever has left its group.
    """
    found: set[int] = set()
    # Stopped first, so that nobody has another child while others are killed.
    for _ in range(_ROUNDS):
        more = _tree(leader) - found
        _send(more, signal.SIGSTOP)
        found |= more
        if not more:
            break
    _send(found, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def serve(told: BinaryIO) -> None:
    """Read which commands begin (`+PID`) and end (`-PID`), and end those that are left when all is read."""
    kept: set[int] = set()
    for line in told:
        pid = int(line[1:])
        (kept.add if line[:1] == b"+" else kept.discard)(pid)
    for pid in kept:
        end_tree(pid)


def _tree(leader: int) -> set[int]:
    """Who lives of a session and of all below it."""
    parents: dict[int, int] = {}
    known: set[int] = set()
    with suppress(FileNotFoundError):
        for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - thousands, often
            with suppress(OSError, ValueError):  # it ends while it is read
                text = Path("/proc", name, "stat").read_text(errors="replace")
                state, parent, _, session = text.rpartition(")")[2].split()[:4]
                if state not in "ZX":
                    parents[int(name)] = int(parent)
                    if leader in (int(name), int(session)):
                        known.add(int(name))
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in known} - known
        known |= more
        grown = bool(more)
    return known - {os.getpid()}


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    serve(sys.stdin.buffer)

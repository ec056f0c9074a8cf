"""Which workers live: those whose lease has not run out, and on this host whose process is there."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from lignin.domain.events import format_time
from lignin.domain.states import Row
from lignin.jobs.laws.fitting import Able
from lignin.operations.context import Context
from lignin.ports.ledger import View, every_row


def alive(context: Context, view: View) -> list[Able]:
    """The workers that live and serve the view's space, with what they have."""
    return [able_of(row) for row in living(context, view)]


def living(context: Context, view: View) -> Iterator[Row]:
    """The rows of workers that live."""
    now, host = format_time(context.ledger.now()), socket.gethostname()
    for row in every_row(view, "worker", state="started"):
        if (row.due_at or "") > now and not (row.body["host"] == host and is_gone(row)):
            yield row


def able_of(row: Row) -> Able:
    """What a worker takes, from its row."""
    return Able(name=row.key, has=frozenset(row.body["has"]), queues=frozenset(row.body["queues"]))


def is_gone(row: Row) -> bool:
    """Whether a worker of this host is certainly no more: no process has its number, or another one."""
    try:
        os.kill(row.body["pid"], 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    born = process_birth(row.body["pid"])
    return bool(born and row.body["born"] and born != row.body["born"])


def process_birth(pid: int) -> str:
    """What tells a process from a later one of the same number; empty where nobody can tell."""
    try:
        with Path(f"/proc/{pid}/stat").open("rb") as file:
            stat = file.read()
    except OSError:
        return ""
    return stat.rpartition(b")")[2].split()[19].decode()

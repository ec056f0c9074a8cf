"""Bringing a question to its decision: opened once, and driven by one process of this machine at a time.

Two that drive the same decision come to the same, but run most trials twice. So the second one waits for
the first, by a lock that the system takes back from whoever dies. It is thrift and no truth: who cannot
have the lock, or waits in vain, goes on by itself.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lignin.domain.states import Row
from lignin.operations.context import Context
from lignin.operations.gateplan import Question, needs_bank
from lignin.operations.gatework import find_decision, open_decision, reach_decision
from lignin.operations.tries import Tries, top_up
from lignin.ports.ledger import require_known

FOLDER = "proving"
LOOK_S = 0.2
PATIENCE_S = 60.0
"""Beside the longest that one trial may take: who files nothing for so long is not waited for."""


def prove_once(
    context: Context,
    question: Question,
    *,
    bank: int,
    limit_s: float,
    anew: bool = False,
    parallel: int = 1,
) -> tuple[Row, list[Tries]]:
    """Return the decision that answers a question, and what was paid for it here.

    Args:
        bank: Trials of the incumbent that are to stand of each case beforehand.
        limit_s: The longest that one trial may take.
        anew: Decide anew what was decided.
    """
    with context.view() as view:
        decision, row, _ = find_decision(view, question, anew=anew)
    done: list[Tries] = []
    if row is not None and row.state != "open":
        return row, done
    with claimed(context, question, decision, limit_s + PATIENCE_S):
        with context.view() as view:
            row = view.row(f"decision/{decision}")
        if row is None:
            if needs_bank(question):
                done = [top_up(context, question.incumbent, question.suite, bank, parallel)]
            row = open_decision(context, decision, question)
        if row.state == "open":
            done.append(reach_decision(context, row, question, parallel))
    with context.view() as view:
        return require_known(view, f"decision/{decision}"), done


@contextmanager
def claimed(
    context: Context, question: Question, decision: str, patience_s: float
) -> Iterator[bool]:
    """Hold a decision while a block lasts; False where the block goes on without.

    Args:
        patience_s: While somebody else holds it, so long is waited for their next trial.
    """
    if context.dry_run:
        yield False
        return
    path = context.home / FOLDER / decision
    held = _waited(context, question, path, patience_s)
    try:
        yield held is not None
    finally:
        if held is not None:
            with suppress(OSError):
                path.unlink()
            os.close(held)


def _waited(context: Context, question: Question, path: Path, patience_s: float) -> int | None:
    """The lock's descriptor; None where it is not to be had."""
    filed, since = -1, time.monotonic()
    while True:
        try:
            return _locked(path)
        except BlockingIOError:
            pass
        except OSError:  # no locks here: a file system without them, a folder that is read only
            return None
        now = _filed(context, question)
        if now != filed:
            filed, since = now, time.monotonic()
        elif time.monotonic() - since > patience_s:
            context.progress("goes on beside another process that files nothing", filed, None)
            return None
        context.progress("trials; waits for another process that proves the same", filed, None)
        time.sleep(LOOK_S)


def _locked(path: Path) -> int:
    """Lock a file, made where it is not there.

    Raises:
        BlockingIOError: Somebody else holds it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink == 0:  # whoever held it has just taken it away
            raise BlockingIOError
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _filed(context: Context, question: Question) -> int:
    """How many trials of both systems are on the record."""
    with context.view() as view:
        both = (question.incumbent.digest, question.candidate.digest)
        return sum(view.page("trial", parent=each, limit=1).total for each in both)

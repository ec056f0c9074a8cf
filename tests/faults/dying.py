"""Processes that die at a commit, for tests that go on where these were."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lignin.app import load_settings, open_context
from lignin.domain.events import Change, Receipt
from lignin.operations.context import Context
from lignin.ports.ledger import Ledger


@dataclass
class Killing:
    """A ledger at whose n-th commit the process dies, before or after it is durable."""

    ledger: Ledger
    at: int
    after: bool
    commits: int = 0

    def commit(self, *changes: Change) -> tuple[Receipt, ...]:
        self.commits += 1
        if self.commits == self.at and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        receipts = self.ledger.commit(*changes)
        if self.commits == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return receipts

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)


@contextmanager
def opened(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Context]:
    """A caller's context on a store below a folder."""
    environment = environment or {
        "LIGNIN_HOME": str(folder / "home"),
        "LIGNIN_ACTOR": "user:tester",
    }
    with open_context(load_settings(environment, folder)) as context:
        yield context


def dies(act: Callable[[], object]) -> bool:
    """Whether a process that does something is killed on its way."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])

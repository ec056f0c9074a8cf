"""What makes a step's effects happen once: commits under keys of the step, and ids that it makes again.

A step may be made twice: its commit was acknowledged, then the process died before the engine had
recorded the step. So the second time it must commit the same change under the same key, and that needs
the same ids. What comes to another change under the same key is refused by the ledger and not written.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime

from lignin.domain.errors import UnavailableError
from lignin.domain.events import Change, Receipt
from lignin.domain.ids import ENTROPY_BYTES, make_id
from lignin.domain.jobs import effect_key
from lignin.ports.engine import RunStopped
from lignin.ports.ledger import Ledger, View


class StepIds:
    """Ids that are the same whenever a step is made: drawn from its key, ordered by the job's time."""

    def __init__(self, step_key: str, at: datetime) -> None:
        self._step_key, self._at = step_key, at
        self._made = 0
        self._lock = threading.Lock()

    def new(self, prefix: str) -> str:
        """The next id."""
        with self._lock:
            self._made += 1
            founding = f"{self._step_key}:{self._made}"
        entropy = hashlib.sha256(founding.encode()).digest()[:ENTROPY_BYTES]
        return make_id(prefix, at=self._at, entropy=entropy)


class RunLedger:
    """The ledger as a run sees it: while the store is away the run stops here, and is taken up again.

    A run that ended for that would be said to have failed, for a moment in which nobody could look.

    Args:
        stopped: Whether the run may not go on here. Then it ends where it next looks at the ledger: what
            was done by then is written.
    """

    def __init__(self, ledger: Ledger, stopped: Callable[[], bool] = lambda: False) -> None:
        self._ledger, self._stopped = ledger, stopped

    def commit(self, *changes: Change) -> tuple[Receipt, ...]:
        """As `Ledger.commit`."""
        with _stopping():
            return self._ledger.commit(*changes)

    @contextmanager
    def view(self, space: str) -> Iterator[View]:
        """As `Ledger.view`."""
        if self._stopped():
            raise RunStopped("the run may not go on here")
        with _stopping(), self._ledger.view(space) as view:
            yield view

    def spaces(self) -> Sequence[str]:
        """As `Ledger.spaces`."""
        with _stopping():
            return self._ledger.spaces()

    def now(self) -> datetime:
        """As `Ledger.now`."""
        with _stopping():
            return self._ledger.now()

    def watch(self, ring: Callable[[], None]) -> AbstractContextManager[None]:
        """As `Ledger.watch`."""
        return self._ledger.watch(ring)

    def close(self) -> None:
        """Nothing: the ledger is its opener's to close."""


@contextmanager
def _stopping() -> Iterator[None]:
    try:
        yield
    except UnavailableError as error:
        if error.fields.get("is_away"):
            raise RunStopped("the store is away") from error
        raise


class StepLedger:
    """The ledger as a step sees it: each change that has no key of its own gets one of the step."""

    def __init__(self, ledger: Ledger, step_key: str) -> None:
        self._ledger, self._step_key = ledger, step_key
        self._committed = 0
        self._lock = threading.Lock()

    def commit(self, *changes: Change) -> tuple[Receipt, ...]:
        """Write all the changes or none; those of an earlier making of the step stay as they are.

        Raises:
            ConflictError: Under a key of this step something else was written; and as `Ledger.commit`.
        """
        keyed = []
        with self._lock:
            for change in changes:
                self._committed += 1
                key = change.idempotency_key or effect_key(self._step_key, self._committed)
                keyed.append(replace(change, idempotency_key=key))
        return self._ledger.commit(*keyed)

    def view(self, space: str) -> AbstractContextManager[View]:
        """As `Ledger.view`."""
        return self._ledger.view(space)

    def spaces(self) -> Sequence[str]:
        """As `Ledger.spaces`."""
        return self._ledger.spaces()

    def now(self) -> datetime:
        """As `Ledger.now`."""
        return self._ledger.now()

    def watch(self, ring: Callable[[], None]) -> AbstractContextManager[None]:
        """As `Ledger.watch`."""
        return self._ledger.watch(ring)

    def close(self) -> None:
        """Nothing: the ledger is its opener's to close."""

"""Reading the connectors that loops wait for, so that what comes in there starts them.

Owns when a connector is read: no more often than its loops say, later where the far side asks for that or
does not answer. What came in lies on the ledger, where `looplooking` takes it; a web hook needs no reading.
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from lignin.domain.errors import LigninError, LimitedError
from lignin.domain.events import parse_time
from lignin.governance.laws.connectors import ConnectorGrant, GitHostGrant, MailGrant
from lignin.loops.service import load_loop
from lignin.operations.connecting import poll, require_connector
from lignin.operations.context import Context
from lignin.ports.ledger import every_row

MOST_AT_ONCE = 100
MOST_PAGES = 20
"""So often a connector that has more is read on in one go."""
MOST_WAIT_S = 900.0


def awaited(context: Context) -> dict[str, int]:
    """The connectors whose messages start an active loop of the space, and how often each is to be read."""
    wanted: dict[str, int] = {}
    with context.view() as view:
        for row in every_row(view, "loop", state="active"):
            if row.body["trigger"] != "message":
                continue
            trigger = load_loop(view, row).trigger
            if trigger.source:
                known = wanted.get(trigger.source, trigger.every_s)
                wanted[trigger.source] = min(known, trigger.every_s)
    return wanted


def read_awaited(context: Context) -> dict[str, str]:
    """Read each awaited connector once; return what could not be read, and why."""
    faults: dict[str, str] = {}
    for name in awaited(context):
        try:
            read_whole(context, name)
        except LigninError as error:
            faults[name] = error.message
    return faults


def read_whole(context: Context, name: str) -> None:
    """Take in what is new at a connector; one that is not read but delivers by itself is left alone.

    Raises:
        LigninError: It is not granted here, or cannot be read now.
    """
    if not _is_read(require_connector(context, name)):
        return
    for _ in range(MOST_PAGES):
        if not poll(context, name, MOST_AT_ONCE).more:
            return


def _is_read(grant: ConnectorGrant) -> bool:
    if isinstance(grant, GitHostGrant):
        return bool(grant.label or grant.comments)
    return isinstance(grant, MailGrant) and bool(grant.imap)


class Pace:
    """When each connector is to be read again.

    Mutable: what is due, and how often in a row it failed.
    """

    def __init__(self) -> None:
        self._due_at: dict[str, float] = {}
        self._failed: dict[str, int] = {}

    def is_due(self, name: str, now_s: float) -> bool:
        """Whether it may be read now."""
        return now_s >= self._due_at.get(name, now_s)

    def read(self, name: str, now_s: float, every_s: float) -> None:
        """It was read."""
        self._failed.pop(name, None)
        self._due_at[name] = now_s + every_s

    def failed(self, name: str, now_s: float, every_s: float, wait_s: float = 0.0) -> None:
        """It could not be read: twice as long each time, and no earlier than the far side says."""
        times = self._failed[name] = min(self._failed.get(name, 0) + 1, 20)
        backed_off_s = min(every_s * 2 ** (times - 1), max(MOST_WAIT_S, every_s))
        self._due_at[name] = now_s + max(backed_off_s, wait_s)


class Reader:
    """Reads awaited connectors on a thread of its own: a far side that does not answer holds up nothing else.

    Mutable: a thread that reads, and the pace of each connector.
    """

    def __init__(self, context: Context, tell: Callable[[str, str], None]) -> None:
        self._context, self._tell = context, tell
        self._pace = Pace()
        self._thread: threading.Thread | None = None

    def tend(self, wanted: Mapping[str, tuple[Context, int]]) -> None:
        """Begin to read what is due, unless it is still reading.

        Args:
            wanted: Under a name of its own each connector of a space: where it is awaited, how often to read
                it. The last part of the name, behind the slash, is the connector's.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        now_s = time.monotonic()
        due = {name: each for name, each in wanted.items() if self._pace.is_due(name, now_s)}
        if due:
            self._thread = threading.Thread(target=self._read, args=(due,), daemon=True)
            self._thread.start()

    def join(self) -> None:
        """Wait until it has read what it is at."""
        if self._thread is not None:
            self._thread.join()

    def _read(self, due: Mapping[str, tuple[Context, int]]) -> None:
        for name, (context, every_s) in due.items():
            try:
                read_whole(context, name.rpartition("/")[2])
            except LigninError as error:
                wait_s = _wait_s(error, self._context.clock.now())
                self._pace.failed(name, time.monotonic(), every_s, wait_s)
                self._tell(f"{name} is not read", error.message)
            else:
                self._pace.read(name, time.monotonic(), every_s)


def _wait_s(error: LigninError, now: datetime) -> float:
    """How long the far side says to wait."""
    at = error.fields.get("retry_at") if isinstance(error, LimitedError) else None
    try:
        return (parse_time(str(at)) - now).total_seconds() if at else 0.0
    except ValueError:
        return 0.0

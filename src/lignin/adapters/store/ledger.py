"""`SqlLedger`: commits by the pure plan under the space's lock, with group commit of threads.

Correctness never depends on a resident writer: every process that opens the store commits by this
same code. Threads of one process share transactions: whoever finds no commit under way leads, takes
what has gathered meanwhile, and answers each.
"""

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, text

from lignin.adapters.store import read, write
from lignin.adapters.store.engine import open_engine, reading, translated_errors, twin, writing
from lignin.adapters.store.watching import watching
from lignin.domain.commits import Book, Plan, Unit, needed, plan_batch
from lignin.domain.errors import (
    ConflictError,
    IntegrityError,
    LigninError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.events import Change, Receipt
from lignin.domain.soundness import require_sound
from lignin.ports.clock import Clock
from lignin.ports.ledger import View

MAX_GROUP = 512
_open_ledgers: "weakref.WeakSet[SqlLedger]" = weakref.WeakSet()

Answer = tuple[Receipt, ...] | LigninError


@dataclass(slots=True)
class _Waiting:
    unit: Unit
    done: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None
    failure: BaseException | None = None


class SqlLedger:
    """The ledger port on SQLite or Postgres. Thread-safe; see `lignin.ports.ledger`.

    Args:
        url: `sqlite:///path` or `postgresql://...`.
        clock: The store's clock on SQLite; Postgres uses its own.
        create: Make the store where there is none yet.
    """

    max_group = MAX_GROUP

    def __init__(self, url: str, clock: Clock, *, create: bool = True) -> None:
        self.url = url
        self.clock = clock
        self.engine: Engine = open_engine(url, create=create)
        self._commits: Engine = twin(self.engine)
        self._make_locks()
        _open_ledgers.add(self)

    def _make_locks(self) -> None:
        self._queue: list[_Waiting] = []
        self._queue_lock = threading.Lock()
        self._leading = threading.Lock()

    def after_fork(self) -> None:
        """Let a forked child begin anew: the parent's connections and locks are not its own."""
        self.engine.dispose(close=False)
        self._commits.dispose(close=False)
        self._make_locks()

    def commit(self, *changes: Change) -> tuple[Receipt, ...]:
        """See the port."""
        for change in changes:
            require_sound(change)
        mine = _Waiting(changes)
        with self._queue_lock:
            self._queue.append(mine)
        with self._leading:
            while not mine.done.is_set():  # one group may not reach as far as mine
                self._lead()
        if mine.failure is not None:
            raise UnavailableError(
                "the thread that committed for several was interrupted",
                hint="repeat it under the same idempotency key; nothing was half-written",
            ) from mine.failure
        assert mine.answer is not None
        if isinstance(mine.answer, LigninError):
            raise mine.answer
        return mine.answer

    def commit_batch(self, units: Sequence[Unit]) -> list[Answer]:
        """Commit several independent units in one transaction and answer each.

        Raises:
            UnavailableError: The store cannot be written; no unit was.
        """
        refused: dict[int, Answer] = {}
        for number, unit in enumerate(units):
            try:
                for change in unit:
                    require_sound(change)
            except LigninError as error:
                refused[number] = error
        if not refused:
            return self._commit_sound(units)
        sound = [unit for number, unit in enumerate(units) if number not in refused]
        answers = iter(self._commit_sound(sound) if sound else [])
        return [refused[n] if n in refused else next(answers) for n in range(len(units))]

    def _commit_sound(self, units: Sequence[Unit]) -> list[Answer]:
        try:
            return self._commit_together(units)
        except (ConflictError, IntegrityError):
            if len(units) == 1:
                raise
        # The database itself refused something: find out whose it was, so that nobody else pays.
        return [self._commit_alone(unit) for unit in units]

    def _commit_together(self, units: Sequence[Unit]) -> list[Answer]:
        with translated_errors(self.url), writing(self._commits) as connection:
            books = read.load_books(connection, needed(units))
            plan = self._plan(units, books, self._time(connection))
            write.write_plan(connection, plan, books)
        return plan.answers

    def _plan(self, units: Sequence[Unit], books: dict[str, Book], now: datetime) -> Plan:
        return plan_batch(units, books, now)

    def _commit_alone(self, unit: Unit) -> Answer:
        try:
            return self._commit_together([unit])[0]
        except LigninError as refused:
            return refused

    @contextmanager
    def view(self, space: str) -> Iterator[View]:
        """See the port."""
        with translated_errors(self.url), reading(self.engine) as connection:
            position = read.read_position(connection, space)
            if position is None:
                raise NotFoundError(f"no space {space!r}", hint="`lignin space create`")
            yield read.SqlView(connection, space, position)

    def spaces(self) -> Sequence[str]:
        """See the port."""
        with translated_errors(self.url), reading(self.engine) as connection:
            return read.read_spaces(connection)

    def now(self) -> datetime:
        """See the port."""
        if self.engine.dialect.name == "sqlite":
            return self.clock.now()
        with translated_errors(self.url), reading(self.engine) as connection:
            return read.read_clock(connection)

    def watch(self, ring: Callable[[], None]) -> AbstractContextManager[None]:
        """See the port."""
        return watching(self.engine.url, ring)

    def seal(self, space: str, stream: str) -> int:
        """Join a record stream's small segments into full ones; return how many were joined."""
        with translated_errors(self.url), writing(self._commits) as connection:
            read.lock_book(connection, space)  # else a purge in between would be undone
            return write.seal_stream(connection, space, stream)

    def checkpoint(self) -> None:
        """Fold SQLite's write-ahead log into the file (elsewhere: nothing)."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect() as connection:
                connection.execute(text("pragma wal_checkpoint(truncate)"))

    def close(self) -> None:
        """See the port."""
        self.engine.dispose()
        self._commits.dispose()

    def _lead(self) -> None:
        with self._queue_lock:
            group, self._queue = self._queue[: self.max_group], self._queue[self.max_group :]
        try:
            for waiting, answer in zip(
                group, self._commit_sound([waiting.unit for waiting in group]), strict=True
            ):
                waiting.answer = answer
        except LigninError as error:
            for waiting in group:
                waiting.answer = error
        except BaseException as error:
            for waiting in group:
                waiting.failure = error
            raise
        finally:
            for waiting in group:
                waiting.done.set()

    def _time(self, connection: object) -> datetime:
        if self.engine.dialect.name == "sqlite":
            return self.clock.now()
        return read.read_clock(connection)  # type: ignore[arg-type]


def _after_fork() -> None:
    for ledger in list(_open_ledgers):
        ledger.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

"""The engine's database: DBOS's tables, two of ours beside them, and the settings both need.

Of DBOS this uses the system database alone (claims under concurrency and rate, ownership tokens, recorded
operations, forks), not its process-wide runtime: that one allows one engine per process, parks a thread
for every run it lost, and reads pickles. DBOS's version is pinned to a minor one for that reason.

SQLite is in WAL mode with `synchronous=FULL`: what was committed survives a power failure, where the disk
honours `fsync`.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from dbos import _serialization
from dbos._serialization import DBOSPortableJSONSerializer
from dbos._sys_db import SystemDatabase, db_retry
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from lignin.domain.errors import IntegrityError, UnavailableError

SCHEMA = "lignin_engine"
APPLICATION = "lignin"
VERSION = "1"
"""One version for good: bodies are looked up by kind, and what varies is data."""
RUN = "lignin.run"
BUSY_TIMEOUT_MS = 60_000
IDLE_IN_TRANSACTION_MS = 4_000
"""Shorter than a lease, so that a frozen worker's locks are gone when its runs are taken over."""

_T = TypeVar("_T")
_PLACE = "lignin_own"
_own = sa.MetaData()
workers = sa.Table(
    "lignin_workers",
    _own,
    sa.Column("worker_id", sa.Text, primary_key=True),
    sa.Column("lease_until_ms", sa.BigInteger, nullable=False),
    schema=_PLACE,
)
queues = sa.Table(
    "lignin_queues",
    _own,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("paused", sa.Boolean, nullable=False),
    schema=_PLACE,
)
# DBOS stamps rows to the second on SQLite, which would lose the order in which runs came.
_MILLISECONDS = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
_STAMP = f"""
CREATE TRIGGER IF NOT EXISTS lignin_run_made AFTER INSERT ON workflow_status
BEGIN UPDATE workflow_status SET created_at = {_MILLISECONDS}
WHERE workflow_uuid = NEW.workflow_uuid; END
"""  # noqa: S608 - a constant


class Database:
    """A connection pool on the engine's tables, which it makes where they are missing.

    Raises:
        UnavailableError: The database cannot be reached or written.
    """

    def __init__(self, url: str) -> None:
        _refuse_pickles()
        logging.getLogger("dbos").addHandler(logging.NullHandler())
        self.is_sqlite = url.startswith("sqlite")
        self._pool = _sqlite(url) if self.is_sqlite else _postgres(url)
        self.dbos = SystemDatabase.create(
            system_database_url=url,
            engine_kwargs={},
            engine=self._pool,
            schema=SCHEMA,
            serializer=DBOSPortableJSONSerializer(),
            executor_id=None,
            use_listen_notify=False,
            app_name=APPLICATION,
        )
        if self.is_sqlite:
            self.dbos._now_ms_sql = lambda: sa.cast(  # type: ignore[method-assign]
                sa.literal_column(_MILLISECONDS), sa.BigInteger
            )
            self.dbos._begin = self._begin_at_once  # type: ignore[method-assign]
        schema = None if self.is_sqlite else SCHEMA
        translate = {**self.dbos.engine.get_execution_options()["schema_translate_map"]}
        self.engine = self.dbos.engine.execution_options(
            schema_translate_map={**translate, _PLACE: schema}
        )
        self._reading = self.engine
        if not self.is_sqlite:  # one round trip in place of three
            self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self.tables = self.dbos.tables
        self._file = Path(url.removeprefix("sqlite:///")) if self.is_sqlite else None
        self._renewing, self._renewals = threading.Lock(), 0
        try:
            self._make()
            self._inode = self._seen_inode()
        except (SQLAlchemyError, OSError) as error:
            self.close()
            raise UnavailableError(
                f"the engine's database cannot be opened: {str(error).splitlines()[0]:.300}",
                hint="check the store's URL, the server, and the rights of its user",
            ) from error

    def _make(self) -> None:
        with self.engine.begin() as connection:
            if self.is_sqlite and sa.inspect(connection).has_table("lignin_queues"):
                known = connection.execute(sa.text("SELECT version FROM dbos_migrations")).scalar()
                if known is not None and known >= _sqlite_version():
                    return
        self.dbos.run_migrations()
        self.dbos.create_application_version(VERSION)
        with self.engine.begin() as connection:
            if self.is_sqlite:
                connection.execute(sa.text("BEGIN IMMEDIATE"))
                connection.execute(sa.text(_STAMP))
            else:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7101914513)"))
            _own.create_all(connection)

    def renew_if_lost(self) -> None:
        """Begin with an empty database where the file was deleted or replaced under this process.

        Connections would go on with a file that nobody else sees. What runs here finds no owner at its next
        verb and stops; the ledger says what is to be begun anew.
        """
        with self._renewing:
            if self._file is not None and self._is_lost():
                self._renew(self._file)

    def _is_lost(self) -> bool:
        if self._seen_inode() != self._inode:
            return True
        with self.engine.connect() as connection:  # a file made since may have the same number
            return not sa.inspect(connection).has_table("lignin_queues")

    def _renew(self, file: Path) -> None:
        if not file.exists():
            fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
            Database(f"sqlite:///{fresh}").close()
            for left in (
                "-wal",
                "-shm",
            ):  # of the file that is gone: it would be read into the new one
                file.with_name(file.name + left).unlink(missing_ok=True)
            with suppress(FileExistsError):  # another process was quicker
                os.link(fresh, file)  # whole at once: nobody sees it without its tables
            fresh.unlink()
        self._pool.dispose()
        self._make()  # a connection that was just being opened may have left an empty file
        self._inode, self._renewals = self._seen_inode(), self._renewals + 1

    def _seen_inode(self) -> int:
        try:
            return self._file.stat().st_ino if self._file else 0
        except FileNotFoundError:
            return 0

    @contextmanager
    def _begin_at_once(self, isolation: str | None) -> Iterator[sa.Connection]:
        """A transaction for taking runs. SQLite's driver begins one with the first write only, so that
        two processes would count the running ones at once and both take up what room there is."""
        assert isolation is None, "SQLite has one level"
        with self.dbos.engine.begin() as connection:
            connection.execute(sa.text("BEGIN IMMEDIATE"))
            yield connection

    @contextmanager
    def taking(self, queue: str) -> Iterator[bool]:
        """Whether this process alone may take from a queue while the block lasts.

        Postgres would let two workers count the running ones at once and each take another run, where a
        more urgent one came in between; on SQLite taking begins with the write lock.
        """
        if self.is_sqlite:
            yield True
            return
        lock = sa.select(
            sa.func.pg_try_advisory_xact_lock(sa.func.hashtextextended(f"{SCHEMA}/{queue}", 0))
        )
        with self.engine.begin() as connection:
            yield bool(connection.execute(lock).scalar())

    @property
    def now_ms(self) -> sa.ColumnElement[int]:
        """The store's clock in milliseconds, as an expression."""
        now: sa.ColumnElement[int] = self.dbos._now_ms_sql()
        return now

    def write(self, do: Callable[[sa.Connection], _T]) -> _T:
        """Do something in one transaction; again, where the connection was lost on the way.

        `do` must then be harmless to repeat: a commit whose answer was lost is done twice.
        """

        def once() -> _T:
            with self.engine.begin() as connection:
                return do(connection)

        return self._tried(once)

    def read(self, query: "sa.Select[Any] | sa.CompoundSelect[Any]") -> list[Any]:
        """The rows of a query."""

        def once() -> list[Any]:
            with self._reading.connect() as connection:
                return list(connection.execute(query).mappings())

        return self._tried(once)

    def _tried(self, once: Callable[[], _T]) -> _T:
        trial, renewals = db_retry(sys_db=self.dbos)(once), self._renewals
        try:
            return trial()
        except OperationalError:  # no such table: the file was lost a moment ago
            self.renew_if_lost()
            if self._renewals == renewals:
                raise
            return trial()

    def insert(self, table: sa.Table) -> Any:
        """An insert of this dialect, which knows `on_conflict_do_...`."""
        return self.dbos.dialect.insert(table)

    def close(self) -> None:
        """Close every connection that nobody uses any more."""
        self.dbos.destroy()
        self._pool.dispose()


def _sqlite_version() -> int:
    from dbos._migration import sqlite_migrations

    return len(sqlite_migrations)


def _sqlite(url: str) -> sa.Engine:
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    engine = sa.create_engine(
        url, poolclass=sa.QueuePool, pool_size=8, max_overflow=56, pool_timeout=60
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


def _postgres(url: str) -> sa.Engine:
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=8,
        max_overflow=8,  # a server takes 100 connections by default
        pool_timeout=60,
        pool_pre_ping=True,
        connect_args={"application_name": "lignin-engine"},
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_IN_TRANSACTION_MS}")
        connection.commit()

    return engine


def _refuse_pickles() -> None:
    """DBOS unpickles whatever row says that it is a pickle, whichever serializer is set: writing to the
    database would be running code here. There are no pickles of ours."""

    def refuse(_self: object, _value: object) -> Any:
        raise IntegrityError(
            "a row of the engine's database holds a pickle, which is never read",
            hint="somebody else wrote it: find out who may write to the database",
        )

    _serialization.DefaultSerializer.serialize = refuse  # type: ignore[method-assign,assignment]
    _serialization.DefaultSerializer.deserialize = refuse  # type: ignore[method-assign,assignment]

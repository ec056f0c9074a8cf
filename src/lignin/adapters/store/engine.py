"""Opening a store by URL: connections, pragmas, schema, and what the database's errors mean."""

import contextlib
import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import IntegrityError as ConstraintError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool

from lignin.adapters.store import tables
from lignin.domain.errors import (
    ConflictError,
    IntegrityError,
    InvalidRequestError,
    LigninError,
    NotFoundError,
    UnavailableError,
)

BUSY_TIMEOUT_MS = 60_000
POOL_SIZE = 8
MAX_OVERFLOW = 24
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "fuse.s3fs", "9p", "afs", "ceph"}
)
MIN_FREE_BYTES = 2**20
"""With less room, SQLite's I/O errors are about the room."""
_FULL = ("disk is full", "No space left")
_AWAY = ("08", "57P")
"""SQLSTATE classes of a connection that failed, and of a server that stops or starts."""
_DAMAGED = ("Could not decode", "malformed", "not a database", "no such table", "no such column")
_migrating = threading.Lock()


def open_engine(url: str, *, create: bool = True) -> Engine:
    """Return an engine for `sqlite:///path` or `postgresql://...`, its schema current.

    Args:
        create: Make the store where there is none yet.

    Raises:
        ConflictError: The database holds another program's tables.
        NotFoundError: There is no store, and none is to be made.
        IntegrityError: The file is damaged.
        InvalidRequestError: The URL is malformed, of another backend, or on a network file system.
        UnavailableError: The store cannot be opened, or a newer Lignin wrote it.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidRequestError(f"store URL {url!r:.80} does not parse") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = _open_sqlite(parsed.database, create)
    elif backend == "postgresql":
        engine = _open_postgres(parsed.set(drivername="postgresql+psycopg"))
    else:
        raise InvalidRequestError(
            f"no store on {backend!r}", hint="use a sqlite:///path or postgresql:// URL"
        )
    place = parsed.render_as_string(hide_password=True)
    with translated_errors(place):
        try:
            _require_schema(engine, place, create)
        except UnicodeDecodeError as error:  # what SQLite says of a damaged schema quotes it
            raise explained(place, f"malformed: {error.object!r:.200}", None) from error
    return engine


def _open_sqlite(database: str | None, create: bool) -> Engine:
    if not database or database == ":memory:":
        raise InvalidRequestError("a store needs a file", hint="use sqlite:///path/to/ledger.db")
    path = Path(database)
    if not create and not (path.exists() and path.stat().st_size):
        raise _no_store(str(path))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(
            f"cannot make the folder {path.parent}: {error.strerror}",
            hint="choose another folder with LIGNIN_HOME or LIGNIN_STORE",
        ) from error
    _refuse_network_file_system(path.parent.resolve())
    make_private(path)
    return _create(make_url(f"sqlite:///{path}"), POOL_SIZE, MAX_OVERFLOW)


def _require_own(place: str, there: set[str]) -> None:
    """Refuse a database that holds tables, and none of ours."""
    if there and not there & {"alembic_version", *tables.metadata.tables}:
        raise ConflictError(
            f"the database {place} holds another program's tables: "
            f"{', '.join(sorted(there))[:200]}",
            hint="name a database of Lignin's own; nothing was changed",
        )


def _no_store(place: str) -> NotFoundError:
    return NotFoundError(
        f"there is no store at {place}",
        hint="check LIGNIN_STORE and LIGNIN_HOME: only what uses a store makes one",
    )


def make_private(path: Path) -> None:
    """Make a new store's file for its owner only; SQLite gives `-wal` and `-shm` the same mode."""
    with contextlib.suppress(OSError):  # there already, or SQLite says better why it cannot be
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def twin(engine: Engine) -> Engine:
    """Another engine on the same store with few connections of its own.

    For commits: threads that hold views may use up the pool, and still commit.
    """
    return _create(engine.url, 1, 3)


def _create(url: URL, size: int, overflow: int) -> Engine:
    pool: dict[str, Any] = {"pool_size": size, "max_overflow": overflow}
    if url.get_backend_name() == "postgresql":
        return create_engine(url, isolation_level="READ COMMITTED", pool_pre_ping=True, **pool)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        **pool,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_postgres(url: URL) -> Engine:
    try:
        return _create(url, POOL_SIZE, MAX_OVERFLOW)
    except ImportError as error:
        raise UnavailableError(
            "the Postgres driver is not installed", hint="pip install 'lignin[postgres]'"
        ) from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL with FULL: the pair that lost nothing at any cut point (trust note, section 4)."""
    connection.isolation_level = None  # we begin transactions ourselves, immediate when writing
    cursor = connection.cursor()
    cursor.execute(f"pragma busy_timeout={BUSY_TIMEOUT_MS}")
    _refuse_foreign(connection, cursor)
    cursor.execute("pragma journal_mode=wal")
    cursor.execute("pragma synchronous=full")
    cursor.execute("pragma foreign_keys=on")
    cursor.close()


def _refuse_foreign(connection: Any, cursor: Any) -> None:
    """Look before the journal is turned to WAL, which changes the file; ours have it.

    Only ever through SQLite: a file that this process opens and closes by itself takes with it every lock that
    the process holds on it, and then another one removes the journal in which this one goes on writing.
    """
    (mode,) = cursor.execute("pragma journal_mode").fetchone()
    if mode == "wal":
        return
    found = cursor.execute("select name from sqlite_master where type = 'table'").fetchall()
    place = cursor.execute("pragma database_list").fetchone()[2]
    try:
        _require_own(place, {str(name) for (name,) in found if not name.startswith("sqlite_")})
    except ConflictError:
        connection.close()
        raise


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("lignin_writing", False)
    driver: Any = connection.connection.driver_connection  # by the short way: it is in every view
    driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction: the lock first, so that a busy store never aborts half-way."""
    with engine.connect() as plain:
        connection = plain.execution_options(lignin_writing=True)
        with connection.begin():
            yield connection


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One snapshot: every statement sees the same instant."""
    with engine.connect() as plain:
        connection = plain
        if engine.dialect.name == "postgresql":
            connection = plain.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def _require_schema(engine: Engine, place: str, create: bool) -> None:
    version = _schema_version(engine)
    if version == tables.HEAD_REVISION:
        return
    if version is None and not create:
        raise _no_store(place)
    from lignin.adapters.store.migrate import known_revisions, upgrade

    if version is not None and version not in known_revisions():
        raise UnavailableError(
            f"the store has schema {version}, this program knows up to {tables.HEAD_REVISION}",
            hint="a newer Lignin wrote it: upgrade this program; nothing was changed",
        )
    with _migrating:
        upgrade(engine)


def _schema_version(engine: Engine) -> str | None:
    """The schema's version; None where the database holds no store."""
    with reading(engine) as connection:
        found = None
        if inspect(connection).has_table("alembic_version"):
            found = connection.execute(text("select version_num from alembic_version")).scalar()
        if found is not None:
            return str(found)
        there = set(inspect(connection).get_table_names())
        if known := there & set(tables.metadata.tables):
            raise IntegrityError(
                f"the database {engine.url.render_as_string()} has {', '.join(sorted(known))}, "
                "and not the version of their schema",
                hint="restore a backup; or name a database of Lignin's own",
            )
        _require_own(engine.url.render_as_string(), there)
        return None


def _refuse_network_file_system(folder: Path) -> None:
    try:
        # Any bytes name a folder.
        mounts = Path("/proc/self/mounts").read_text(errors="surrogateescape")
    except OSError:
        return  # not Linux: nothing to ask
    require_local(folder, mounts)


def require_local(folder: Path, mounts: str) -> None:
    """Raise where a folder is on a network file system.

    Args:
        folder: Absolute path without symbolic links.
        mounts: Text of `/proc/self/mounts`; of two mounts at one point the later one counts.

    Raises:
        InvalidRequestError: It is.
    """
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _unescaped(fields[1])
        inside = str(folder) == point or str(folder).startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    if kind in _NETWORK_FILE_SYSTEMS:
        raise InvalidRequestError(
            f"{folder} is on a network file system ({kind}), where SQLite loses locks",
            hint="use a local folder, or a postgresql:// store for several hosts",
        )


def _unescaped(field: str) -> str:
    """A path as `/proc/self/mounts` writes it: blank, tab, newline and backslash in octal."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)


@contextlib.contextmanager
def translated_errors(place: str) -> Iterator[None]:
    """Say what a database error means to the person who gets it."""
    try:
        yield
    except LigninError:
        raise
    except (OperationalError, InterfaceError, sqlite3.OperationalError) as error:
        detail = str(getattr(error, "orig", error))
        refusal = explained(place, detail, _free_bytes(place))
        if _is_away(error):
            refusal.fields = {**refusal.fields, "is_away": True}
        raise refusal from error
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"{error.object!a:.100} is not valid text: it cannot be stored or looked up",
            hint="write it in UTF-8",
        ) from error
    except DataError as error:
        raise InvalidRequestError(f"a text that the store cannot hold: {error}") from error
    except PoolTimeoutError as error:
        raise UnavailableError(
            f"{POOL_SIZE + MAX_OVERFLOW} views of the store {place} are open at once",
            hint="close views sooner, or use fewer threads",
        ) from error
    except ConstraintError as error:
        raise ConflictError(
            f"another process wrote the same key at the same time: {error.orig}",
            hint="repeat the command",
        ) from error
    except (DBAPIError, sqlite3.DatabaseError) as error:
        detail = str(getattr(error, "orig", error))
        raise IntegrityError(
            f"the store {place} cannot be used: {detail}",
            hint="run `lignin store verify`; if the file is damaged, restore a backup",
        ) from error


def _is_away(error: Exception) -> bool:
    """Whether there was no server at the other end: it restarts, or a connection to it broke."""
    if isinstance(error, sqlite3.Error) or not isinstance(error, DBAPIError):
        return False
    said = error.orig
    if isinstance(said, sqlite3.Error):
        return False
    state = getattr(said, "sqlstate", None)
    return state is None or state.startswith(_AWAY)


def explained(place: str, detail: str, free_bytes: int | None) -> LigninError:
    """What a database's refusal means.

    Args:
        detail: What the database said.
        free_bytes: Room where the store is; None where nobody knows. SQLite calls a disk without any
            room an I/O error where it has to map its shared memory.
    """
    if any(words in detail for words in _DAMAGED):
        return IntegrityError(
            f"the store {place} is damaged: {detail.partition(' with text ')[0]}",
            hint="`lignin store verify` names what is damaged; restore a backup",
        )
    cramped = free_bytes is not None and free_bytes < MIN_FREE_BYTES
    hint = "try again; nothing was half-written"
    if any(words in detail for words in _FULL) or (cramped and _is_about_files(detail)):
        detail = f"the disk is full ({detail})"
        hint = "free some disk space and repeat the command; nothing was half-written"
    elif "readonly" in detail or _is_about_files(detail):
        hint = "check that the folder exists and may be written, or set LIGNIN_HOME"
    elif "locked" in detail:
        hint = "another process holds the store for long; try again"
    return UnavailableError(f"the store {place} is not available: {detail}", hint=hint)


def _is_about_files(detail: str) -> bool:
    return "disk I/O error" in detail or "unable to open" in detail


def _free_bytes(place: str) -> int | None:
    """Room for a SQLite store to grow; 0 where no file can be added."""
    try:
        found = os.statvfs(Path(make_url(place).database or "").parent)
    except (ArgumentError, OSError, ValueError):
        return None
    if found.f_files and not found.f_favail:
        return 0
    return found.f_bavail * found.f_frsize

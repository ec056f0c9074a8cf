"""Copies of a store: from any backend to any other, resumable, the chain checked on the way.

A copy goes on where an interrupted one stopped: each batch of the log is committed together with
the rows it leads to, so the target is at every moment a sound, shorter store.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, text
from sqlalchemy import Row as SqlRow

from lignin.adapters.store import read, tables
from lignin.adapters.store.audit import (
    BATCH,
    Progress,
    file_faults,
    log_pages,
    stored_spaces,
    verify_space,
)
from lignin.adapters.store.engine import reading, translated_errors, writing
from lignin.adapters.store.ledger import SqlLedger
from lignin.adapters.store.segments import decode_segment
from lignin.adapters.store.write import (
    forget_stream,
    insert_blob,
    insert_or_ignore,
    row_values,
    segment_values,
)
from lignin.domain.errors import ConflictError, IntegrityError, UnavailableError
from lignin.domain.events import GENESIS, RECORDS_APPENDED, Event, link_event
from lignin.domain.states import Row, reduce_event

MAX_TOLD = 3
"""Faults that a refusal repeats; `verify` names all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyReport:
    """What a copy did in one space; `resumed_at` is the position it went on from (0: anew)."""

    space: str
    events: int
    resumed_at: int
    head: str


def copy_store(
    source: SqlLedger,
    target: SqlLedger,
    progress: Progress = lambda *_: None,
    *,
    step: int = BATCH,
) -> tuple[CopyReport, ...]:
    """Copy every space of one store into another.

    Args:
        progress: Told (space, position, end) after every step; what it raises stops the copy.
        step: Events that are held in memory and committed to the target at once.

    Raises:
        ConflictError: The target is the source, or holds a space of the same name with another
            history.
        IntegrityError: The source's chain does not verify; what was copied before is sound.
    """
    if _whereabouts(source) == _whereabouts(target):
        raise ConflictError(
            f"{target.engine.url.render_as_string()} is this store itself",
            hint="name another file or database",
        )
    return tuple(_copy_space(source, target, space, progress, step) for space in source.spaces())


def _whereabouts(ledger: SqlLedger) -> tuple[object, ...]:
    """What two ledgers on one store have in common, however its URL is spelled."""
    if ledger.engine.dialect.name == "sqlite":
        file = Path(str(ledger.engine.url.database)).stat()
        return (file.st_dev, file.st_ino)
    with translated_errors(ledger.url), reading(ledger.engine) as connection:
        found = connection.execute(
            text(
                "select oid, pg_postmaster_start_time() from pg_database "
                "where datname = current_database()"
            )
        ).one()
    return tuple(found)


def backup(source: SqlLedger, path: Path) -> None:
    """Write a consistent copy of the store into one new SQLite file, while others go on writing.

    The copy gets its name only when it verifies.

    Raises:
        ConflictError: The file exists.
        IntegrityError: The copy does not verify; nothing is left of it.
        UnavailableError: The file cannot be written.
    """
    if path.exists():
        raise ConflictError(f"{path} exists already", hint="name a new file")
    partial = path.with_name(path.name + ".partial")
    try:
        _remove(partial)
        try:
            snapshot(source, partial)
            _require_sound_file(partial, source)
            partial.rename(path)
        finally:
            _remove(partial)
    except (OSError, sqlite3.Error) as error:
        raise UnavailableError(
            f"cannot write {path}: {error}", hint="check folder and disk"
        ) from error


def snapshot(source: SqlLedger, path: Path) -> None:
    """Write the store as it is, sound or not, into a new file that only its owner reads."""
    if source.engine.dialect.name == "sqlite":
        _copy_pages(source, path)
        return
    copied = SqlLedger(f"sqlite:///{path}", source.clock)
    try:
        copy_store(source, copied)
        copied.checkpoint()
    finally:
        copied.close()


def _remove(path: Path) -> None:
    for end in ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _require_sound_file(path: Path, source: SqlLedger) -> None:
    copied = SqlLedger(f"sqlite:///{path}", source.clock, create=False)
    try:
        require_sound(copied)
    finally:
        copied.close()


def require_sound(ledger: SqlLedger, progress: Progress = lambda *_: None) -> None:
    """Raise IntegrityError where `store verify` would find a fault: nothing is made from such a store."""
    faults = list(file_faults(ledger))
    for space in stored_spaces(ledger):
        faults += [f"{space}: {fault}" for fault in verify_space(ledger, space, progress).faults]
    if faults:
        raise IntegrityError(
            f"the store is damaged, so it is not copied: {'; '.join(faults[:MAX_TOLD])}",
            hint="`lignin store verify` names every fault; restore an older backup",
            faults=len(faults),
        )


def _copy_pages(source: SqlLedger, path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with (
        translated_errors(source.url),
        source.engine.connect() as plain,
        contextlib.closing(sqlite3.connect(path)) as target,
    ):
        inner: Any = plain.connection.dbapi_connection
        inner.backup(target)


def _copy_space(
    source: SqlLedger, target: SqlLedger, space: str, progress: Progress, step: int
) -> CopyReport:
    resumed_at, chain = _meeting_point(source, target, space)
    position = resumed_at
    with translated_errors(source.url), reading(source.engine) as connection:
        end = read.read_position(connection, space) or 0
        purged = False
        for page in log_pages(connection, space, position, step):
            batch = [read.read_event(raw) for raw in page]
            chain = _follow(chain, batch, page)
            _write_batch(connection, target, space, batch, page)
            position = batch[-1].position
            purged = purged or any(event.type == "payload.purged" for event in batch)
            progress(space, position, end)
        _copy_receipts(connection, target, space)
        _match_blobs(connection, target, space)
        if resumed_at and purged:
            _match_purges(connection, target, space)
        progress(space, position, end)
    return CopyReport(
        space=space, events=position - resumed_at, resumed_at=resumed_at, head=chain.hex()
    )


def _follow(chain: bytes, batch: Sequence[Event], page: Sequence[SqlRow[Any]]) -> bytes:
    for event, raw in zip(batch, page, strict=True):
        chain = link_event(chain, event)
        if chain != raw.chain:
            raise IntegrityError(
                f"the source's chain breaks at position {event.position} of {event.space!r}",
                hint="`lignin store verify` names the fault; what was copied is sound",
            )
    return chain


def _meeting_point(source: SqlLedger, target: SqlLedger, space: str) -> tuple[int, bytes]:
    """Where the target stands, after checking that its end is a point of the source's log."""
    table = tables.book
    query = select(table).where(table.c.space == space)
    with reading(target.engine) as connection:
        book = connection.execute(query).first()
    if book is None:
        return 0, GENESIS
    events = tables.event
    with reading(source.engine) as connection:
        stored = connection.execute(
            select(events.c.chain).where(
                events.c.space == space, events.c.position == book.position
            )
        ).scalar()
    if stored is None or bytes(stored) != bytes(book.chain):
        raise ConflictError(
            f"the target's space {space!r} has another history", hint="copy into an empty store"
        )
    return int(book.position), bytes(book.chain)


def _write_batch(
    connection: Connection,
    target: SqlLedger,
    space: str,
    batch: Sequence[Event],
    page: Sequence[SqlRow[Any]],
) -> None:
    streams = {event.stream for event in batch}
    with translated_errors(target.url), writing(target.engine) as out:
        book = read.lock_book(out, space)
        if (book.position if book else 0) != batch[0].position - 1:
            raise ConflictError(
                f"somebody writes to the target's space {space!r}", hint="stop it and copy again"
            )
        rows: dict[str, Row] = dict(read.SqlView(out, space, 0).rows(streams))
        known = set(rows)
        for event in batch:
            rows[event.stream] = reduce_event(rows.get(event.stream), event)
        _replace_rows(out, space, rows, known)
        _insert_events(out, page)
        _copy_segments(connection, out, space, batch)
        _copy_blobs(connection, out, space, streams)
        last = batch[-1]
        values = {"space": space, "position": last.position, "chain": page[-1].chain}
        out.execute(delete(tables.book).where(tables.book.c.space == space))
        out.execute(insert(tables.book), {**values, "last_at": last.at})


def _insert_events(out: Connection, page: Sequence[SqlRow[Any]]) -> None:
    """Insert rows as they were read, by the quickest way each driver has."""
    names = [column.name for column in tables.event.c]
    if out.dialect.name == "postgresql":
        driver: Any = out.connection.driver_connection
        listed = ", ".join(f'"{name}"' for name in names)
        with driver.cursor() as cursor, cursor.copy(f"COPY event ({listed}) FROM STDIN") as copy:
            for raw in page:
                copy.write_row(tuple(raw))
        return
    listed, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" for _ in names)
    statement = f"insert into event ({listed}) values ({marks})"  # noqa: S608 - our own names
    out.exec_driver_sql(statement, [tuple(raw) for raw in page])


def _replace_rows(out: Connection, space: str, rows: dict[str, Row], known: set[str]) -> None:
    table = tables.row
    for chunk in _chunked(sorted(known)):
        out.execute(delete(table).where(table.c.space == space, table.c.stream.in_(chunk)))
    out.execute(insert(table), [row_values(space, row) for row in rows.values()])


def _copy_segments(
    connection: Connection, out: Connection, space: str, batch: Sequence[Event]
) -> None:
    """Copy just the records that the batch appended; a stored segment may hold others as well."""
    spans: dict[str, tuple[int, int]] = {}
    for event in batch:
        if event.type == RECORDS_APPENDED:
            first = spans.get(event.stream, (event.payload["first_seq"], 0))[0]
            spans[event.stream] = (first, event.seq)
    table = tables.segment
    copied = []
    for stream, (first, last) in spans.items():
        query = select(table).where(
            table.c.space == space,
            table.c.stream == stream,
            table.c.last_seq >= first,
            table.c.first_seq <= last,
        )
        for raw in connection.execute(query):
            values = dict(raw._mapping)
            if raw.first_seq < first or raw.last_seq > last:
                segment = decode_segment(bytes(raw.data), space=space, stream=stream)
                values = segment_values(space, stream, segment.within(first, last))
            copied.append(values)
    if copied:
        out.execute(insert(table), copied)


def _copy_blobs(connection: Connection, out: Connection, space: str, streams: set[str]) -> None:
    """Make the references of some streams those of the source."""
    refs = tables.blob_ref
    for chunk in _chunked(sorted(streams)):
        query = select(refs).where(refs.c.space == space, refs.c.stream.in_(chunk))
        raws = [dict(raw) for raw in connection.execute(query).mappings()]
        have = {(raw.stream, raw.digest) for raw in out.execute(query)}
        new = [raw for raw in raws if (raw["stream"], raw["digest"]) not in have]
        for digest in sorted({raw["digest"] for raw in new}):
            insert_blob(out, digest, read.read_blob(connection, digest))
        if new:
            out.execute(insert_or_ignore(out, refs), new)


def _copy_receipts(connection: Connection, target: SqlLedger, space: str) -> None:
    """Receipts, so that repeated keys are known to the copy as well."""
    table, after = tables.receipt, ""
    query = select(table).where(
        table.c.space == space, table.c.idempotency_key > bindparam("after")
    )
    query = query.order_by(table.c.idempotency_key).limit(BATCH)
    while raws := connection.execute(query, {"after": after}).mappings().all():
        after = raws[-1]["idempotency_key"]
        with translated_errors(target.url), writing(target.engine) as out:
            out.execute(insert_or_ignore(out, table), [dict(raw) for raw in raws])


def _match_blobs(connection: Connection, target: SqlLedger, space: str) -> None:
    """Refer in the target to what the source refers to: no more, since it forgets, and no less.

    A blob may belong to a stream that has no event, and a reference may end without one.
    """
    refs = tables.blob_ref
    query = select(refs.c.stream).where(refs.c.space == space).distinct().order_by(refs.c.stream)
    here = list(connection.execute(query).scalars())
    with translated_errors(target.url), reading(target.engine) as there:
        gone = set(there.execute(query).scalars()) - set(here)
    with translated_errors(target.url), writing(target.engine) as out:
        for stream in sorted(gone):
            forget_stream(out, space, stream)
    for streams in _chunked(here):
        with translated_errors(target.url), writing(target.engine) as out:
            _copy_blobs(connection, out, space, set(streams))


def _match_purges(connection: Connection, target: SqlLedger, space: str) -> None:
    """Purge in the target what the source has purged since the copy before."""
    table, after = tables.segment, ""
    streams = select(table.c.stream).where(table.c.space == space, table.c.stream > bindparam("s"))
    streams = streams.distinct().order_by(table.c.stream).limit(1)
    while after := connection.execute(streams, {"s": after}).scalar() or "":
        mine = (table.c.space == space, table.c.stream == after)
        raws = [dict(raw) for raw in connection.execute(select(table).where(*mine)).mappings()]
        if any(decode_segment(raw["data"], space=space, stream=after).purged for raw in raws):
            with translated_errors(target.url), writing(target.engine) as out:
                out.execute(delete(table).where(*mine))
                out.execute(insert(table), raws)


def _chunked(items: list[str]) -> Iterable[list[str]]:
    return (items[start : start + read.CHUNK] for start in range(0, len(items), read.CHUNK))

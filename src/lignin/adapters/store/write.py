"""Writing a plan: every statement of a commit, inside the caller's transaction."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import zstandard
from sqlalchemy import (
    Column,
    Connection,
    Table,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)

from lignin.adapters.store import segments, tables
from lignin.adapters.store.read import MAX_CHUNK_BYTES, chunked
from lignin.adapters.store.segments import (
    Segment,
    decode_segment,
    encode_segment,
    encode_segments,
    join_segments,
)
from lignin.adapters.store.watching import CHANNEL
from lignin.domain.codec import plain_text
from lignin.domain.commits import Append, Book, Plan
from lignin.domain.errors import IntegrityError
from lignin.domain.events import RECORDS_APPENDED, Actor, Blob, Event, Purge
from lignin.domain.states import Row
from lignin.ports.ledger import RUNG

SEAL_RECORDS = 256
"""A segment with at least so many records is full and is not joined any further."""
SEAL_BYTES = 2**20
"""So is one with so many stored bytes."""
MAX_JOINED_BYTES = 2**24
"""Contents of one segment that sealing makes: reading a record decodes its whole segment."""
MAX_TAIL = 64
"""So many small segments of one stream are joined by the commit that adds the next."""

_BLOBS_LOCK = 0x6C69676E626C  # "lignbl"
_blobs_exclusive = text(f"select pg_advisory_xact_lock({_BLOBS_LOCK})")
_blobs_shared = text(f"select pg_advisory_xact_lock_shared({_BLOBS_LOCK})")
_notify = text(f"notify {CHANNEL}")
_insert_event = insert(tables.event)
_insert_row = insert(tables.row)
_update_row = (
    update(tables.row)
    .where(tables.row.c.space == bindparam("b_space"), tables.row.c.stream == bindparam("b_stream"))
    .values({name: bindparam(f"b_{name}") for name in ("seq", "state", "parent", "due_at", "body")})
)
_update_book = (
    update(tables.book)
    .where(tables.book.c.space == bindparam("b_space"))
    .values({name: bindparam(f"b_{name}") for name in ("position", "chain", "last_at")})
)


def write_plan(connection: Connection, plan: Plan, books: Mapping[str, Book]) -> None:
    """Write all that a plan holds; `books` say where each space's log ends now."""
    if not plan.events:
        return
    _write_books(connection, plan, books)
    connection.execute(_insert_event, [_event_values(*item) for item in plan.events])
    _write_rows(connection, plan)
    if plan.appends:
        _write_appends(connection, plan.appends)
    if plan.receipts:
        connection.execute(
            insert(tables.receipt),
            [
                {
                    "space": receipt.space,
                    "idempotency_key": key,
                    "first_position": receipt.first_position,
                    "last_position": receipt.last_position,
                    "event_ids": plain_text(receipt.event_ids),
                }
                for key, receipt in plan.receipts
            ],
        )
    if plan.blobs or plan.forgets:
        _lock_blobs(connection, exclusive=bool(plan.forgets))
    if plan.blobs:
        write_blobs(connection, plan.blobs)
    for space, stream in plan.forgets:
        forget_stream(connection, space, stream)
    for space, purge in plan.purges:
        _purge(connection, space, purge)
    if connection.dialect.name == "postgresql" and _is_rung(plan):
        connection.execute(_notify)  # heard when this is committed


def _is_rung(plan: Plan) -> bool:
    return any(event.stream.partition("/")[0] in RUNG for event, _, _ in plan.events)


def _lock_blobs(connection: Connection, *, exclusive: bool) -> None:
    """Keep "nobody refers to it any more" true until the commit that deletes the bytes.

    Books lock spaces, blobs are global: without this, one space could forget a blob while another
    begins to refer to it. SQLite has one writer at a time and needs nothing.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_blobs_exclusive if exclusive else _blobs_shared)


def _write_books(connection: Connection, plan: Plan, books: Mapping[str, Book]) -> None:
    firsts = {event.space: event.position for event, _, _ in reversed(plan.events)}
    for space, first in firsts.items():
        book = books[space]
        values = {"space": space, "position": book.position, "chain": book.chain}
        values["last_at"] = book.last_at
        if first == 1:
            connection.execute(insert(tables.book), values)
        else:
            connection.execute(_update_book, {f"b_{name}": value for name, value in values.items()})


def _event_values(event: Event, payload: bytes, chain: bytes) -> dict[str, Any]:
    return {
        "space": event.space,
        "position": event.position,
        "stream": event.stream,
        "seq": event.seq,
        "event_id": event.event_id,
        "type": event.type,
        "schema_version": event.schema_version,
        "at": event.at,
        "actor": _actor_text(event.actor),
        "cause": event.cause,
        "correlation_id": event.correlation_id,
        "idempotency_key": event.idempotency_key,
        "decision_id": event.decision_id,
        "payload": payload,
        "chain": chain,
    }


@lru_cache(maxsize=256)
def _actor_text(actor: Actor) -> str:
    return plain_text(actor.to_json())


def row_values(space: str, row: Row) -> dict[str, Any]:
    """A state row as its table holds it."""
    return {
        "space": space,
        "stream": row.stream,
        "kind": row.kind,
        "seq": row.seq,
        "state": row.state,
        "parent": row.parent,
        "due_at": row.due_at,
        "body": plain_text(row.body),
    }


def _write_rows(connection: Connection, plan: Plan) -> None:
    """Insert the rows whose stream begins in this plan, update the others."""
    begun = {
        (event.space, event.stream)
        for event, _, _ in plan.events
        if event.seq == 1
        or (event.type == RECORDS_APPENDED and event.payload.get("first_seq") == 1)
    }
    fresh, changed = [], []
    for (space, stream), row in plan.rows.items():
        values = row_values(space, row)
        if (space, stream) in begun:
            fresh.append(values)
        else:
            changed.append({f"b_{name}": value for name, value in values.items()})
    if fresh:
        connection.execute(_insert_row, fresh)
    if changed:
        connection.execute(_update_row, changed)


def _write_appends(connection: Connection, appends: list[Append]) -> None:
    parts = [Segment(batches=(a.batch,), contents=a.contents, purged={}) for a in appends]
    values, streams = [], {}
    for segment, data in zip(parts, encode_segments(parts), strict=True):
        (batch,) = segment.batches
        values.append(_segment_row(batch.space, batch.stream, segment, data))
        if batch.first_seq > 1:
            streams[batch.space, batch.stream] = True
    connection.execute(insert(tables.segment), values)
    for space, stream in streams:
        if _count_small(connection, space, stream) > MAX_TAIL:
            seal_stream(connection, space, stream)


def segment_values(space: str, stream: str, segment: Segment) -> dict[str, Any]:
    """A segment as its table holds it."""
    return _segment_row(space, stream, segment, encode_segment(segment))


def _segment_row(space: str, stream: str, segment: Segment, data: bytes) -> dict[str, Any]:
    place = {"space": space, "stream": stream}
    return {**place, **segment_columns(segment, len(data)), "data": data}


def segment_columns(segment: Segment, size: int) -> dict[str, int]:
    """What the table says of a segment of `size` stored bytes beside the bytes."""
    first, last = segment.batches[0], segment.batches[-1]
    return {
        "first_seq": first.first_seq,
        "last_seq": last.first_seq + last.count - 1,
        "sealed": int(len(segment.contents) >= SEAL_RECORDS or size >= SEAL_BYTES),
    }


def _small(space: str, stream: str) -> Any:
    table = tables.segment
    return (table.c.space == space, table.c.stream == stream, table.c.sealed == 0)


def _count_small(connection: Connection, space: str, stream: str) -> int:
    query = select(tables.segment.c.first_seq).where(*_small(space, stream)).limit(MAX_TAIL + 1)
    return len(connection.execute(query).all())


def seal_stream(connection: Connection, space: str, stream: str) -> int:
    """Join neighbouring small segments of a stream; return how many went into full ones.

    What is rewritten is durable already, so a crash in between loses nothing.
    """
    table = tables.segment
    query = select(table).where(*_small(space, stream)).order_by(table.c.first_seq)
    runs: list[list[Segment]] = []
    end, size = 0, 0
    for raw in connection.execute(query):
        part = decode_segment(bytes(raw.data), space=space, stream=stream)
        more = sum(len(content) for content in part.contents if content is not None)
        if runs and end + 1 == raw.first_seq and size + more <= MAX_JOINED_BYTES:
            runs[-1].append(part)
            size += more
        else:
            runs.append([part])
            size = more
        end = raw.last_seq
    for run in runs:
        if len(run) > 1:
            whole = segment_values(space, stream, join_segments(run))
            where = (table.c.first_seq >= whole["first_seq"], table.c.last_seq <= whole["last_seq"])
            connection.execute(delete(table).where(*_small(space, stream), *where))
            connection.execute(insert(table), whole)
    return sum(len(run) for run in runs if len(run) > 1)


def write_blobs(connection: Connection, blobs: list[tuple[str, Blob]]) -> None:
    """Store blobs that are not there yet and the references to all of them.

    The plan has checked that contents hash to their digests. They are stored in order of digest,
    so that two processes which store the same ones never wait for each other.
    """
    by_digest = {blob.digest: blob.content for _, blob in blobs}
    have = _found(connection, tables.blob.c.digest, by_digest)
    for digest in sorted(by_digest.keys() - have):
        insert_blob(connection, digest, by_digest[digest])
    refs = [{"space": space, "digest": blob.digest, "stream": blob.stream} for space, blob in blobs]
    connection.execute(insert_or_ignore(connection, tables.blob_ref), refs)


def _found(connection: Connection, column: Column[str], wanted: Iterable[str]) -> set[str]:
    """Those of some values that a column holds."""
    found: set[str] = set()
    for chunk in chunked(wanted):
        found.update(connection.execute(select(column).where(column.in_(chunk))).scalars())
    return found


def insert_blob(connection: Connection, digest: str, content: bytes) -> None:
    """Store a blob's bytes in chunks; nothing happens where another process was first."""
    starts = range(0, len(content), MAX_CHUNK_BYTES) or (0,)
    chunks = [
        {
            "digest": digest,
            "number": number,
            "data": zstandard.compress(content[start : start + MAX_CHUNK_BYTES]),
        }
        for number, start in enumerate(starts)
    ]
    row = {"digest": digest, "size": len(content), "chunks": len(chunks)}
    connection.execute(insert_or_ignore(connection, tables.blob), row)
    connection.execute(insert_or_ignore(connection, tables.blob_chunk), chunks)


def insert_or_ignore(connection: Connection, table: Table) -> Any:
    """An insert that passes over rows which are there already."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgres

        return insert_postgres(table).on_conflict_do_nothing()
    from sqlalchemy.dialects.sqlite import insert as insert_sqlite

    return insert_sqlite(table).on_conflict_do_nothing()


def forget_stream(connection: Connection, space: str, stream: str) -> None:
    """End a stream's references; bytes that nobody refers to any more are deleted."""
    refs, blobs = tables.blob_ref, tables.blob
    mine = (refs.c.space == space, refs.c.stream == stream)
    digests = set(connection.execute(select(refs.c.digest).where(*mine)).scalars())
    connection.execute(delete(refs).where(*mine))
    lost = digests - _found(connection, refs.c.digest, digests)
    for chunk in chunked(lost):
        chunks = tables.blob_chunk
        connection.execute(delete(chunks).where(chunks.c.digest.in_(chunk)))
        connection.execute(delete(blobs).where(blobs.c.digest.in_(chunk)))


def _purge(connection: Connection, space: str, purge: Purge) -> None:
    table = tables.segment
    query = select(table).where(
        table.c.space == space,
        table.c.stream == purge.stream,
        table.c.first_seq <= purge.seq,
        table.c.last_seq >= purge.seq,
    )
    raw = connection.execute(query).first()
    if raw is None:
        raise IntegrityError(
            f"record {purge.seq} of {purge.stream!r} is missing", hint="run `lignin store verify`"
        )
    segment = segments.decode_segment(bytes(raw.data), space=space, stream=purge.stream)
    where = (table.c.space == space, table.c.stream == purge.stream)
    connection.execute(
        update(table)
        .where(*where, table.c.first_seq == raw.first_seq)
        .values(data=encode_segment(segment.without(purge.seq)))
    )

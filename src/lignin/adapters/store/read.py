"""Reading: books under the lock, and views of one instant."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

import zstandard
from sqlalchemy import Connection, Select, and_, bindparam, func, select, text

from lignin.adapters.store import segments, tables
from lignin.domain.codec import Digest, digest_bytes, digest_json
from lignin.domain.commits import Book, Intent, Known
from lignin.domain.errors import IntegrityError, InvalidRequestError, NotFoundError
from lignin.domain.events import RECORDS_APPENDED, Actor, Event, Receipt, Record, parse_actor
from lignin.domain.states import Row
from lignin.ports.ledger import Page

CHUNK = 400  # parameters of one IN list; SQLite allows more, Postgres plans better with few
MAX_CHUNK_BYTES = 2**20
MAX_LIMIT = 10_000
MAX_SEQ = 2**62

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading bytes back raises that are not those which were written."""

_rows_by_stream = select(tables.row).where(
    tables.row.c.space == bindparam("space"),
    tables.row.c.stream.in_(bindparam("streams", expanding=True)),
)
_row = select(tables.row).where(
    tables.row.c.space == bindparam("space"), tables.row.c.stream == bindparam("stream")
)
_receipts_by_key = select(tables.receipt).where(
    tables.receipt.c.space == bindparam("space"),
    tables.receipt.c.idempotency_key.in_(bindparam("keys", expanding=True)),
)
_segments = (
    select(tables.segment.c.data)
    .where(
        tables.segment.c.space == bindparam("space"),
        tables.segment.c.stream == bindparam("stream"),
        tables.segment.c.last_seq >= bindparam("start"),
        tables.segment.c.first_seq < bindparam("stop"),
    )
    .order_by(tables.segment.c.first_seq)
)
_book = select(tables.book).where(tables.book.c.space == bindparam("space"))
_locked_book = _book.with_for_update()
_lock_name = text("select pg_advisory_xact_lock(hashtextextended('lignin space ' || :space, 0))")


def load_books(
    connection: Connection, wanted: Mapping[str, tuple[frozenset[str], frozenset[str]]]
) -> dict[str, Book]:
    """Lock each space's book and load the rows and receipts that a batch needs.

    Spaces are locked in name order, so that two processes never wait for each other.
    """
    return {space: _load_book(connection, space, *wanted[space]) for space in sorted(wanted)}


def lock_book(connection: Connection, space: str) -> Any:
    """Hold a space's book until the transaction ends and return it; None where it has none yet.

    A space that is not there cannot be locked as a row, so on Postgres its name is locked and the
    book looked for again: of two processes that create it, the second sees what the first did.
    """
    found = connection.execute(_locked_book, {"space": space}).first()
    if found is None and connection.dialect.name == "postgresql":
        connection.execute(_lock_name, {"space": space})
        found = connection.execute(_locked_book, {"space": space}).first()
    return found


def _load_book(
    connection: Connection, space: str, streams: frozenset[str], keys: frozenset[str]
) -> Book:
    found = lock_book(connection, space)
    book = Book(rows=dict.fromkeys(streams))
    if found is not None:
        book.position, book.chain = found.position, bytes(found.chain)
        book.last_at, book.exists = found.last_at, True
    for chunk in chunked(streams):
        for raw in connection.execute(_rows_by_stream, {"space": space, "streams": chunk}):
            book.rows[raw.stream] = read_row(raw)
    for chunk in chunked(keys):
        for raw in connection.execute(_receipts_by_key, {"space": space, "keys": chunk}):
            receipt = Receipt(
                space=space,
                first_position=raw.first_position,
                last_position=raw.last_position,
                event_ids=_event_ids(raw),
            )
            book.known[raw.idempotency_key] = Known(
                receipt=receipt, intent=partial(_logged_intent, connection, receipt)
            )
    return book


def _logged_intent(connection: Connection, receipt: Receipt) -> Intent:
    """What was committed at a receipt's positions, from the log itself."""
    view = SqlView(connection, receipt.space, receipt.last_position)
    said = []
    for event in view.between(receipt.first_position, receipt.last_position):
        if event.type == RECORDS_APPENDED:
            first = int(event.payload["first_seq"])
            records = list(view.records(event.stream, first, first + int(event.payload["count"])))
            digest = digest_json([record.content_digest for record in records])
            said.append((event.stream, records[0].type, digest))
        else:
            said.append((event.stream, event.type, event.payload_digest))
    return tuple(said)


def _event_ids(raw: Any) -> tuple[str, ...]:
    try:
        return tuple(json.loads(raw.event_ids))
    except UNREADABLE as error:
        raise corrupt(f"the receipt of {raw.idempotency_key!r}", error) from error


def read_row(raw: Any) -> Row:
    """A state row from its table row."""
    try:
        return Row(
            stream=raw.stream,
            kind=raw.kind,
            seq=raw.seq,
            body=_stored_object(raw.body),
            state=raw.state,
            parent=raw.parent,
            due_at=raw.due_at,
        )
    except UNREADABLE as error:
        raise corrupt(f"the row of {raw.stream!r}", error) from error


def read_event(raw: Any) -> Event:
    """An event from its table row."""
    try:
        payload = bytes(raw.payload)
        return Event(
            space=raw.space,
            position=raw.position,
            stream=raw.stream,
            seq=raw.seq,
            event_id=raw.event_id,
            type=raw.type,
            schema_version=raw.schema_version,
            at=raw.at,
            actor=_stored_actor(raw.actor),
            cause=raw.cause,
            correlation_id=raw.correlation_id,
            idempotency_key=raw.idempotency_key,
            decision_id=raw.decision_id,
            payload_digest=digest_bytes(payload),
            payload=_stored_object(payload),
        )
    except UNREADABLE as error:
        raise corrupt(f"the event at position {raw.position}", error) from error


def corrupt(what: str, error: Exception) -> IntegrityError:
    """The error that something stored is not what was written there."""
    return IntegrityError(
        f"{what} is corrupt: {str(error)!a:.200}",
        hint="run `lignin store verify`; restore a backup",
    )


@lru_cache(maxsize=256)
def _stored_actor(text: str) -> Actor:
    return parse_actor(_stored_object(text))


def _stored_object(text: str | bytes) -> Any:
    value = json.loads(text)
    if type(value) is not dict:
        raise TypeError(f"{type(value).__name__} instead of an object")
    return value


def read_position(connection: Connection, space: str) -> int | None:
    """The space's last position, or None where there is no such space."""
    found = connection.execute(_book, {"space": space}).first()
    return None if found is None else int(found.position)


def read_spaces(connection: Connection) -> list[str]:
    """Names of all spaces in order."""
    return list(connection.execute(select(tables.book.c.space).order_by("space")).scalars())


def read_clock(connection: Connection) -> datetime:
    """Postgres's own clock."""
    found: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
    return found.astimezone(UTC)


class SqlView:
    """The view port over one read transaction."""

    def __init__(self, connection: Connection, space: str, position: int) -> None:
        self._connection = connection
        self.space = space
        self.position = position

    def row(self, stream: str) -> Row | None:
        """See the port."""
        raw = self._connection.execute(_row, {"space": self.space, "stream": stream}).first()
        return None if raw is None else read_row(raw)

    def rows(self, streams: Iterable[str]) -> Mapping[str, Row]:
        """See the port."""
        found: dict[str, Row] = {}
        for chunk in chunked(frozenset(streams)):
            values = {"space": self.space, "streams": chunk}
            for raw in self._connection.execute(_rows_by_stream, values):
                found[raw.stream] = read_row(raw)
        return found

    def page(
        self,
        kind: str,
        *,
        state: str | None = None,
        parent: str | None = None,
        prefix: str = "",
        due_before: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page:
        """See the port."""
        _require_limit(limit)
        table = tables.row
        start = f"{kind}/{prefix}"
        where = [
            table.c.space == self.space,
            table.c.kind == kind,
            table.c.stream >= start,
            table.c.stream < start + chr(0x10FFFF),
        ]
        if state is not None:
            where.append(table.c.state == state)
        if parent is not None:
            where.append(table.c.parent == parent)
        if due_before is not None:
            where.append(and_(table.c.due_at.is_not(None), table.c.due_at < due_before))
        total = self._connection.execute(select(func.count()).select_from(table).where(*where))
        count = int(total.scalar_one())
        if after is not None:
            where.append(table.c.stream > f"{kind}/{after}")
        query = select(table).where(*where).order_by(table.c.stream).limit(limit + 1)
        rows = [read_row(raw) for raw in self._connection.execute(query)]
        more = len(rows) > limit
        rows = rows[:limit]
        return Page(rows=tuple(rows), total=count, next_after=rows[-1].key if more else None)

    def events(self, stream: str, *, after_seq: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """See the port."""
        table = tables.event
        query = select(table).where(table.c.stream == stream, table.c.seq > after_seq)
        return self._events(query.order_by(table.c.seq), limit)

    def log(self, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """See the port."""
        table = tables.event
        query = select(table).where(table.c.position > after)
        return self._events(query.order_by(table.c.position), limit)

    def between(self, first: int, last: int) -> Iterator[Event]:
        """The events at positions `first` to `last`."""
        table = tables.event
        query = select(table).where(table.c.space == self.space, table.c.position >= first)
        query = query.where(table.c.position <= last).order_by(table.c.position)
        for raw in self._connection.execute(query):
            yield read_event(raw)

    def records(self, stream: str, start: int = 1, stop: int | None = None) -> Iterator[Record]:
        """See the port."""
        end = MAX_SEQ if stop is None else stop
        for segment in self.segments(stream, start, stop):
            for record in segment.records():
                if start <= record.seq < end:
                    yield record

    def contents(
        self, stream: str, start: int = 1, stop: int | None = None
    ) -> Sequence[bytes | None]:
        """See the port."""
        found: list[bytes | None] = []
        for data in self._stored(stream, start, stop):
            first, contents = segments.decode_contents(data, space=self.space, stream=stream)
            if start > first or (stop is not None and stop < first + len(contents)):
                contents = contents[max(start - first, 0) : None if stop is None else stop - first]
            found.extend(contents)
        return found

    def segments(
        self, stream: str, start: int = 1, stop: int | None = None
    ) -> Iterator[segments.Segment]:
        """The stored segments that overlap a range, decoded, in order."""
        for data in self._stored(stream, start, stop):
            yield segments.decode_segment(data, space=self.space, stream=stream)

    def _stored(self, stream: str, start: int, stop: int | None) -> list[bytes]:
        values = {"space": self.space, "stream": stream, "start": start}
        values["stop"] = MAX_SEQ if stop is None else stop
        return [bytes(data) for (data,) in self._connection.execute(_segments, values)]

    def blob(self, digest: Digest) -> bytes:
        """See the port."""
        table = tables.blob_ref
        known = self._connection.execute(
            select(table.c.stream)
            .where(table.c.space == self.space, table.c.digest == digest)
            .limit(1)
        ).first()
        if known is None:
            raise NotFoundError(
                f"space {self.space!r} holds no bytes for {digest}",
                hint="bytes of an expired draft were let go: capture it again",
            )
        return read_blob(self._connection, digest)

    def _events(self, query: Select[Any], limit: int) -> tuple[Event, ...]:
        _require_limit(limit)
        query = query.where(tables.event.c.space == self.space).limit(limit)
        return tuple(read_event(raw) for raw in self._connection.execute(query))


def read_blob(connection: Connection, digest: Digest) -> bytes:
    """A blob's bytes, checked against its digest.

    Raises:
        IntegrityError: Bytes are missing or do not hash to the digest.
    """
    table = tables.blob_chunk
    query = select(table.c.data).where(table.c.digest == digest).order_by(table.c.number)
    try:
        content = b"".join(
            _chunk_bytes(bytes(data)) for data in connection.execute(query).scalars()
        )
    except (zstandard.ZstdError, *UNREADABLE) as error:
        raise corrupt(f"the blob {digest}", error) from error
    if digest_bytes(content) != digest:
        raise IntegrityError(
            f"the stored bytes of {digest} hash to {digest_bytes(content)}", hint="restore a backup"
        )
    return content


def _chunk_bytes(data: bytes) -> bytes:
    if not 0 <= zstandard.frame_content_size(data) <= MAX_CHUNK_BYTES:
        raise zstandard.ZstdError("a chunk states no size or one beyond the limit")
    return bytes(zstandard.decompress(data))


def chunked(items: Iterable[str]) -> Iterator[Sequence[str]]:
    """Some texts in order, cut to what one statement takes."""
    ordered = sorted(items)
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]


def _require_limit(limit: int) -> None:
    if not 0 < limit <= MAX_LIMIT:
        raise InvalidRequestError(f"limit {limit} is not within 1 to {MAX_LIMIT}")

"""`verify`: does what is stored agree with itself? And `replay`: what do the events add up to?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, zip_longest
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, select, text, union
from sqlalchemy import Row as SqlRow

from lignin.adapters.store import audit_blobs, read, tables
from lignin.adapters.store.engine import reading, translated_errors
from lignin.adapters.store.ledger import SqlLedger
from lignin.adapters.store.segments import decode_segment
from lignin.adapters.store.write import segment_columns
from lignin.domain.codec import Digest, plain_text, raw_digest
from lignin.domain.errors import IntegrityError, LigninError
from lignin.domain.events import GENESIS, RECORDS_APPENDED, Event, link_event, link_records
from lignin.domain.states import Row, reduce_event
from lignin.domain.states.blobs import named_blob

BATCH = 2000
"""Events held in memory at once."""
MAX_FILE_FAULTS = 20
Progress = Callable[[str, int, int], None]


@dataclass(slots=True, kw_only=True)
class AuditReport:
    """What `verify` found: figures, and every fault in words."""

    space: str
    events: int = 0
    records: int = 0
    blobs: int = 0
    rows: int = 0
    head: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.faults


def verify_space(
    ledger: SqlLedger, space: str, progress: Progress = lambda *_: None
) -> AuditReport:
    """Check a space's chain, record chains, blobs, and that replay gives the stored rows."""
    report = AuditReport(space=space)
    try:
        _verify(ledger, space, report, progress)
    except IntegrityError as error:
        report.faults.append(error.message)
    except read.UNREADABLE as error:
        report.faults.append(read.corrupt(f"space {space!r}", error).message)
    return report


def file_faults(ledger: SqlLedger) -> Sequence[str]:
    """What is wrong with SQLite's pages and indices, whatever they say (Postgres checks its own)."""
    if ledger.engine.dialect.name != "sqlite":
        return []
    try:
        with translated_errors(ledger.url), reading(ledger.engine) as connection:
            query = text(f"pragma integrity_check({MAX_FILE_FAULTS})")
            found = [str(fault) for fault in connection.execute(query).scalars()]
    except IntegrityError as error:
        return [error.message]
    return [] if found == ["ok"] else found


def _verify(ledger: SqlLedger, space: str, report: AuditReport, progress: Progress) -> None:
    with (
        translated_errors(ledger.url),
        reading(ledger.engine) as connection,
        _any_text(connection),
    ):
        end = read.read_position(connection, space) or 0
        log = _check_log(connection, space, report, end, progress)
        if not report.faults:
            rows = dict(log.rows)
            _check_rows(connection, space, report, rows)
            _check_receipts(connection, space, report)
        _check_records(connection, space, report, log.anchors, progress)
        report.blobs = audit_blobs.check(connection, space, report.faults, log.rows, log.named)


@contextmanager
def _any_text(connection: Connection) -> Iterator[None]:
    """Read text that is no UTF-8 as well, so that what holds it can be named."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        yield
    except UnicodeEncodeError as error:  # a key that was read so is looked up
        raise read.corrupt(f"a reference to {error.object!a:.100}", error) from error
    finally:
        if connection.dialect.name == "sqlite":
            driver.text_factory = str


def stored_spaces(ledger: SqlLedger) -> Sequence[str]:
    """Every space that any table speaks of, whether or not it has a book."""
    columns = [table.c.space for table in tables.metadata.sorted_tables if "space" in table.c]
    with translated_errors(ledger.url), reading(ledger.engine) as connection:
        found = connection.execute(union(*(select(column) for column in columns))).scalars()
        return sorted({str(space) for space in found})  # a damaged one may be no text at all


def replay(ledger: SqlLedger, space: str) -> dict[str, Row]:
    """Rebuild every row of a space from its log alone."""
    rows: dict[str, Row] = {}
    with translated_errors(ledger.url), reading(ledger.engine) as connection:
        for event, _ in log_with_chain(connection, space):
            rows[event.stream] = reduce_event(rows.get(event.stream), event)
    return rows


def log_with_chain(
    connection: Connection, space: str, after: int = 0
) -> Iterator[tuple[Event, bytes]]:
    """Every event after a position with its stored chain value, in batches of bounded memory."""
    for page in log_pages(connection, space, after):
        for raw in page:
            yield read.read_event(raw), bytes(raw.chain)


def log_pages(
    connection: Connection, space: str, after: int = 0, size: int = BATCH
) -> Iterator[Sequence[SqlRow[Any]]]:
    """The event table's rows after a position, some thousand at a time."""
    table = tables.event
    query = (
        select(table)
        .where(table.c.space == space, table.c.position > bindparam("after"))
        .order_by(table.c.position)
        .limit(size)
    )
    while found := connection.execute(query, {"after": after}).all():
        yield found
        after = found[-1].position


@dataclass(slots=True)
class _Log:
    """What walking the log gave: rows, per record stream what its chain must be, named blobs."""

    rows: dict[str, Row] = field(default_factory=dict)
    anchors: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    named: dict[str, set[Digest]] = field(default_factory=dict)


def _check_log(
    connection: Connection, space: str, report: AuditReport, end: int, progress: Progress
) -> _Log:
    """Walk the chain to its end or to its first fault."""
    log, chain, last_at = _Log(), GENESIS, ""
    try:
        for page in log_pages(connection, space):
            for raw in page:
                report.events += 1
                chain = _follow(log, raw, chain)
                last_at = raw.at
                if report.events % BATCH == 0:
                    progress("events", report.events, end)
    except LigninError as error:
        report.faults.append(error.message)
    _check_end(connection, space, report, chain, last_at)
    return log


def _follow(log: _Log, raw: Any, chain: bytes) -> bytes:
    """Take one event of the log and return the chain behind it.

    Raises:
        LigninError: It is not what was written; the message names it.
    """
    event = read.read_event(raw)
    try:
        chain = link_event(chain, event)
        if bytes(raw.chain) != chain:
            raise IntegrityError(
                f"the chain breaks at position {event.position} ({event.type} on "
                f"{event.stream}): stored {raw.chain.hex()[:16]}, computed {chain.hex()[:16]}"
            )
        if event.type == RECORDS_APPENDED:
            last = event.payload["first_seq"] + event.payload["count"] - 1
            log.anchors.setdefault(event.stream, []).append((last, event.payload["chain"]))
        if digest := named_blob(event):
            log.named.setdefault(event.stream, set()).add(digest)
        log.rows[event.stream] = reduce_event(log.rows.get(event.stream), event)
    except read.UNREADABLE as error:
        raise read.corrupt(f"the event at position {raw.position}", error) from error
    return chain


def _check_receipts(connection: Connection, space: str, report: AuditReport) -> None:
    """Every key in the log has its receipt, and each receipt says what the log says.

    Without its receipt a repeated commit would add something; with a wrong one it would be answered
    with another change's place.
    """
    table = tables.receipt
    query = select(table).where(table.c.space == space).order_by(table.c.first_position)
    keyed = _keyed_events(space)
    with (
        connection.execute(query.execution_options(yield_per=BATCH)) as kept,
        connection.execute(keyed.execution_options(yield_per=BATCH)) as logged,
    ):
        stored = (
            _Kept(r.idempotency_key, r.first_position, r.last_position, r.event_ids) for r in kept
        )
        for due, found in zip_longest(_due(logged), stored):
            if due != found:
                first = min(each.first for each in (due, found) if each is not None)
                report.faults.append(
                    f"the receipts do not fit the log from position {first} on: the log has "
                    f"{due}, the receipts {found}"
                )
                return


class _Kept(NamedTuple):
    key: str
    first: int
    last: int
    event_ids: str

    def __str__(self) -> str:
        return f"{self.key!r} at {self.first} to {self.last} ({self.event_ids[:80]})"


def _keyed_events(space: str) -> Select[Any]:
    table = tables.event
    query = select(table.c.idempotency_key, table.c.position, table.c.event_id)
    query = query.where(table.c.space == space, table.c.idempotency_key.is_not(None))
    return query.order_by(table.c.position)


def _due(logged: Iterable[Any]) -> Iterator[_Kept]:
    """The receipts that the log asks for: the events of one change stand together."""
    for key, group in groupby(logged, key=lambda raw: raw.idempotency_key):
        events = list(group)
        ids = plain_text([raw.event_id for raw in events])
        yield _Kept(key, events[0].position, events[-1].position, ids)


def _check_end(
    connection: Connection, space: str, report: AuditReport, chain: bytes, last_at: str
) -> None:
    table = tables.book
    book = connection.execute(select(table).where(table.c.space == space)).first()
    if book is None:
        report.faults.append(f"the book of {space!r} is missing: the space cannot be used")
        return
    report.head = bytes(book.chain).hex()
    if report.faults:
        return
    if book.position != report.events or bytes(book.chain) != chain:
        report.faults.append(
            f"the log ends at {report.events}, the book says {book.position}: events are missing"
        )
    elif book.last_at != last_at:
        report.faults.append(f"the log ends at {last_at}, the book says {book.last_at}")


def _check_rows(
    connection: Connection, space: str, report: AuditReport, rows: dict[str, Row]
) -> None:
    table = tables.row
    query = select(table).where(table.c.space == space, table.c.stream > bindparam("after"))
    query, after = query.order_by(table.c.stream).limit(BATCH), ""
    while found := connection.execute(query, {"after": after}).all():
        after = found[-1].stream
        for raw in found:
            report.rows += 1
            if rows.pop(raw.stream, None) != _readable(raw):
                report.faults.append(f"replay gives another row than is stored for {raw.stream!r}")
    report.faults.extend(f"row {stream!r} is missing" for stream in rows)


def _readable(raw: Any) -> Row | None:
    try:
        return read.read_row(raw)
    except LigninError:
        return None


def _check_records(
    connection: Connection,
    space: str,
    report: AuditReport,
    anchors: dict[str, list[tuple[int, str]]],
    progress: Progress,
) -> None:
    for number, (stream, ends) in enumerate(sorted(anchors.items())):
        try:
            report.records += _check_stream(connection, space, stream, ends)
        except LigninError as error:
            report.faults.append(error.message)
        if number % 100 == 0:
            progress("records", number, len(anchors))
    column = tables.segment.c
    known = connection.execute(select(column.stream).where(column.space == space).distinct())
    for stream in sorted(set(known.scalars()) - anchors.keys()):
        report.faults.append(f"{stream!r} has records that the log does not know")


def _check_stream(
    connection: Connection, space: str, stream: str, anchors: list[tuple[int, str]]
) -> int:
    chain, seq, expected = GENESIS, 0, dict(anchors)
    table = tables.segment
    query = select(table).where(table.c.space == space, table.c.stream == stream)
    for raw in connection.execute(query.order_by(table.c.first_seq)):
        segment = decode_segment(bytes(raw.data), space=space, stream=stream)
        due = segment_columns(segment, len(raw.data))
        if segment.purged:
            del due["sealed"]  # it stays full, whatever it has lost
        if due != {name: getattr(raw, name) for name in due}:
            raise IntegrityError(f"a segment of {stream!r} is booked otherwise than it is: {due}")
        hashes = [raw_digest(record.content_digest) for record in segment.records()]
        offset = 0
        for batch in segment.batches:
            if batch.first_seq != seq + 1:
                raise IntegrityError(f"{stream!r} lacks records after {seq}")
            chain = link_records(chain, batch, hashes[offset : offset + batch.count])
            offset += batch.count
            seq += batch.count
            if expected.pop(seq, None) != chain.hex():
                raise IntegrityError(f"the record chain of {stream!r} breaks at record {seq}")
    if expected:
        raise IntegrityError(f"{stream!r} ends at record {seq}; the log says {max(expected)}")
    return seq

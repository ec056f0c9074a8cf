"""`verify`: does what is stored agree with itself? And `replay`: what do the events add up to?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy import Row as SqlRow

from lignin.adapters.store import read, tables
from lignin.adapters.store.engine import reading, translated_errors
from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.codec import raw_digest
from lignin.domain.errors import IntegrityError, LigninError
from lignin.domain.events import GENESIS, RECORDS_APPENDED, Event, link_event, link_records
from lignin.domain.states import Row, reduce_event

BATCH = 2000
"""Events held in memory at once."""
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
    with translated_errors(ledger.url), reading(ledger.engine) as connection:
        end = read.read_position(connection, space) or 0
        rows, heads = _check_log(connection, space, report, end, progress)
        if not report.faults:
            _check_rows(connection, space, report, rows)
            _check_receipts(connection, space, report)
        _check_records(connection, space, report, heads, progress)
        _check_blobs(connection, space, report)
    return report


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


def _check_log(
    connection: Connection, space: str, report: AuditReport, end: int, progress: Progress
) -> tuple[dict[str, Row], dict[str, list[tuple[int, str]]]]:
    """Walk the chain; return the replayed rows and what the log says about each record chain."""
    rows: dict[str, Row] = {}
    heads: dict[str, list[tuple[int, str]]] = {}
    chain = GENESIS
    try:
        for event, stored in log_with_chain(connection, space):
            report.events += 1
            chain = link_event(chain, event)
            if stored != chain:
                report.faults.append(
                    f"the chain breaks at position {event.position} ({event.type} on "
                    f"{event.stream}): stored {stored.hex()[:16]}, computed {chain.hex()[:16]}"
                )
                break
            if event.type == RECORDS_APPENDED:
                last = event.payload["first_seq"] + event.payload["count"] - 1
                heads.setdefault(event.stream, []).append((last, event.payload["chain"]))
            rows[event.stream] = reduce_event(rows.get(event.stream), event)
            if report.events % BATCH == 0:
                progress("events", report.events, end)
    except LigninError as error:
        report.faults.append(error.message)
    _check_end(connection, space, report, chain)
    return rows, heads


def _check_receipts(connection: Connection, space: str, report: AuditReport) -> None:
    """Every idempotency key in the log has its receipt, or a repeated commit would add something."""
    events, receipts = tables.event, tables.receipt
    key = events.c.idempotency_key
    logged = select(func.count(key.distinct())).where(events.c.space == space)
    kept = select(func.count()).select_from(receipts).where(receipts.c.space == space)
    counts = [connection.execute(query).scalar_one() for query in (logged, kept)]
    if counts[0] != counts[1]:
        report.faults.append(f"{counts[0]} idempotency keys in the log, {counts[1]} receipts")


def _check_end(connection: Connection, space: str, report: AuditReport, chain: bytes) -> None:
    table = tables.book
    book = connection.execute(select(table).where(table.c.space == space)).one()
    report.head = bytes(book.chain).hex()
    if not report.faults and (book.position != report.events or bytes(book.chain) != chain):
        report.faults.append(
            f"the log ends at {report.events}, the book says {book.position}: events are missing"
        )


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
    heads: dict[str, list[tuple[int, str]]],
    progress: Progress,
) -> None:
    view = read.SqlView(connection, space, 0)
    for number, (stream, anchors) in enumerate(sorted(heads.items())):
        try:
            report.records += _check_stream(view, stream, anchors)
        except LigninError as error:
            report.faults.append(error.message)
        if number % 100 == 0:
            progress("records", number, len(heads))


def _check_stream(view: read.SqlView, stream: str, anchors: list[tuple[int, str]]) -> int:
    chain, seq, expected = GENESIS, 0, dict(anchors)
    for segment in view.segments(stream):
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


def _check_blobs(connection: Connection, space: str, report: AuditReport) -> None:
    table = tables.blob_ref
    query = select(table.c.digest).where(table.c.space == space).distinct().order_by("digest")
    for digest in connection.execute(query).scalars().all():
        report.blobs += 1
        try:
            read.read_blob(connection, digest)
        except LigninError as error:
            report.faults.append(error.message)

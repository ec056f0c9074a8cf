"""`verify`: does what is stored agree with itself? And `replay`: what do the events add up to?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from lignin.adapters.store import read, tables
from lignin.adapters.store.engine import reading, translated_errors
from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.codec import raw_digest
from lignin.domain.errors import IntegrityError, LigninError
from lignin.domain.events import GENESIS, RECORDS_APPENDED, Event, link_event, link_records
from lignin.domain.states import Row, reduce_event

BATCH = 2000
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
        rows: dict[str, Row] = {}
        heads: dict[str, list[tuple[int, str]]] = {}
        chain = GENESIS
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
        _check_end(connection, space, report, chain)
        _check_rows(connection, space, report, rows)
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
    table = tables.event
    while True:
        query = (
            select(table)
            .where(table.c.space == space, table.c.position > after)
            .order_by(table.c.position)
            .limit(BATCH)
        )
        found = connection.execute(query).all()
        for raw in found:
            yield read.read_event(raw), bytes(raw.chain)
        if len(found) < BATCH:
            return
        after = found[-1].position


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
    for raw in connection.execute(select(table).where(table.c.space == space)):
        report.rows += 1
        replayed = rows.pop(raw.stream, None)
        if replayed != read.read_row(raw):
            report.faults.append(f"replay gives another row than is stored for {raw.stream!r}")
    if not report.faults:
        report.faults.extend(f"row {stream!r} is missing" for stream in rows)


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

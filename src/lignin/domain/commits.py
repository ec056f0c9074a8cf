"""What a batch of changes does to a store: the pure decision behind every commit.

A unit is what stands or falls together. Units of a batch are judged in order, each on what the
ones before it left; a refused unit is answered with its error and leaves no trace. The caller
holds the space's lock, has loaded the rows that `needed` names, and writes the plan in the same
transaction. Source: decision record 1.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TypeAlias

from lignin.domain.codec import canonical_bytes, digest_bytes, digest_json, plain_text
from lignin.domain.errors import (
    ConflictError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
)
from lignin.domain.events import (
    GENESIS,
    RECORDS_APPENDED,
    Blob,
    Change,
    Event,
    NewEvent,
    Purge,
    Receipt,
    RecordBatch,
    Records,
    format_time,
    link,
    link_records,
)
from lignin.domain.soundness import require_row
from lignin.domain.states import Row, kind_of, reduce_event

Unit: TypeAlias = tuple[Change, ...]
Intent: TypeAlias = tuple[tuple[str, str, str], ...]
"""What a change says, whoever minted its ids: stream, type and digest of each thing written."""
MAX_PAYLOAD_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was committed under an idempotency key. The intent is asked for only on a repeat."""

    receipt: Receipt
    intent: Callable[[], Intent]


@dataclass(slots=True, kw_only=True)
class Book:
    """A space's writing end: where its log stands and the rows that this batch may touch.

    Mutable: the plan's working copy. `rows` maps each needed stream to its row or None.
    """

    position: int = 0
    chain: bytes = GENESIS
    last_at: str = ""
    exists: bool = False
    rows: dict[str, Row | None] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """Records to store: their shared envelope, contents and the record chain before and after."""

    batch: RecordBatch
    contents: tuple[bytes, ...]
    chain_before: bytes
    chain_after: bytes


@dataclass(slots=True, kw_only=True)
class Plan:
    """What to write, and one answer per unit: receipts, or the error that refused it."""

    events: list[tuple[Event, bytes, bytes]] = field(default_factory=list)  # event, payload, chain
    appends: list[Append] = field(default_factory=list)
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    receipts: list[tuple[str, Receipt]] = field(default_factory=list)
    blobs: list[tuple[str, Blob]] = field(default_factory=list)
    forgets: list[tuple[str, str]] = field(default_factory=list)
    purges: list[tuple[str, Purge]] = field(default_factory=list)
    answers: list[tuple[Receipt, ...] | LigninError] = field(default_factory=list)


def intent_of(change: Change) -> Intent:
    """Return what a change says, in the order in which it is written."""
    appends = [
        (r.stream, r.type, digest_json([digest_bytes(content) for content in r.contents]))
        for r in change.records
    ]
    events = [(new.stream, new.type, digest_json(new.payload)) for new in change.events]
    return (*appends, *events)


def needed(units: Iterable[Unit]) -> Mapping[str, tuple[frozenset[str], frozenset[str]]]:
    """Return per space the streams and the idempotency keys that `plan_batch` must see."""
    streams: dict[str, set[str]] = {}
    keys: dict[str, set[str]] = {}
    for unit in units:
        for change in unit:
            wanted = streams.setdefault(change.space, set())
            keys.setdefault(change.space, set())
            wanted.update(event.stream for event in change.events)
            wanted.update(records.stream for records in change.records)
            wanted.update(change.expects)
            wanted.update(change.fences)
            wanted.update(purge.stream for purge in change.purges)
            if change.idempotency_key is not None:
                keys[change.space].add(change.idempotency_key)
    return {space: (frozenset(streams[space]), frozenset(keys[space])) for space in streams}


def plan_batch(units: Sequence[Unit], books: Mapping[str, Book], now: datetime) -> Plan:
    """Judge every unit in order and return what to write.

    Args:
        units: What to commit; every change has passed `require_sound`.
        books: Per space its book with everything `needed` names; changed in place.
        now: The store's time.
    """
    plan, at = Plan(), format_time(now)
    for unit in units:
        draft = _Draft(books, at)
        try:
            answers = tuple(draft.take(change) for change in unit)
        except LigninError as refused:
            plan.answers.append(refused)
            continue
        except (LookupError, TypeError, ValueError, AttributeError) as fault:
            plan.answers.append(_malformed(fault))
            continue
        draft.settle(plan)
        plan.answers.append(answers)
    return plan


def _malformed(fault: Exception) -> LigninError:
    """A payload that its reducer cannot read; answered alone, so that the batch goes on."""
    refused = InvalidRequestError(
        f"a payload is malformed: {type(fault).__name__} {fault}",
        hint="compare the payload with the reducer of its event type",
    )
    refused.__cause__ = fault
    return refused


def _require_same(change: Change, known: Known) -> None:
    """A key stands for one change: under another one, "done already" would be a lie."""
    if intent_of(change) != known.intent():
        raise ConflictError(
            f"idempotency key {change.idempotency_key!r} stands for another change, committed at "
            f"position {known.receipt.first_position}",
            hint="repeat that change as it was, or choose another key for this one",
            key=change.idempotency_key,
        )


class _Draft:
    """One unit on top of the books, thrown away when refused."""

    def __init__(self, books: Mapping[str, Book], now: str) -> None:
        self._books = books
        self._now = now
        self._ends: dict[str, tuple[int, bytes, str, bool]] = {}
        self._rows: dict[tuple[str, str], Row] = {}
        self._known: dict[tuple[str, str], Known] = {}
        self._plan = Plan()

    def take(self, change: Change) -> Receipt:
        book = self._books[change.space]
        key = change.idempotency_key
        if key is not None:
            known = self._known.get((change.space, key)) or book.known.get(key)
            if known is not None:
                _require_same(change, known)
                return replace(known.receipt, repeated=True)
        position, chain, last_at, exists = self._end(change.space)
        if not exists and not any(event.type == "space.created" for event in change.events):
            raise NotFoundError(f"no space {change.space!r}", hint="create it first")
        for stream, seq in change.expects.items():
            self._require_seq(change.space, stream, seq)
        first, ids = position + 1, []
        at = max(self._now, last_at)
        for stream, token in change.fences.items():
            self._require_fence(change.space, stream, token)
        for records in change.records:
            position += 1
            event, payload = self._append(change, records, position, at)
            chain = self._add(event, payload, chain)
            ids.append(event.event_id)
        for new in change.events:
            position += 1
            event, payload = self._place(change, new, position, at)
            self._require_lease(change, event)
            chain = self._add(event, payload, chain)
            ids.append(event.event_id)
        self._ends[change.space] = (position, chain, at, True)
        self._plan.blobs.extend((change.space, blob) for blob in change.blobs)
        self._plan.forgets.extend((change.space, stream) for stream in change.forgets)
        for purge in change.purges:
            self._require_record(change.space, purge)
            self._plan.purges.append((change.space, purge))
        receipt = Receipt(
            space=change.space, first_position=first, last_position=position, event_ids=tuple(ids)
        )
        if key is not None:
            self._plan.receipts.append((key, receipt))
            intent = partial(intent_of, change)
            self._known[change.space, key] = Known(receipt=receipt, intent=intent)
        return receipt

    def settle(self, plan: Plan) -> None:
        """Let the unit count: move the books, hand the writes over."""
        for space, (position, chain, at, exists) in self._ends.items():
            book = self._books[space]
            book.position, book.chain, book.last_at, book.exists = position, chain, at, exists
        for (space, stream), row in self._rows.items():
            self._books[space].rows[stream] = row
        mine = self._plan
        for (space, key), known in self._known.items():
            self._books[space].known[key] = known
        plan.rows.update(self._rows)
        for name in ("events", "appends", "receipts", "blobs", "forgets", "purges"):
            getattr(plan, name).extend(getattr(mine, name))

    def _end(self, space: str) -> tuple[int, bytes, str, bool]:
        if space not in self._ends:
            book = self._books[space]
            self._ends[space] = (book.position, book.chain, book.last_at, book.exists)
        return self._ends[space]

    def _row(self, space: str, stream: str) -> Row | None:
        row = self._rows.get((space, stream))
        return row if row is not None else self._books[space].rows[stream]

    def _require_seq(self, space: str, stream: str, expected: int) -> None:
        row = self._row(space, stream)
        actual = row.seq if row else 0
        if actual != expected:
            raise ConflictError(
                f"{stream!r} stands at seq {actual}, expected {expected}",
                hint="read it again and decide anew",
                stream=stream,
                expected=expected,
                actual=actual,
                current=dict(row.body) if row and row.kind == "head" else None,
            )

    def _require_fence(self, space: str, stream: str, token: int) -> None:
        row = self._row(space, stream)
        actual = row.body.get("fence") if row else None
        if actual != token:
            raise ConflictError(
                f"fencing token {token} for {stream!r} is stale; the newest is {actual}",
                hint="take the lease again",
                stream=stream,
            )

    def _require_lease(self, change: Change, event: Event) -> None:
        """A row under a live lease is changed by its holder only, who shows the token."""
        before = self._row(event.space, event.stream)
        lease = before.body.get("lease") if before else None
        if lease and lease["until"] > event.at and event.stream not in change.fences:
            raise LimitedError(
                f"{event.stream!r} is under a lease of {lease['holder']} until {lease['until']}",
                hint="wait for its end, or commit with the holder's fencing token",
            )

    def _require_record(self, space: str, purge: Purge) -> None:
        row = self._row(space, purge.stream)
        if kind_of(purge.stream) != "record" or row is None or not 0 < purge.seq <= row.seq:
            raise NotFoundError(
                f"{purge.stream!r} has no record {purge.seq}",
                hint="`lignin session read` numbers them",
            )

    def _place(self, change: Change, new: NewEvent, position: int, at: str) -> tuple[Event, bytes]:
        row = self._row(change.space, new.stream)
        return self._event(change, new, position, at, seq=(row.seq if row else 0) + 1)

    def _event(
        self, change: Change, new: NewEvent, position: int, at: str, *, seq: int
    ) -> tuple[Event, bytes]:
        payload = canonical_bytes(new.payload)
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise LimitedError(
                f"{new.type} carries {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES}",
                hint="put large content into a blob",
            )
        event = Event(
            space=change.space,
            position=position,
            stream=new.stream,
            seq=seq,
            event_id=new.event_id,
            type=new.type,
            schema_version=new.schema_version,
            at=at,
            actor=change.actor,
            cause=new.cause,
            correlation_id=change.correlation_id,
            idempotency_key=change.idempotency_key,
            decision_id=new.decision_id,
            payload_digest="sha256:" + hashlib.sha256(payload).hexdigest(),
            payload=json.loads(payload.decode()),  # what a replay will see, to the last type
        )
        return event, payload

    def _append(
        self, change: Change, records: Records, position: int, at: str
    ) -> tuple[Event, bytes]:
        row = self._row(change.space, records.stream)
        seq = row.seq if row else 0
        if records.expect_seq is not None:
            self._require_seq(change.space, records.stream, records.expect_seq)
        batch = RecordBatch(
            space=change.space,
            stream=records.stream,
            type=records.type,
            first_seq=seq + 1,
            count=len(records.contents),
            first_id=records.first_id,
            position=position,
            at=at,
            actor=change.actor,
            correlation_id=change.correlation_id,
        )
        before = bytes.fromhex(row.body["chain"]) if row else GENESIS
        hashes = [hashlib.sha256(content).digest() for content in records.contents]
        after = link_records(before, batch, hashes)
        self._plan.appends.append(
            Append(batch=batch, contents=records.contents, chain_before=before, chain_after=after)
        )
        anchor = NewEvent(
            stream=records.stream,
            type=RECORDS_APPENDED,
            event_id="evt_" + records.first_id.partition("_")[2],
            payload={"first_seq": batch.first_seq, "count": batch.count, "chain": after.hex()},
        )
        return self._event(change, anchor, position, at, seq=seq + batch.count)

    def _add(self, event: Event, payload: bytes, chain: bytes) -> bytes:
        row = reduce_event(self._row(event.space, event.stream), event)
        require_row(row)
        self._rows[event.space, event.stream] = row
        payload_hash = bytes.fromhex(event.payload_digest[7:])
        chain = link(chain, plain_text(event.envelope()).encode(), payload_hash)
        self._plan.events.append((event, payload, chain))
        return chain

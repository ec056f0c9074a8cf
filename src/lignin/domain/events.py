"""Events, and the `Change` that a service returns for the ledger to commit.

A control event changes one row of state: its stream is that row, and its `seq` is the row's version,
so a precondition on a stream is a compare-and-swap. A record stream (`record/<id>`) holds raw bytes
that change no other state; each append leaves one control event (`records.appended`) that carries
the record chain's head. Source: decision record 1.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes, plain_text
from lignin.domain.errors import InvalidRequestError

GENESIS = bytes(32)
RECORDS_APPENDED = "records.appended"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _CROCKFORD for low in _CROCKFORD)
MAX_BATCH_RECORDS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: `sub` the person or service, `act` the agents acting for it, nearest first."""

    sub: str
    act: tuple[str, ...] = ()
    token_id: str | None = None

    @property
    def is_person(self) -> bool:
        """True for a person who acts for himself; names are taken at their word so far."""
        return not (self.sub.startswith("agent:") or self.act)

    def to_json(self) -> dict[str, Json]:
        return {"act": list(self.act), "sub": self.sub, "token_id": self.token_id}


def parse_actor(value: Mapping[str, Json]) -> Actor:
    """Read an actor back from its JSON object."""
    return Actor(sub=value["sub"], act=tuple(value["act"]), token_id=value["token_id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """A control event before the ledger gave it a place. `event_id` comes from the caller."""

    stream: str
    type: str
    payload: Mapping[str, Json]
    event_id: str
    schema_version: int = 1
    cause: str | None = None
    decision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Raw records to append to one record stream.

    `first_id` is a fresh id; record i's event id replaces its last six digits by i. `expect_seq` is
    the number of records that must be there already (None: append in any case).
    """

    stream: str
    type: str
    first_id: str
    contents: tuple[bytes, ...]
    expect_seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """A record to forget: its bytes go, its digest stays, the chain still verifies."""

    stream: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes that a stream refers to; kept as long as some stream does."""

    stream: str
    digest: Digest
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a service wants written: all of it, or nothing.

    Args:
        purges: Records to forget; an event `payload.purged` must be among `events`.
        expects: Stream to the seq it must have (0: absent).
        fences: Stream to the fencing token under which its lease is held.
        blobs: Stored with the events that refer to them.
        forgets: Streams whose references to blobs end; a blob nobody refers to loses its bytes.
        idempotency_key: A second commit under the same key answers the first one's receipt.
    """

    space: str
    actor: Actor
    events: tuple[NewEvent, ...] = ()
    records: tuple[Records, ...] = ()
    purges: tuple[Purge, ...] = ()
    expects: Mapping[str, int] = field(default_factory=dict)
    fences: Mapping[str, int] = field(default_factory=dict)
    blobs: tuple[Blob, ...] = ()
    forgets: tuple[str, ...] = ()
    idempotency_key: str | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A control event at its place in the log.

    Payloads of control events hold names, digests and figures, never foreign text, so they are
    never purged; foreign bytes live in records and blobs. `at` is the store's time: RFC 3339, UTC, microseconds, `Z`.
    """

    space: str
    position: int
    stream: str
    seq: int
    event_id: str
    type: str
    schema_version: int
    at: str
    actor: Actor
    cause: str | None
    correlation_id: str | None
    idempotency_key: str | None
    decision_id: str | None
    payload_digest: Digest
    payload: Mapping[str, Json]

    def envelope(self) -> dict[str, Json]:
        """The envelope as the chain covers it (without the payload itself)."""
        return {
            "actor": self.actor.to_json(),
            "at": self.at,
            "cause": self.cause,
            "correlation_id": self.correlation_id,
            "decision_id": self.decision_id,
            "event_id": self.event_id,
            "idempotency_key": self.idempotency_key,
            "payload_digest": self.payload_digest,
            "position": self.position,
            "schema_version": self.schema_version,
            "seq": self.seq,
            "space": self.space,
            "stream": self.stream,
            "type": self.type,
        }


class Record(NamedTuple):
    """One raw record of a record stream. `content` is None once purged; its digest stays."""

    seq: int
    event_id: str
    type: str
    at: str
    position: int
    content: bytes | None
    purged_digest: Digest | None = None

    @property
    def content_digest(self) -> Digest:
        """Digest of the content as it was stored."""
        if self.content is None:
            assert self.purged_digest is not None
            return self.purged_digest
        return digest_bytes(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Where a committed change stands: its positions in the space and its events' ids."""

    space: str
    first_position: int
    last_position: int
    event_ids: tuple[str, ...]
    repeated: bool = False


def link(previous: bytes, envelope: bytes, payload_hash: bytes) -> bytes:
    """h_i = H(h_{i-1} || H(envelope_i) || H(payload_i)), with SHA-256. 32 bytes in, 32 out."""
    return hashlib.sha256(previous + hashlib.sha256(envelope).digest() + payload_hash).digest()


def link_event(previous: bytes, event: Event) -> bytes:
    """Return the chain's value after a control event."""
    payload_hash = bytes.fromhex(event.payload_digest[7:])
    return link(previous, plain_text(event.envelope()).encode(), payload_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBatch:
    """The shared envelope of records that were appended together, in one position."""

    space: str
    stream: str
    type: str
    first_seq: int
    count: int
    first_id: str
    position: int
    at: str
    actor: Actor
    correlation_id: str | None = None

    def event_id(self, offset: int) -> str:
        """The id of the batch's record number `offset`, counted from 0."""
        pairs = _PAIRS
        number = pairs[offset >> 20 & 1023] + pairs[offset >> 10 & 1023] + pairs[offset & 1023]
        return self.first_id[:-6] + number


def link_records(previous: bytes, batch: RecordBatch, hashes: list[bytes]) -> bytes:
    """Return a record stream's chain value after a batch.

    Each record has the same envelope fields as a control event; only id, digest and seq differ
    within a batch, so the canonical bytes are cut from one template (a test holds them equal).
    """
    before, between, after, end = _record_template(batch)
    sha256, pairs, seq = hashlib.sha256, _PAIRS, batch.first_seq
    for offset, payload_hash in enumerate(hashes):
        if offset & 1023 == 0:
            stem = before + batch.event_id(offset)[:-2]
        envelope = (
            f"{stem}{pairs[offset & 1023]}{between}{payload_hash.hex()}{after}{seq + offset}{end}"
        )
        previous = sha256(previous + sha256(envelope.encode()).digest() + payload_hash).digest()
    return previous


def _record_template(batch: RecordBatch) -> tuple[str, str, str, str]:
    envelope = {
        "actor": batch.actor.to_json(),
        "at": batch.at,
        "cause": None,
        "correlation_id": batch.correlation_id,
        "decision_id": None,
        "event_id": "*I*",
        "idempotency_key": None,
        "payload_digest": "sha256:*D*",
        "position": batch.position,
        "schema_version": 1,
        "seq": -7,
        "space": batch.space,
        "stream": batch.stream,
        "type": batch.type,
    }
    text = canonical_bytes(envelope).decode()
    before, rest = text.split('"event_id":"*I*"', 1)
    between, rest = rest.split("*D*", 1)
    after, end = rest.split('"seq":-7', 1)
    return (
        before + '"event_id":"',
        '"' + between,
        after + '"seq":',
        end,
    )


def format_time(at: datetime) -> str:
    """Write a time as RFC 3339 in UTC with microseconds and `Z`.

    Raises:
        InvalidRequestError: The time has no time zone.
    """
    if at.tzinfo is None:
        raise InvalidRequestError("a time without a time zone", hint="pass an aware datetime")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time that `format_time` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """In which space, by whom and for what a service acts."""

    space: str
    actor: Actor
    correlation_id: str | None = None

    def change(self, **parts: Any) -> Change:
        """A change of this scope; the arguments are those of `Change`."""
        return Change(
            space=self.space, actor=self.actor, correlation_id=self.correlation_id, **parts
        )

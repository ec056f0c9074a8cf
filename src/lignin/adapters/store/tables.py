"""The tables. Every key begins with the space; digests of blobs are global."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

metadata = MetaData()
HEAD_REVISION = "0001"
STREAM = String(400).with_variant(String(400, collation="C"), "postgresql")  # byte order everywhere

book = Table(
    "book",
    metadata,
    Column("space", String(100), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("chain", LargeBinary(32), nullable=False),
    Column("last_at", String(27), nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("space", String(100), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("stream", STREAM, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("event_id", String(40), nullable=False),
    Column("type", String(60), nullable=False),
    Column("schema_version", SmallInteger, nullable=False),
    Column("at", String(27), nullable=False),
    Column("actor", Text, nullable=False),
    Column("cause", String(40)),
    Column("correlation_id", String(100)),
    Column("idempotency_key", String(200)),
    Column("decision_id", String(100)),
    Column("payload", LargeBinary, nullable=False),
    Column("chain", LargeBinary(32), nullable=False),
    Index("event_stream", "space", "stream", "seq", unique=True),
)

row = Table(
    "state_row",
    metadata,
    Column("space", String(100), primary_key=True),
    Column("stream", STREAM, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("state", String(40)),
    Column("parent", String(200)),
    Column("due_at", String(27)),
    Column("body", Text, nullable=False),
    Index("row_state", "space", "kind", "state", "stream"),
    Index("row_parent", "space", "kind", "parent", "stream"),
)

receipt = Table(
    "receipt",
    metadata,
    Column("space", String(100), primary_key=True),
    Column("idempotency_key", String(200), primary_key=True),
    Column("first_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("event_ids", Text, nullable=False),
)

segment = Table(
    "segment",
    metadata,
    Column("space", String(100), primary_key=True),
    Column("stream", STREAM, primary_key=True),
    Column("first_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("sealed", SmallInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

blob = Table(
    "blob",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("chunks", Integer, nullable=False),
)

blob_chunk = Table(
    "blob_chunk",
    metadata,
    Column("digest", String(71), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
    ForeignKeyConstraint(["digest"], ["blob.digest"], ondelete="CASCADE"),
)

blob_ref = Table(
    "blob_ref",
    metadata,
    Column("space", String(100), primary_key=True),
    Column("digest", String(71), primary_key=True),
    Column("stream", STREAM, primary_key=True),
    Index("blob_ref_stream", "space", "stream"),
)

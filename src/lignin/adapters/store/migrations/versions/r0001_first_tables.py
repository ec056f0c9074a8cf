"""First tables: books, events, rows, receipts, segments, blobs.

Written out instead of taken from `tables.metadata`, which will move on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

STREAM = sa.String(400).with_variant(sa.String(400, collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    _log()
    _state()
    _bytes()


def _log() -> None:
    op.create_table(
        "book",
        sa.Column("space", sa.String(100), primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("chain", sa.LargeBinary(32), nullable=False),
        sa.Column("last_at", sa.String(27), nullable=False),
    )
    op.create_table(
        "event",
        sa.Column("space", sa.String(100), primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("stream", STREAM, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.String(40), nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("schema_version", sa.SmallInteger, nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("cause", sa.String(40)),
        sa.Column("correlation_id", sa.String(100)),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("decision_id", sa.String(100)),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("chain", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("event_stream", "event", ["space", "stream", "seq"], unique=True)


def _state() -> None:
    op.create_table(
        "state_row",
        sa.Column("space", sa.String(100), primary_key=True),
        sa.Column("stream", STREAM, primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(40)),
        sa.Column("parent", sa.String(200)),
        sa.Column("due_at", sa.String(27)),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("row_state", "state_row", ["space", "kind", "state", "stream"])
    op.create_index("row_parent", "state_row", ["space", "kind", "parent", "stream"])
    op.create_table(
        "receipt",
        sa.Column("space", sa.String(100), primary_key=True),
        sa.Column("idempotency_key", sa.String(200), primary_key=True),
        sa.Column("first_position", sa.BigInteger, nullable=False),
        sa.Column("last_position", sa.BigInteger, nullable=False),
        sa.Column("event_ids", sa.Text, nullable=False),
    )


def _bytes() -> None:
    op.create_table(
        "segment",
        sa.Column("space", sa.String(100), primary_key=True),
        sa.Column("stream", STREAM, primary_key=True),
        sa.Column("first_seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("sealed", sa.SmallInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "blob",
        sa.Column("digest", sa.String(71), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
    )
    op.create_table(
        "blob_chunk",
        sa.Column("digest", sa.String(71), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["blob.digest"], ondelete="CASCADE"),
    )
    op.create_table(
        "blob_ref",
        sa.Column("space", sa.String(100), primary_key=True),
        sa.Column("digest", sa.String(71), primary_key=True),
        sa.Column("stream", STREAM, primary_key=True),
    )
    op.create_index("blob_ref_stream", "blob_ref", ["space", "stream"])

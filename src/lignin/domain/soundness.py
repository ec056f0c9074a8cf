"""What every change must hold before anybody looks at the store: texts, sizes, digests, names.

The same bounds on every backend, because SQLite would store what Postgres refuses, and a copy
between them must never fail half-way. Judged per change, so that a malformed one in a batch is
answered and leaves the others untouched.
"""

import re

from lignin.domain.codec import digest_bytes
from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.domain.events import MAX_BATCH_RECORDS, RECORDS_APPENDED, Change, NewEvent, Records
from lignin.domain.names import require_name
from lignin.domain.states import Row, kind_of, require_known

MAX_STREAM = 400
MAX_TYPE = 60
MAX_ID = 40
MAX_REFERENCE = 100
MAX_KEY = 200
MAX_STATE = 40
MAX_TIME = 27
MAX_APPEND_BYTES = 64 * 2**20
"""Contents of one change's records; more goes into several changes."""
MAX_BLOB_BYTES = 128 * 2**20
_RECORD_ID = re.compile(r"[a-z]{1,8}_[0-9A-Za-z]{6,31}")


def require_sound(change: Change) -> None:
    """Raise unless a change is well-formed in itself.

    Raises:
        InvalidRequestError: A text is missing, too long or not storable, a stream or type is
            unknown, a blob's bytes do not hash to its digest, or the change is empty.
        LimitedError: More bytes than one change may carry.
    """
    if not (change.events or change.records):
        raise InvalidRequestError("an empty change", hint="a change has at least one event")
    require_name("space", change.space)
    require_text("actor", change.actor.sub, MAX_STREAM)
    for agent in change.actor.act:
        require_text("actor", agent, MAX_STREAM)
    _require_optional("token id", change.actor.token_id, MAX_STREAM)
    _require_optional("idempotency key", change.idempotency_key, MAX_KEY)
    _require_optional("correlation id", change.correlation_id, MAX_REFERENCE)
    for new in change.events:
        _require_event(change.space, new)
    if change.records:
        _require_records(change.records)
    if change.blobs or change.forgets:
        _require_blobs(change)
    if change.purges and not any(new.type == "payload.purged" for new in change.events):
        raise InvalidRequestError("a purge needs a payload.purged event beside it")


def require_text(name: str, text: str, most: int) -> None:
    """Raise unless `text` is 1 to `most` characters that every backend can store.

    Raises:
        InvalidRequestError: Empty, too long, with a NUL character or a lone surrogate, no text.
    """
    if type(text) is not str or not 0 < len(text) <= most:
        raise InvalidRequestError(f"{name} {text!r:.80} is not a text of 1 to {most} characters")
    if "\0" in text:
        raise InvalidRequestError(f"{name} {text!r:.80} holds a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidRequestError(f"{name} {text!r:.80} holds a lone surrogate") from error


def require_row(row: Row) -> None:
    """Raise unless what a reducer made of a payload fits the columns that lists are narrowed by.

    Raises:
        InvalidRequestError: `state`, `parent` or `due_at` is too long or no text.
    """
    _require_optional("state", row.state, MAX_STATE)
    _require_optional("parent", row.parent, MAX_KEY)
    _require_optional("due time", row.due_at, MAX_TIME)


def _require_optional(name: str, text: str | None, most: int) -> None:
    if text is not None:
        require_text(name, text, most)


def _require_event(space: str, new: NewEvent) -> None:
    require_text("stream", new.stream, MAX_STREAM)
    require_text("type", new.type, MAX_TYPE)
    require_known(new.stream, new.type)
    if new.type == "head.created":
        require_name("head", new.stream.partition("/")[2])
    if new.type == RECORDS_APPENDED:
        raise InvalidRequestError("records are appended by `Change.records` only")
    if new.stream.startswith("space/") and new.stream != f"space/{space}":
        raise InvalidRequestError(f"{new.stream!r} is described in its own space, not in {space!r}")
    require_text("event id", new.event_id, MAX_ID)
    _require_optional("cause", new.cause, MAX_ID)
    _require_optional("decision id", new.decision_id, MAX_REFERENCE)
    if type(new.schema_version) is not int or not 0 < new.schema_version < 2**15:
        raise InvalidRequestError(f"schema version {new.schema_version!r:.40} of {new.type}")


def _require_records(appends: tuple[Records, ...]) -> None:
    size = 0
    for records in appends:
        if kind_of(records.stream) != "record" or "/" not in records.stream:
            raise InvalidRequestError(f"{records.stream!r:.80} is no record stream")
        require_text("stream", records.stream, MAX_STREAM)
        require_text("type", records.type, MAX_TYPE)
        if not _RECORD_ID.fullmatch(records.first_id):
            raise InvalidRequestError(f"{records.first_id!r:.80} is no id for records")
        if not 0 < len(records.contents) < MAX_BATCH_RECORDS:
            raise InvalidRequestError(f"an append holds 1 to {MAX_BATCH_RECORDS - 1} records")
        size += sum(map(len, records.contents))
    if size > MAX_APPEND_BYTES:
        raise LimitedError(
            f"records of {size} bytes in one change; at most {MAX_APPEND_BYTES}",
            hint="append them in several changes, or store large content as a blob",
        )


def _require_blobs(change: Change) -> None:
    for stream in change.forgets:
        require_text("stream", stream, MAX_STREAM)
    for blob in change.blobs:
        require_text("stream", blob.stream, MAX_STREAM)
        if len(blob.content) > MAX_BLOB_BYTES:
            raise LimitedError(f"a blob of {len(blob.content)} bytes; at most {MAX_BLOB_BYTES}")
        if digest_bytes(blob.content) != blob.digest:
            raise InvalidRequestError(
                f"the bytes offered for {blob.digest!r:.80} hash to something else",
                hint="compute the digest from the bytes that are sent",
            )

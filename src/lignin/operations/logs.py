"""Append-only logs of a space: one small record each time, under `record/`.

Owns how they are written without secrets and read back within bounds; what they hold is the caller's.
"""

from collections.abc import Iterator, Mapping

from lignin.domain.codec import Json, canonical_bytes, parse_json
from lignin.domain.errors import InvalidRequestError
from lignin.operations.context import Context
from lignin.ports.ledger import View
from lignin.traces.redact import redact


def append_record(context: Context, stream: str, said: Mapping[str, Json], *, type_: str) -> None:
    """Append a record, without the secrets it may hold."""
    content = redact(canonical_bytes(said), context.redaction_key).content
    context.commit(context.sessions.append(context.scope, stream, [content], type=type_))


def read_records(view: View, stream: str, most: int) -> Iterator[Json]:
    """The latest records of a log, oldest first; purged and odd ones are passed over."""
    row = view.row(f"record/{stream}")
    length = row.seq if row else 0
    for content in view.contents(f"record/{stream}", max(1, length - most + 1)):
        if content is None:
            continue
        try:
            yield parse_json(content)
        except InvalidRequestError:
            continue


def bounded(text: str, most: int) -> str:
    """Text of a caller as a record may hold it: so many characters, all of which have a canonical form."""
    return text.encode(errors="replace").decode()[:most]  # lone surrogates have none

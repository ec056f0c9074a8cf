"""The log of what callers of a server asked for and why: one record a call, in `record/calls`.

Owns the form of those records. What a caller says of itself is data: redacted, bounded, and it decides
nothing. The records are what needs that nothing served are mined from.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from lignin.domain.codec import canonical_bytes, parse_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.events import format_time
from lignin.operations.context import Context
from lignin.ports.ledger import View
from lignin.traces.redact import redact

STREAM = "calls"
MAX_RATIONALE_CHARS = 2000
MAX_ASKED_CHARS = 1000
MAX_READ = 20_000

Outcome = Literal["served", "empty", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as the log keeps it.

    Args:
        operation: The operation's name.
        asked: What was looked for, in the caller's words; empty where it looked for nothing.
        rationale: Why, in the caller's words.
        outcome: Served, found empty, or refused with an error.
        error: The error's code, where it was refused.
        client: The client's name, as it says.
    """

    operation: str
    asked: str
    rationale: str
    outcome: Outcome
    error: str
    client: str
    by: str = ""
    at: str = ""


def note_call(context: Context, call: Call) -> None:
    """Append a call to the log, without the secrets it may hold; nothing on a dry run."""
    if context.dry_run:
        return
    said = {
        **asdict(call),
        "asked": _bounded(call.asked, MAX_ASKED_CHARS),
        "rationale": _bounded(call.rationale, MAX_RATIONALE_CHARS),
        "by": context.scope.actor.sub,
        "at": format_time(context.clock.now()),
    }
    content = redact(canonical_bytes(said), context.redaction_key).content
    context.commit(context.sessions.append(context.scope, STREAM, [content], type="call.record"))


def _bounded(text: str, most: int) -> str:
    # lone surrogates have no canonical form
    return text.encode(errors="replace").decode()[:most]


def read_calls(view: View) -> Iterator[Call]:
    """The latest calls of a space, oldest first; purged and odd ones are passed over."""
    row = view.row(f"record/{STREAM}")
    length = row.seq if row else 0
    for content in view.contents(f"record/{STREAM}", max(1, length - MAX_READ + 1)):
        if content is None:
            continue
        try:
            said = parse_json(content)
            call = Call(**said)
        except (InvalidRequestError, TypeError):
            continue
        if call.outcome in get_args(Outcome):
            yield call

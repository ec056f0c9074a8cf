"""The log of what callers of a server asked for and why: one record a call, in `record/calls`.

Owns the form of those records. What a caller says of itself is data: redacted, bounded, and it decides
nothing. The records are what needs that nothing served are mined from.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from lignin.domain.events import format_time
from lignin.operations.context import Context
from lignin.operations.logs import append_record, bounded, read_records
from lignin.ports.ledger import View

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
        "asked": bounded(call.asked, MAX_ASKED_CHARS),
        "rationale": bounded(call.rationale, MAX_RATIONALE_CHARS),
        "by": context.scope.actor.sub,
        "at": format_time(context.clock.now()),
    }
    append_record(context, STREAM, said, type_="call.record")


def read_calls(view: View) -> Iterator[Call]:
    """The latest calls of a space, oldest first; purged and odd ones are passed over."""
    for said in read_records(view, STREAM, MAX_READ):
        try:
            call = Call(**said)
        except TypeError:
            continue
        if call.outcome in get_args(Outcome):
            yield call

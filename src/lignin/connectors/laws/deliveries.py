"""What to do about a posting, from what is known of it: pure, and the only place that decides it.

At most once where the far side lets one see what is there, or drops a second one; else never again without a
person's word. Source: decision record 5, "an effect in flight becomes unknown".
"""

from datetime import datetime
from typing import Final, Literal

from lignin.domain.codec import Digest
from lignin.domain.errors import ConflictError
from lignin.domain.events import parse_time
from lignin.domain.states import Row
from lignin.ports.connector import Certainty

PATIENCE_S: Final = 120
"""How long whoever began is taken to be at it still; all bounds of a sending are well below."""
Step = Literal["send", "look", "tell", "doubt"]


def decide_step(row: Row | None, posting: Digest, certainty: Certainty, now: datetime) -> Step:
    """Return what to do: `send` it, `look` whether it is there, `tell` what became of it, or note a `doubt`.

    Args:
        row: What is known of the delivery.
        posting: Digest of what is to be sent under its key.
        certainty: What can be known of such a posting.
        now: The store's time.

    Raises:
        ConflictError: Another posting has the key, or somebody is sending it right now.
    """
    if row is None:
        return "send"
    if row.body["posting"] != posting:
        raise ConflictError("something else was sent under this key", hint="another --key, or none")
    if row.state == "sent":
        return "tell"
    if row.state == "refused":
        return "send"
    if row.state == "begun" and row.due_at is not None and now < parse_time(row.due_at):
        raise ConflictError(
            f"somebody began to send this at {row.body['begun_at']}",
            hint=f"the same command after {row.due_at} finds out what became of it",
        )
    if certainty == "found":
        return "look"
    if certainty == "repeatable":
        return "send"
    return "doubt" if row.state == "begun" else "tell"

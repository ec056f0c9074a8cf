"""A far side in memory: what is put there comes in, what is sent there is kept under its key."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from lignin.domain.errors import InvalidRequestError, UnavailableError
from lignin.domain.messages import Message, Posting
from lignin.ports.connector import Batch, Certainty, Connector, Delivered, Probed

Breaks = Literal["", "before", "after", "refuses"]


@dataclass(slots=True)
class MemoryConnector:
    """See `lignin.ports.connector.Source` and `Sink`.

    Args:
        knows: What can be known of what was sent.
        breaks: The next sending is lost before it arrives, or arrives and its answer is lost, or is refused.
    """

    name: str = "memory"
    knows: Certainty = "found"
    breaks: Breaks = ""
    texts: list[str] = field(default_factory=list)
    sent: list[tuple[str, Posting]] = field(default_factory=list)

    def opened(self) -> Connector:
        """As an operation gets it."""
        return Connector(
            name=self.name,
            kind="memory",
            probe=lambda: Probed(account="me", told="in memory"),
            source=self,
            sink=self,
        )

    def poll(self, cursor: str, *, most: int) -> Batch:
        """What was put there since."""
        try:
            start = int(json.loads(cursor)) if cursor else 0
        except (ValueError, TypeError, RecursionError):
            raise InvalidRequestError("this is no cursor of it") from None
        shown = self.texts[start : start + most]
        found = tuple(
            Message(source=self.name, occurrence=str(number), kind="message", text=text)
            for number, text in enumerate(shown, start)
        )
        end = start + len(shown)
        return Batch(messages=found, cursor=json.dumps(end), more=end < len(self.texts))

    def certainty(self, posting: Posting) -> Certainty:
        """As told."""
        if not posting.text:
            raise InvalidRequestError("a message has a text")
        return self.knows

    def find(self, posting: Posting, key: str, since: datetime) -> Delivered | None:  # noqa: ARG002 -- of the port
        """Look under the key."""
        if self.knows != "found":
            raise UnavailableError("it does not show what it was sent")
        found = [each for each, _ in self.sent if each == key]
        return Delivered(reference=found[0]) if found else None

    def send(self, posting: Posting, key: str) -> Delivered:
        """Keep it."""
        self.certainty(posting)
        breaks, self.breaks = self.breaks, ""
        if breaks == "refuses":
            raise InvalidRequestError("refused")
        if breaks == "before":
            raise UnavailableError("nobody there")
        if self.knows != "repeatable" or key not in {each for each, _ in self.sent}:
            self.sent.append((key, posting))
        if breaks == "after":
            raise UnavailableError("no answer", is_uncertain=True)
        return Delivered(reference=key)

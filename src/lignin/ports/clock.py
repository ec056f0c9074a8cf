"""Time and entropy, so that nothing else reaches for them."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Aware UTC time."""

    def now(self) -> datetime: ...


class IdSource(Protocol):
    """Fresh time-ordered identifiers (`lignin.domain.ids.make_id`)."""

    def new(self, prefix: str) -> str: ...

"""The shape of a row of state and of the reducers that make it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from lignin.domain.codec import Json
from lignin.domain.errors import IllegalTransitionError
from lignin.domain.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of state. `state`, `parent` and `due_at` are what a list can be narrowed by.

    `due_at` is an RFC 3339 time after which the row wants attention (expiry, lease).
    """

    stream: str
    kind: str
    seq: int
    body: Mapping[str, Json]
    state: str | None = None
    parent: str | None = None
    due_at: str | None = None

    @property
    def key(self) -> str:
        """The stream's name without its kind."""
        return self.stream.partition("/")[2]

    def moved(self, seq: int) -> "Row":
        """The same row at a later seq."""
        return replace(self, seq=seq)


Reducer: TypeAlias = Callable[[Row | None, Event, Mapping[str, Json]], Row]


def born(
    event: Event,
    body: Mapping[str, Json],
    *,
    state: str | None = None,
    parent: str | None = None,
    due_at: str | None = None,
) -> Row:
    """The first row of a stream."""
    kind = event.stream.partition("/")[0]
    return Row(
        stream=event.stream,
        kind=kind,
        seq=event.seq,
        body=body,
        state=state,
        parent=parent,
        due_at=due_at,
    )


def require_row(row: Row | None, event: Event) -> Row:
    """Return the row an event changes.

    Raises:
        IllegalTransitionError: There is none yet.
    """
    if row is None:
        raise IllegalTransitionError(f"{event.type} on {event.stream!r}, which does not exist")
    return row


def require_absent(row: Row | None, event: Event) -> None:
    """Raise where the row that an event founds is there already."""
    if row is not None:
        raise IllegalTransitionError(
            f"{event.stream!r} exists already", hint="read it again and decide anew"
        )

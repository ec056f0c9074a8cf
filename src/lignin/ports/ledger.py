"""The ledger: the only thing that writes, and consistent views to read.

Source: decision record 1. Conformance: `lignin.testing.conformance.ledger`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from lignin.domain.codec import Digest
from lignin.domain.errors import NotFoundError
from lignin.domain.events import Change, Event, Receipt, Record
from lignin.domain.states import Row

RUNG: Final = frozenset({"job", "lane"})
"""The kinds of stream whose events wake who watches: somebody waits to act on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows of a list, how many there are in all, and the key to go on from (None: the end)."""

    rows: tuple[Row, ...]
    total: int
    next_after: str | None


class View(Protocol):
    """One space at one instant: everything read from it belongs together."""

    @property
    def space(self) -> str: ...

    @property
    def position(self) -> int:
        """Position of the last event the view contains."""
        ...

    def row(self, stream: str) -> Row | None:
        """The row of a stream, or None."""
        ...

    def rows(self, streams: Iterable[str]) -> Mapping[str, Row]:
        """The rows that exist among some streams."""
        ...

    def page(
        self,
        kind: str,
        *,
        state: str | None = None,
        parent: str | None = None,
        prefix: str = "",
        due_before: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page:
        """Rows of a kind in key order, narrowed; `after` is the key to go on from."""
        ...

    def events(self, stream: str, *, after_seq: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """Control events of one stream in order."""
        ...

    def log(self, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """Control events of the space in order of position."""
        ...

    def records(self, stream: str, start: int = 1, stop: int | None = None) -> Iterator[Record]:
        """Records with start <= seq < stop, in order.

        Raises:
            IntegrityError: A stored segment does not decode; the message names it.
        """
        ...

    def contents(
        self, stream: str, start: int = 1, stop: int | None = None
    ) -> Sequence[bytes | None]:
        """Just the contents of those records, None where purged; the quick way to read one."""
        ...

    def blob(self, digest: Digest) -> bytes:
        """Bytes that some stream of this space refers to.

        Raises:
            NotFoundError: No stream of this space refers to such a blob (any more).
        """
        ...


class Ledger(Protocol):
    """Commits changes and opens views. Thread-safe."""

    def commit(self, *changes: Change) -> tuple[Receipt, ...]:
        """Write all the changes or none, and return when they are durable.

        Raises:
            ConflictError: A precondition does not hold, or a row's state forbids an event.
            InvalidRequestError: A change is malformed.
            LimitedError: A live lease of somebody else, or a size bound.
            NotFoundError: The space does not exist.
            UnavailableError: The store cannot be written now (full, read-only, locked for long).
        """
        ...

    def view(self, space: str) -> AbstractContextManager[View]:
        """Open a consistent view of a space.

        Raises:
            NotFoundError: The space does not exist.
        """
        ...

    def spaces(self) -> Sequence[str]:
        """Names of all spaces."""
        ...

    def now(self) -> datetime:
        """The store's clock, which leases and schedules compare."""
        ...

    def watch(self, ring: Callable[[], None]) -> AbstractContextManager[None]:
        """Have `ring` called soon after any process commits events of `RUNG` streams, while a block lasts.

        It is called from another thread, and may be called for nothing. Where the store is away for a
        while a call may be left out: whoever needs to know looks by itself now and then.
        """
        ...

    def close(self) -> None:
        """Release connections; acknowledged commits are durable already."""
        ...


_LISTED_BY = {
    "artifact": "`lignin artifact list` has the names",
    "version": "`lignin artifact list` has the versions",
    "head": "`lignin head list` has the names; `lignin head create` makes one",
    "revision": "`lignin head history` has a head's revisions",
    "proposal": "`lignin proposal list` has them",
    "session": "`lignin trace list` has them",
    "case": "`lignin trace cases` has them",
    "routine": "`lignin routine list` has them",
    "lesson": "`lignin lesson list` has them",
    "task": "`lignin task list` has the unfinished ones",
    "system": "`lignin eval list` has the systems that were tried",
    "trial": "`lignin eval show SYSTEM` has a system's trials",
    "decision": "`lignin gate list` has them",
    "release": "`lignin release list` has them",
    "improve": "`lignin improve list` has them",
    "job": "`lignin job list` has them",
    "worker": "`lignin worker list` has them",
    "loop": "`lignin loop list` has them",
    "looprun": "`lignin loop history LOOP` has a loop's runs",
    "inbox": "`lignin inbox list` has them",
    "power": "`lignin power list` has them",
    "backslide": "`lignin eval backslides` has them",
    "fix": "`lignin trace cases` says of each case which decisions fixed it",
}


def every_row(
    view: View, kind: str, *, state: str | None = None, prefix: str = ""
) -> Iterator[Row]:
    """All rows of a kind in key order, read page by page."""
    after: str | None = None
    while True:
        page = view.page(kind, state=state, prefix=prefix, after=after, limit=1000)
        yield from page.rows
        after = page.next_after
        if after is None:
            return


def require_known(view: View, stream: str) -> Row:
    """The row of a stream that a caller named.

    Raises:
        NotFoundError: The space has none; the hint says what lists those there are.
    """
    row = view.row(stream)
    if row is None:
        raise not_known(view, stream)
    return row


def not_known(view: View, stream: str) -> NotFoundError:
    """The error that a space has no such stream, or none that the caller may see."""
    kind, _, key = stream.partition("/")
    hint = _LISTED_BY.get(kind, "`lignin space list`: it may be in another space")
    return NotFoundError(f"no {kind} {key!r} in space {view.space!r}", hint=hint)

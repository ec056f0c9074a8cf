"""Builders for tests of the ledger: a clock that ticks, ids that count, changes in a line."""

import itertools
from datetime import UTC, datetime, timedelta

from lignin.domain.codec import Json, digest_bytes
from lignin.domain.events import Actor, Blob, Change, NewEvent, Records
from lignin.domain.ids import ENTROPY_BYTES, make_id

ACTOR = Actor(sub="user:ada", act=("agent:coder",), token_id="tok_1")  # noqa: S106 - no secret
START = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
_numbers = itertools.count(1)


class TickingClock:
    """A clock that moves `step_s` with every look, or not at all; `at` may be set."""

    def __init__(self, at: datetime = START, step_s: float = 0.001) -> None:
        self.at = at
        self._step = timedelta(seconds=step_s)

    def now(self) -> datetime:
        self.at += self._step
        return self.at


class CountingIds:
    """Ids in order, the same ones in every run."""

    def __init__(self) -> None:
        self._number = 0

    def new(self, prefix: str) -> str:
        self._number += 1
        return make_id(prefix, at=START, entropy=_entropy(self._number))


def _entropy(number: int) -> bytes:
    """The number in the upper half: ids of records replace the last 30 bits."""
    return number.to_bytes(ENTROPY_BYTES // 2).ljust(ENTROPY_BYTES, b"\0")


def fresh_id(prefix: str = "evt") -> str:
    """An id that no other call in this process returned."""
    return make_id(prefix, at=START, entropy=_entropy(next(_numbers)))


def event(stream: str, type_: str, /, **payload: Json) -> NewEvent:
    """An event of any type."""
    return NewEvent(stream=stream, type=type_, payload=payload, event_id=fresh_id())


def space_created(space: str) -> NewEvent:
    """The event that founds a space."""
    return event(f"space/{space}", "space.created", kind="user", parent=None)


def head_created(name: str, stable: str = "r0") -> NewEvent:
    """The event that founds a head."""
    return event(f"head/{name}", "head.created", stable=stable, salt="s", extends=None)


def head_moved(name: str, origin: str, to: str) -> NewEvent:
    """The event that moves a head."""
    return event(f"head/{name}", "head.moved", **{"from": origin, "to": to})


def used(name: str, client: str = "test") -> NewEvent:
    """A commutative fact: one use."""
    return event(f"usage/{name}", "usage.recorded", client=client, path="call", ok=True)


def change(space: str, /, *events: NewEvent, **parts: object) -> Change:
    """A change by `ACTOR`; the parts are those of `Change`."""
    return Change(space=space, actor=ACTOR, events=events, **parts)  # type: ignore[arg-type]


def records(stream: str, *contents: bytes, expect_seq: int | None = None) -> Records:
    """Records of one append."""
    return Records(
        stream=f"record/{stream}",
        type="session.record",
        first_id=fresh_id(),
        contents=contents,
        expect_seq=expect_seq,
    )


def blob(stream: str, content: bytes) -> Blob:
    """A blob with its digest."""
    return Blob(stream=stream, digest=digest_bytes(content), content=content)

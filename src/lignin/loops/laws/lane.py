"""What becomes of an occurrence while the loop is busy. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.loops import Overlap

Decided = Literal["start", "queue", "replace", "skip"]
MOST_WAITING = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was decided of one occurrence, and why it was passed over."""

    decided: Decided
    why: str = ""


def decide_entry(
    overlap: Overlap, running: str | None, waiting: Sequence[str], *, is_active: bool
) -> Entry:
    """Return what becomes of an occurrence.

    Args:
        running: The loop's run that goes on, if one does; `waiting` are those behind it.
        is_active: Whether the loop is to run at all.
    """
    if not is_active:
        return Entry(decided="skip", why="the loop is paused")
    if running is None:
        return Entry(decided="start")
    if overlap == "replace":
        return Entry(decided="replace")
    if overlap == "queue":
        if len(waiting) < MOST_WAITING:
            return Entry(decided="queue")
        return Entry(decided="skip", why=f"{MOST_WAITING} runs wait already")
    return Entry(decided="skip", why=f"{running} goes on")

"""What the next run is told of those before: what was tried, what passed, what is open. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.codec import Json

MOST_EACH = 30
MOST_RUNS = 5
MAX_NOTE_CHARS = 2_000
Kept = Literal["open", "passed", "dismissed", "expired"]
_AS: dict[str, Kept] = {
    "open": "open",
    "snoozed": "open",
    "accepted": "passed",
    "applied": "passed",
    "answered": "passed",
    "dismissed": "dismissed",
    "expired": "expired",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of the inbox as it is remembered."""

    key: str
    title: str
    state: str
    at: str
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run as it is remembered: how it ended, and the note it left."""

    run: str
    at: str
    outcome: str
    why: str
    note: str = ""


def remember(
    items: Sequence[Item], runs: Sequence[Ran], missed: Sequence[Json] = ()
) -> dict[str, Json]:
    """Return what a run is given of those before it, bounded; the newest first.

    Args:
        missed: What came with occurrences whose runs failed: the next run is to see to them.
    """
    told: dict[str, list[Json]] = {kind: [] for kind in ("open", "passed", "dismissed", "expired")}
    for item in sorted(items, key=lambda each: each.at, reverse=True):
        kept = told[_AS.get(item.state, "open")]
        if len(kept) < MOST_EACH:
            kept.append({"key": item.key, "title": item.title, "said": item.said, "at": item.at})
    last = sorted(runs, key=lambda each: each.at, reverse=True)[:MOST_RUNS]
    tried: list[Json] = [
        {
            "run": ran.run,
            "at": ran.at,
            "outcome": ran.outcome,
            "why": ran.why,
            "note": ran.note[:MAX_NOTE_CHARS],
        }
        for ran in last
    ]
    return {**told, "tried": tried, "missed": list(missed)[:MOST_EACH]}

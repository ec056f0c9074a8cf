"""What is new at a loop's source since it was last looked at, as occurrences. Pure.

What was seen is declared state on the ledger: an instant, the marks of files, a position in the log. An
occurrence is named by what is new, so that whoever looks, and whenever, names it the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lignin.domain.codec import Json, digest_json
from lignin.domain.loops import Occurrence, Trigger
from lignin.loops.laws.ticks import occurrence_of, plan_due

MOST_FILES = 5_000
MOST_NAMED = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What came of looking: occurrences in order, and what is seen now (None: as before)."""

    occurrences: tuple[Occurrence, ...] = ()
    seen: Json = None
    passed_over: int = 0


def look_at_clock(trigger: Trigger, seen: Json, added_at: datetime, now: datetime) -> Looked:
    """The ticks that are due. A loop that was never looked at begins when it was added."""
    since = datetime.fromisoformat(seen["at"]) if seen and "at" in seen else added_at
    if now <= since:
        return Looked()
    due = plan_due(trigger, since, now)
    if not due.ticks and not due.passed_over:
        return Looked()  # nothing to remember: the next look begins at the same place
    return Looked(
        occurrences=tuple(occurrence_of(tick) for tick in due.ticks),
        seen={"at": now.isoformat()},
        passed_over=due.passed_over,
    )


def look_at_files(trigger: Trigger, seen: Json, marks: Mapping[str, str]) -> Looked:
    """New and changed files, together as one occurrence.

    Args:
        marks: Path to a mark that changes with its content, of files that are quiet now.
    """
    known = set(seen["marks"]) if seen and "marks" in seen else set()
    new = sorted(path for path, mark in marks.items() if mark not in known)
    now = {"marks": sorted(set(marks.values()))}
    if seen is None:
        return Looked(seen=now)  # what lay there before the loop is no news
    if len(new) < trigger.least:
        return Looked()
    name = digest_json(sorted(marks[path] for path in new))
    given = {"files": new[:MOST_NAMED], "count": len(new)}
    return Looked(occurrences=(Occurrence(source="files", name=name, given=given),), seen=now)


def look_at_log(trigger: Trigger, seen: Json, fresh: Sequence[str], position: int) -> Looked:
    """New traces, together as one occurrence.

    Args:
        fresh: Sessions that were begun since what was seen, in order.
        position: Where the log stands.
    """
    if seen is None:
        return Looked(seen={"position": position})
    if len(fresh) < trigger.least:
        return Looked()
    given = {"sessions": list(fresh[:MOST_NAMED]), "count": len(fresh)}
    name = digest_json(sorted(fresh))
    occurrence = Occurrence(source="traces", name=name, given=given)
    return Looked(occurrences=(occurrence,), seen={"position": position})

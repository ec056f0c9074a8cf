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
FROM = "connector/"
"""What an occurrence's source begins with that is a message of a connector; its name is the message's id."""
STRIDE = 1000
"""So much of the log that has nothing new is read again at most, before it is noted as read."""


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


def look_at_files(
    trigger: Trigger, seen: Json, marks: Mapping[str, str], passed_over: Sequence[str] = ()
) -> Looked:
    """New and changed files, together as one occurrence.

    Args:
        marks: Path to a mark that changes with its content, of files that are quiet now.
        passed_over: What lies there and is no file, told beside the new ones.
    """
    known = set(seen["marks"]) if seen and "marks" in seen else set()
    new = sorted(path for path, mark in marks.items() if mark not in known)
    now = {"marks": sorted(set(marks.values()))}
    if seen is None:
        return Looked(seen=now)  # what lay there before the loop is no news
    if len(new) < trigger.least:
        return Looked()
    name = digest_json(sorted(marks[path] for path in new))
    given: dict[str, Json] = {"files": new[:MOST_NAMED], "count": len(new)}
    if passed_over:
        given["passed_over"] = list(passed_over[:MOST_NAMED])
    return Looked(occurrences=(Occurrence(source="files", name=name, given=given),), seen=now)


def look_at_log(trigger: Trigger, seen: Json, fresh: Sequence[str], position: int) -> Looked:
    """New traces, together as one occurrence.

    Args:
        fresh: Sessions that were begun since what was seen, in order.
        position: Where the log stands.
    """
    since = read_to(trigger, seen)
    if since is None:
        return Looked(seen={"position": position})
    if len(fresh) < trigger.least:
        is_far = not fresh and position - since >= STRIDE
        return Looked(seen={"position": position}) if is_far else Looked()
    given = {"sessions": list(fresh[:MOST_NAMED]), "count": len(fresh)}
    name = digest_json(sorted(fresh))
    occurrence = Occurrence(source="traces", name=name, given=given)
    return Looked(occurrences=(occurrence,), seen={"position": position})


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """A message that came in: its id, where in the log it stands, and what it says."""

    message: str
    position: int
    given: Json


def look_at_messages(
    trigger: Trigger, seen: Json, came: Sequence[Came], position: int, *, is_whole: bool
) -> Looked:
    """Messages of a connector, each an occurrence of its own, named by its id.

    Args:
        came: The first of those that came since what was seen, in order.
        position: Where the log stands.
        is_whole: `came` are all of them; else the rest is new at the next look.
    """
    since = read_to(trigger, seen)
    here: Json = {"source": trigger.source, "position": position}
    if since is None:
        return Looked(seen=here)  # what came before the loop is no news
    if not came:
        return Looked(seen=here) if is_whole and position - since >= STRIDE else Looked()
    occurrences = tuple(
        Occurrence(source=f"{FROM}{trigger.source}", name=each.message, given=each.given)
        for each in came
    )
    if not is_whole:
        here = {"source": trigger.source, "position": came[-1].position}
    return Looked(occurrences=occurrences, seen=here)


def read_to(trigger: Trigger, seen: Json) -> int | None:
    """How far the log was read for a trigger; None where it was not, or for another source."""
    if not seen or "position" not in seen or seen.get("source", "") != trigger.source:
        return None
    return int(seen["position"])

"""Why uses of a routine cannot be made at one go: what is changed between their steps. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lignin.domain.counts import counted
from lignin.domain.routines import Routine
from lignin.traces.routines.apply import Occurrence, find_uses
from lignin.traces.routines.encode import Encoded

MOST_NAMED = 2
MAX_TOOL_CHARS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindered:
    """Uses that cannot be made at one go.

    Args:
        changed: Those between whose steps something else is changed.
        other: Those in which a condition of the routine does not hold, or what was left out is given.
        between: What is changed there, the most frequent first.
    """

    changed: int
    other: int
    between: tuple[str, ...]

    def in_words(self) -> str:
        """What stands in the way; empty where nothing does."""
        told = []
        if self.changed:
            named = ", ".join(tool[:MAX_TOOL_CHARS] for tool in self.between[:MOST_NAMED])
            more = ", ..." if len(self.between) > MOST_NAMED else ""
            told.append(
                f"in {counted(self.changed, 'use')} something else is changed between the steps "
                f"({named}{more}), so that they cannot be made at one go"
            )
        if self.other:
            told.append(f"in {counted(self.other, 'use')} what it asks does not hold")
        return "; ".join(told)


def hindered(routine: Routine, runs: Iterable[Encoded]) -> Hindered:
    """Look at the uses of a routine's steps that are none when a run is rewritten with it."""
    changed = other = 0
    between: Counter[str] = Counter()
    for run in runs:
        applied = {place for use in find_uses(routine, run, applied=True) for place in use.places}
        for use in find_uses(routine, run):
            if not applied.isdisjoint(use.places):
                continue
            tools = _changed_between(use, run)
            between.update(tools)
            changed += bool(tools)
            other += not tools
    named = tuple(tool for tool, _ in sorted(between.items(), key=lambda each: (-each[1], each[0])))
    return Hindered(changed=changed, other=other, between=named)


def _changed_between(use: Occurrence, run: Encoded) -> set[str]:
    first, last, mine = min(use.places), max(use.places), set(use.places)
    return {
        call.tool
        for group in run.line
        for call in group
        if first < call.place < last and call.place not in mine and call.changes
    }

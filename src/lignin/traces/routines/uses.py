"""Remembers which uses a routine has in which run, so that no run is looked through twice. Pure."""

from collections.abc import Sequence

from lignin.domain.routines import Routine
from lignin.traces.routines.apply import Finder, Occurrence
from lignin.traces.routines.encode import Encoded

Found = tuple[Occurrence, ...]


class Uses:
    """The uses of routines in runs."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], dict[int, Found]] = {}

    def of(
        self, routine: Routine, runs: Sequence[Encoded], *, applied: bool = False
    ) -> list[Found]:
        """Return a routine's uses in each run; the runs are kept alive by whoever asks."""
        known = self._known.setdefault((routine.routine_id, applied), {})
        finder = Finder(routine, applied=applied)
        found = []
        for run in runs:
            uses = known.get(id(run))
            if uses is None:
                uses = known[id(run)] = finder.uses(run)
            found.append(uses)
        return found

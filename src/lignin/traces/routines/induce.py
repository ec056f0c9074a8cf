"""Induces routines of runs: grow, unify, choose, and choose again among what was put together.

Incremental: a run is encoded once and only new runs are grown; what is chosen depends on which runs
there are and not on their order. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.domain.routines import Routine, Support
from lignin.traces.routines.apply import find_uses
from lignin.traces.routines.choose import Candidate, Chooser
from lignin.traces.routines.compose import compose
from lignin.traces.routines.encode import Encoded
from lignin.traces.routines.grow import Growth, Occurrence, Pattern
from lignin.traces.routines.loosen import loosened
from lignin.traces.routines.nest import nested
from lignin.traces.routines.order import by_saving
from lignin.traces.routines.unify import Background, Occurred

FEWEST = 3
SHARE = 0.02
"""A routine needs uses in so many sessions, and in this share of the passing runs."""
LIMIT = 40
MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A candidate that is no routine, and why."""

    tools: tuple[str, ...]
    reason: str
    occurrences: int
    failing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Induced:
    """The routines, what saves most first, and what was refused."""

    routines: tuple[Routine, ...]
    refused: tuple[Refused, ...]


class Inducer:
    """Holds the runs seen so far and the patterns grown of them."""

    def __init__(self, fewest: int = FEWEST, share: float = SHARE) -> None:
        self._fewest, self._share = fewest, share
        self._passing: list[Encoded] = []
        self._others: list[Encoded] = []
        self._growth = Growth()
        self._background = Background()

    def add(self, runs: Iterable[Encoded]) -> None:
        """Add runs; only what passed supports a routine."""
        runs = list(runs)
        passing = [run for run in runs if run.passed]
        self._passing += passing
        self._others += [run for run in runs if run.passed is False]
        self._background.add(passing)
        self._growth.add([tokens_of(run) for run in passing])

    def induce(self, limit: int = LIMIT) -> Induced:
        """Return the routines of all runs added so far."""
        least = max(self._fewest, round(self._share * len(self._passing)))
        order = self._order()
        runs = [self._passing[place] for place in order]
        place_of = {place: number for number, place in enumerate(order)}
        candidates = [
            self._candidate(pattern, occurrences, place_of, runs)
            for pattern, occurrences in self._growth.patterns(least)
        ]
        chosen = list(Chooser(runs, self._background, least).choose(candidates, MOST))
        unified = [each.unified for each in chosen]
        unified += nested(runs, chosen, self._background, least)
        looser = (loosened(each, runs, self._background) for each in unified)
        unified += [each for each in looser if each]
        found = {routine.routine_id: routine for routine in map(compose, unified)}
        supported = [self._supported(routine) for routine in found.values()]
        kept = [each for each in supported if len(each.support.sessions) >= least]
        return Induced(routines=by_saving(kept, runs, limit), refused=())

    @staticmethod
    def _candidate(
        pattern: Pattern,
        occurrences: Sequence[Occurrence],
        place_of: Mapping[int, int],
        runs: Sequence[Encoded],
    ) -> Candidate:
        def uses() -> list[Occurred]:
            found = sorted((place_of[run], places) for run, places in occurrences)
            return [(run, tuple([runs[run].line[place] for place in p])) for run, p in found]

        calls = sum(
            len(runs[place_of[run]].line[place]) for run, places in occurrences for place in places
        )
        return Candidate(
            pattern=pattern, calls=calls, count=len(occurrences), occurrences=uses
        )

    def _order(self) -> list[int]:
        return sorted(
            range(len(self._passing)),
            key=lambda place: (self._passing[place].session, self._passing[place].task),
        )

    def _supported(self, routine: Routine) -> Routine:
        """Return a routine with its uses counted, in failing runs beside."""
        sessions: list[str] = []
        tasks: set[str] = set()
        models: set[str] = set()
        count = calls = 0
        for run in self._passing:
            uses = find_uses(routine, run)
            if uses:
                sessions.append(run.session)
                tasks.add(run.task)
                models.add(run.model)
                count += len(uses)
                calls += sum(len(use.places) for use in uses)
        failing = sum(len(find_uses(routine, run)) for run in self._others)
        support = Support(
            occurrences=count,
            calls=calls,
            sessions=tuple(sorted(sessions)),
            tasks=len(tasks),
            models=tuple(sorted(models - {""})),
            failing=failing,
        )
        return replace(routine, support=support)


def tokens_of(run: Encoded) -> list[tuple[str, tuple[str, ...]]]:
    """Return the steps of a run as patterns are grown of them."""
    return [(group[0].tool, group[0].names) for group in run.line]

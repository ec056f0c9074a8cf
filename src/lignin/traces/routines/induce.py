"""Induces routines of runs: grow, unify, choose, put together, and refuse what is no routine.

Incremental: a run is encoded once and only new runs are grown; what comes of it depends on which runs
there are and not on their order. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.domain.routines import Routine
from lignin.domain.support import Support
from lignin.traces.routines.apply import Occurrence as Use
from lignin.traces.routines.choose import Candidate, Chooser
from lignin.traces.routines.compose import compose
from lignin.traces.routines.determine import determined
from lignin.traces.routines.encode import Encoded
from lignin.traces.routines.form import is_narrower, unified_again
from lignin.traces.routines.grow import Growth, Occurrence, Pattern
from lignin.traces.routines.guards import guarded
from lignin.traces.routines.loosen import loosened
from lignin.traces.routines.nest import nested
from lignin.traces.routines.order import by_saving
from lignin.traces.routines.unify import Background, Unified
from lignin.traces.routines.uses import Uses

FEWEST = 3
SHARE = 0.02
"""A routine needs uses in so many sessions, and in this share of the passing runs."""
LIMIT = 40
MOST = 200
MOST_REFUSED = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What recurs and is no routine, and why."""

    tools: tuple[str, ...]
    reason: str
    passing: int = 0
    failing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Induced:
    """The routines, what saves most first, and what was refused."""

    routines: tuple[Routine, ...]
    refused: tuple[Refused, ...]


class Pool:
    """Runs of one kind with the patterns grown of them."""

    def __init__(self) -> None:
        self.runs: list[Encoded] = []
        self.background = Background()
        self._growth = Growth()

    def add(self, runs: Sequence[Encoded]) -> None:
        """Add runs."""
        self.runs += runs
        self.background.add(runs)
        self._growth.add([tokens_of(run) for run in runs])

    def ordered(self) -> tuple[list[Encoded], list[Candidate]]:
        """Return the runs in an order of their own and the patterns of at least `FEWEST` of them."""
        keys = [(run.session, run.task) for run in self.runs]
        order = sorted(range(len(keys)), key=keys.__getitem__)
        place_of = {place: number for number, place in enumerate(order)}
        runs = [self.runs[place] for place in order]
        least = least_of(runs)
        return runs, [
            _candidate(pattern, occurrences, place_of, runs)
            for pattern, occurrences in self._growth.patterns(least)
        ]


class Inducer:
    """Holds the runs seen so far and the patterns grown of them."""

    def __init__(self) -> None:
        self._passing, self._failing = Pool(), Pool()
        self._unknown: list[Encoded] = []
        self._uses = Uses()

    def add(self, runs: Iterable[Encoded]) -> None:
        """Add runs; only what passed supports a routine, and what nobody judged supports nothing."""
        runs = list(runs)
        self._passing.add([run for run in runs if run.passed])
        self._failing.add([run for run in runs if run.passed is False])
        self._unknown += [run for run in runs if run.passed is None]

    def induce(self, limit: int = LIMIT) -> Induced:
        """Return the routines of all runs added so far."""
        runs, candidates = self._passing.ordered()
        least = least_of(runs)
        found = self._routines(self._passing, runs, candidates, least)
        supported = [self._supported(compose(each), runs) for each in found.values()]
        kept = [
            each
            for each in supported
            if len(each.support.sessions) >= least and each.support.tasks > 1
        ]
        refused = [
            Refused(
                tools=each.tools,
                reason="all its uses are of one task" if each.support.tasks < 2 else "seldom",
                passing=each.support.occurrences,
                failing=each.support.failing,
            )
            for each in supported
            if each not in kept and each.support.occurrences
        ]
        refused += self._only_failing(runs)
        refused += _single_calls(runs, supported, least)
        routines = [
            self._determined(each, found[each.routine_id], runs, least)
            for each in by_saving(kept, runs, limit, self._uses)
        ]
        made = [
            self._guarded(self._counted(each, runs), runs)
            for each in {r.routine_id: r for r in routines}.values()
        ]
        return Induced(
            routines=tuple(made),
            refused=tuple(refused[:MOST_REFUSED]),
        )

    def form_of(self, routine: Routine) -> Routine | None:
        """Return a routine's steps as the runs added so far show them; None where too few do.

        A condition that would take what the routine is given is left out.
        """
        runs, _ = self._passing.ordered()
        least = least_of(runs)
        unified = unified_again(routine, runs, self._passing.background, self._uses)
        if unified is None:
            return None
        plain = self._supported(compose(unified), runs)
        found = self._determined(plain, unified, runs, least)
        if is_narrower(found, routine):
            found = plain
        if len(found.support.sessions) < least or found.support.tasks < 2:
            return None
        return self._guarded(found, runs)

    def _routines(
        self, pool: Pool, runs: Sequence[Encoded], candidates: Sequence[Candidate], least: int
    ) -> dict[str, Unified]:
        """What may be a routine, by its id."""
        background = pool.background
        chooser = Chooser(runs, background, least, self._uses)
        chosen = list(chooser.choose(candidates, MOST))
        unified = [each.unified for each in chosen]
        unified += nested(runs, chosen, background, least)
        looser = (loosened(each, runs, background, self._uses) for each in unified)
        unified += [each for each in looser if each]
        return {compose(each).routine_id: each for each in unified}

    def _determined(
        self, routine: Routine, unified: Unified, runs: Sequence[Encoded], least: int
    ) -> Routine:
        """Return a routine with what need not be given, where it is still used often enough."""
        chosen = determined(unified, runs, least)
        if chosen is unified:
            return routine
        made = self._supported(compose(chosen), runs)
        is_enough = len(made.support.sessions) >= least and made.support.tasks > 1
        return made if is_enough else routine

    def _only_failing(self, passing: Sequence[Encoded]) -> list[Refused]:
        """What recurs in failing runs and hardly ever in others: those that nothing tells about may have
        passed."""
        runs, candidates = self._failing.ordered()
        least = least_of(runs)
        refused: list[Refused | None] = []
        chooser = Chooser(runs, self._failing.background, least, self._uses)
        for chosen in chooser.choose(candidates, MOST):
            found = self._uses.of(chosen.routine, passing)
            untold = sum(map(bool, self._uses.of(chosen.routine, self._unknown)))
            refused.append(as_poisoned(chosen.routine, len(chosen.taken), found, untold))
        return list(filter(None, refused))

    def _supported(self, routine: Routine, runs: Sequence[Encoded]) -> Routine:
        """Return a routine with its uses counted, in failing runs beside."""
        found = [
            (run, uses)
            for run, uses in zip(runs, self._uses.of(routine, runs), strict=True)
            if uses
        ]
        failing = self._uses.of(routine, self._failing.runs)
        support = Support(
            occurrences=sum(len(uses) for _, uses in found),
            calls=sum(len(use.places) for _, uses in found for use in uses),
            sessions=tuple(sorted({run.session for run, _ in found})),
            tasks=len({run.task for run, _ in found}),
            models=tuple(sorted({run.model for run, _ in found} - {""})),
            failing=sum(map(len, failing)),
        )
        return replace(routine, support=support)

    def _counted(self, routine: Routine, runs: Sequence[Encoded]) -> Routine:
        """The routine with the uses counted that runs can be rewritten with."""
        applied = sum(map(len, self._uses.of(routine, runs, applied=True)))
        return replace(routine, support=replace(routine.support, applied=applied))

    def _guarded(self, routine: Routine, runs: Sequence[Encoded]) -> Routine:
        found: list[tuple[Encoded, Sequence[Use]]] = list(
            zip(runs, self._uses.of(routine, runs), strict=True)
        )
        return guarded(routine, found, [*runs, *self._failing.runs], FEWEST)


def as_poisoned(
    routine: Routine, failing: int, passing: Sequence[Sequence[Use]], untold: int
) -> Refused | None:
    """Refuse what failing runs do and hardly any others; None where others do it too, or where no use is
    left that is not inside another one.

    Args:
        failing: Its uses in failing runs.
        passing: Its uses in each passing run.
        untold: Runs with a use of which nobody says how they ended.
    """
    if not failing or sum(map(bool, passing)) + untold >= FEWEST:
        return None
    return Refused(
        tools=routine.tools,
        reason=f"poisoned: {'hardly any but' if any(passing) else 'only'} failing runs support it",
        passing=sum(map(len, passing)),
        failing=failing,
    )


def least_of(runs: Sequence[Encoded]) -> int:
    """Return in how many sessions a routine of these runs has to be used."""
    return max(FEWEST, round(SHARE * len(runs)))


def tokens_of(run: Encoded) -> list[tuple[str, tuple[str, ...]]]:
    """Return the steps of a run as patterns are grown of them."""
    return [(group[0].tool, group[0].names) for group in run.line]


def _candidate(
    pattern: Pattern,
    occurrences: Sequence[Occurrence],
    place_of: Mapping[int, int],
    runs: Sequence[Encoded],
) -> Candidate:
    found = sorted([(place_of[run], places) for run, places in occurrences])
    uses = [(run, tuple([runs[run].line[place] for place in places])) for run, places in found]
    return Candidate(pattern=pattern, occurrences=uses)


def _single_calls(
    runs: Sequence[Encoded], routines: Sequence[Routine], least: int
) -> list[Refused]:
    """Calls that recur by themselves: as a routine they would save nothing."""
    sessions = Counter(tool for run in runs for tool in {group[0].tool for group in run.line})
    used = {tool for routine in routines for tool in routine.tools}
    return [
        Refused(tools=(tool,), reason="trivial: one call, nothing is saved", passing=count)
        for tool, count in sorted(sessions.items(), key=lambda each: (-each[1], each[0]))
        if count >= least and tool not in used
    ]

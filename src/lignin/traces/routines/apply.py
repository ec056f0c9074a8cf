"""Finds the uses of routines in runs, and what a run comes to when it is rewritten with them.

A use is a place in a run where every argument of every step is what the routine says: constants are
equal, equal parameters have equal values, references lead to the value in the run's own results. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.domain.routines import Constant, Item, Reference, Routine, RoutineStep, Use
from lignin.traces.routines.encode import Call, Encoded
from lignin.traces.routines.grow import GAP
from lignin.traces.routines.values import Key, general, key_of

MAX_TRIES = 500
"""So often a step is tried for one use; a run made to be searched for long is given up."""

Group = tuple[Call, ...]
Bindings = Mapping[str, Key | tuple[Key, ...]]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One use: the calls of each step, the values of the parameters, and the calls' places in the run."""

    groups: tuple[Group, ...]
    bindings: Bindings
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    groups: tuple[Group, ...]
    bindings: dict[str, Key | tuple[Key, ...]]
    at: int


def find_uses(routine: Routine, run: Encoded, *, applied: bool = False) -> tuple[Occurrence, ...]:
    """Return the uses of a routine in a run that share no call, in order.

    Args:
        applied: As a run is rewritten with them: nothing else may be changed between the steps, so
            that doing them at one go comes to the same, and a step that reads for each of a list is
            done no times where the list is empty. Else as evidence, where each step counts.
    """
    found: list[Occurrence] = []
    steps = routine.steps
    start = 0
    needed = {step.tool for step in steps if not _may_be_left_out(step, applied)}
    if not needed <= run.tools:
        return ()
    first = "" if _may_be_left_out(steps[0], applied) else steps[0].tool
    while start < len(run.line):
        if first and run.line[start][0].tool != first:
            start += 1
            continue
        match = _Search(steps, run.line, start, applied).extend(_Found((), {}, -1))
        if match is None or sum(map(len, match.groups)) < 2:
            start += 1
            continue
        places = tuple([call.place for group in match.groups for call in group])
        found.append(Occurrence(match.groups, match.bindings, places))
        start = match.at + 1
    return tuple(found)


class _Search:
    """Looks for a use that begins at one place; gives up after `MAX_TRIES`."""

    def __init__(
        self, steps: Sequence[RoutineStep], line: Sequence[Group], start: int, applied: bool
    ) -> None:
        self._steps, self._line, self._start, self._applied = steps, line, start, applied
        self._tries = 0

    def extend(self, so_far: _Found) -> _Found | None:
        """Match the rest of the steps."""
        number = len(so_far.groups)
        if number == len(self._steps):
            return so_far if any(so_far.groups) else None
        self._tries += 1
        if self._tries > MAX_TRIES:
            return None
        step, line = self._steps[number], self._line
        first, after = so_far.at < 0, so_far.at + 1
        places = (self._start,) if first else range(after, min(len(line), after + GAP + 1))
        for place in places:
            if self._applied and not first and _is_changed(line[after:place]):
                break
            for group in _choices(step, line[place], first, number == len(self._steps) - 1):
                bindings = _explain(step, group, so_far)
                if bindings is None:
                    continue
                match = self.extend(_Found((*so_far.groups, group), bindings, place))
                if match:
                    return match
        if _may_be_left_out(step, self._applied):
            return self.extend(_Found((*so_far.groups, ()), so_far.bindings, so_far.at))
        return None


def _may_be_left_out(step: RoutineStep, applied: bool) -> bool:
    return step.is_optional or (applied and step.is_repeated and not step.changes)


def _is_changed(between: Sequence[Group]) -> bool:
    return any(call.changes for group in between for call in group)


def _choices(step: RoutineStep, group: Group, first: bool, last: bool) -> Iterator[Group]:
    """What of a row of calls of one tool the step may be."""
    call = group[0]
    if call.tool != step.tool or len(call.names) != len(step.arguments):
        return
    if any(name not in step.arguments for name in call.names):
        return
    if step.is_repeated or len(group) == 1:
        yield group
    elif first:
        yield group[-1:]
    elif last:
        yield group[:1]
    elif len(group) == 2:
        yield group[:1]
        yield group[1:]


def _explain(
    step: RoutineStep, group: Group, so_far: _Found
) -> dict[str, Key | tuple[Key, ...]] | None:
    """Return the parameters with this step's, None where an argument is not what it should be."""
    bindings = dict(so_far.bindings)
    for number, name in enumerate(group[0].names):
        slot = step.arguments[name]
        if isinstance(slot, Item):
            value: Key | tuple[Key, ...] = tuple(call.keys[number] for call in group)
            if bindings.setdefault(slot.parameter, value) != value:
                return None
            continue
        key = group[0].keys[number]
        if any(call.keys[number] != key for call in group[1:]):
            return None
        if isinstance(slot, Constant):
            if key_of(slot.value) != key:
                return None
        elif isinstance(slot, Use):
            if bindings.setdefault(slot.parameter, key) != key:
                return None
        elif not leads_to(slot, group[0], number, so_far.groups):
            return None
    return bindings


def leads_to(reference: Reference, call: Call, slot: int, groups: Sequence[Group]) -> bool:
    """True where a reference leads to an argument's value in what the run itself returned."""
    if reference.step >= len(groups):
        return False
    places = {each.place for each in groups[reference.step]}
    path = reference.path
    return any(
        at in places and (found == path or general(found) == path)
        for at, found in call.sources[slot]
    )


def given_in(routine: Routine, use: Occurrence) -> dict[str, Json]:
    """Return the parameters of a use as the run wrote them; a list that nothing was done for is empty."""
    found: dict[str, Json] = {}
    lists: dict[str, Json] = {}
    for step, group in zip(routine.steps, use.groups, strict=True):
        for name, slot in step.arguments.items():
            if isinstance(slot, Item):
                lists.setdefault(slot.parameter, [])
            if group and isinstance(slot, Use | Item):
                values = [call.raw[call.names.index(name)] for call in group]
                found.setdefault(slot.parameter, values if isinstance(slot, Item) else values[0])
    return {**lists, **found}


def apply_routines(
    routines: Sequence[Routine], run: Encoded
) -> tuple[tuple[Routine, Occurrence], ...]:
    """Return which uses a run is rewritten with: the longest first, none sharing a call."""
    found = {
        id(use): (routine, use)
        for routine in routines
        for use in find_uses(routine, run, applied=True)
    }
    return tuple(found[id(use)] for use in longest(use for _, use in found.values()))


def longest(uses: Iterable[Occurrence]) -> tuple[Occurrence, ...]:
    """Return of uses in one run those that are applied, in order: longest first, none sharing a call."""
    taken: set[int] = set()
    applied = []
    for use in sorted(uses, key=lambda each: (-len(each.places), each.places)):
        if taken.isdisjoint(use.places):
            taken.update(use.places)
            applied.append(use)
    return tuple(sorted(applied, key=lambda use: use.places))

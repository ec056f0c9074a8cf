"""Finds the uses of routines in runs, and what a run comes to when it is rewritten with them.

A use is a place in a run where every argument of every step is what the routine says: constants are
equal, equal parameters have equal values, references lead to the value in the run's own results. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.domain.routines import (
    Constant,
    Each,
    Item,
    Reference,
    Routine,
    RoutineStep,
    Use,
)
from lignin.traces.routines.encode import Call, Encoded, Source
from lignin.traces.routines.grow import GAP
from lignin.traces.routines.pick import Element, chosen, kept_elements, kept_value, wanted_by
from lignin.traces.routines.preconditions import broken_guards, is_chosen
from lignin.traces.routines.values import Key, general, key_of

MAX_TRIES = 500
"""So often a step is tried for one use; a run made to be searched for long is given up."""

Group = tuple[Call, ...]
Bound = dict[str, Key | tuple[Key, ...]]
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
        applied: As a run is rewritten with them: the guards hold, nothing else may be changed between
            the steps, so that doing them at one go comes to the same, and a step that reads for each of a list is
            done no times where the list is empty. Else as evidence, where each step counts.
    """
    return Finder(routine, applied=applied).uses(run)


class Finder:
    """Finds the uses of one routine, as `find_uses` says."""

    def __init__(self, routine: Routine, *, applied: bool) -> None:
        self._routine, self._applied = routine, applied
        self._has_guards = any(step.guards for step in routine.steps)
        self._chosen = [
            each for number in range(len(routine.steps)) for each in routine.chosen_before(number)
        ]
        self._steps = [_Step(number, routine, applied) for number in range(len(routine.steps))]
        self._needed = {each.step.tool for each in self._steps if not each.may_be_left_out}
        first = self._steps[0]
        self._first = "" if first.may_be_left_out else first.step.tool

    def uses(self, run: Encoded) -> tuple[Occurrence, ...]:
        """Return the uses in a run."""
        if not self._needed <= run.tools:
            return ()
        found: list[Occurrence] = []
        start = 0
        while start < len(run.line):
            if self._first and run.line[start][0].tool != self._first:
                start += 1
                continue
            search = _Search(self._steps, run.line, start, self._applied)
            match = search.extend(_Found((), {}, -1))
            if match is None or sum(map(len, match.groups)) < 2 or not self._is_asked_for(match):
                start += 1
                continue
            places = tuple([call.place for group in match.groups for call in group])
            found.append(Occurrence(match.groups, match.bindings, places))
            start = match.at + 1
        return tuple(found)

    def _is_asked_for(self, match: "_Found") -> bool:
        """True where the routine would do it: its guards hold, and what was left out is not given."""
        if not self._applied:
            return True
        for known, group in zip(self._steps, match.groups, strict=True):
            if not group and known.is_given(match.bindings):
                return False
        if not all(is_chosen(self._routine, each, match.groups) for each in self._chosen):
            return False
        return not (
            self._has_guards and any(broken_guards(self._routine, match.groups, match.bindings))
        )


class _Step:
    """A step with what is asked of it again and again worked out once."""

    def __init__(self, number: int, routine: Routine, applied: bool) -> None:
        self.step = step = routine.steps[number]
        self.may_be_left_out = step.is_optional or (
            applied and step.is_repeated and not step.changes
        )
        self._repeats = [each.is_repeated for each in routine.steps]
        slots = step.arguments.items()
        self._constants = [
            (n, key_of(slot.value)) for n, slot in slots if isinstance(slot, Constant)
        ]
        self._uses = [(n, slot.parameter) for n, slot in slots if isinstance(slot, Use)]
        self._items = [(n, slot.parameter) for n, slot in slots if isinstance(slot, Item)]
        self._places = [
            (n, slot) for n, slot in slots if isinstance(slot, Reference) and slot.pick is None
        ]
        self._picks = [(n, slot) for n, slot in slots if isinstance(slot, Reference) and slot.pick]
        self._lists = [(n, slot.place) for n, slot in slots if isinstance(slot, Each)]
        one = (*self._constants, *self._uses, *self._places)
        self._alike = [name for name, _ in one]  # in every call of the step

    def explain(self, group: Group, so_far: "_Found") -> Bound | None:
        """Return the parameters with this step's, None where an argument is not what it should be."""
        call = group[0]
        keys = call.keys
        place = {name: number for number, name in enumerate(call.names)}
        for name, key in self._constants:
            if keys[place[name]] != key:
                return None
        for other in group[1:]:
            if any(other.keys[place[name]] != keys[place[name]] for name in self._alike):
                return None
        told: list[tuple[str, Key | tuple[Key, ...]]] = [
            (parameter, keys[place[name]]) for name, parameter in self._uses
        ]
        for name, parameter in self._items:
            told.append((parameter, tuple([each.keys[place[name]] for each in group])))
        for parameter, value in told:
            if so_far.bindings.get(parameter, value) != value:
                return None
        for name, reference in self._places:
            if not leads_to(reference, call, place[name], so_far.groups):
                return None
        bindings = dict(so_far.bindings)
        for parameter, value in told:
            if bindings.setdefault(parameter, value) != value:
                return None
        return bindings if self._is_as_picked(group, so_far.groups, bindings) else None

    def _is_as_picked(self, group: Group, groups: Sequence[Group], bindings: Bindings) -> bool:
        """True where the arguments that come of an element are those of the elements that are meant."""
        place = {name: number for number, name in enumerate(group[0].names)}
        for name, reference in self._picks:
            slot = place[name]
            for number, each in enumerate(group):
                found = self._picked(reference, groups, bindings, number, (each, slot))
                if [one.value for one in found] != [each.keys[slot]]:
                    return False
        for name, reference in self._lists:
            found = self._picked(reference, groups, bindings, 0)
            if [one.value for one in found] != [each.keys[place[name]] for each in group]:
                return False
        return True

    def is_given(self, bindings: Bound) -> bool:
        """True where the step would be called with such parameters: another step binds them."""
        named = [parameter for _, parameter in self._items or self._uses]
        return bool(named) and all(bindings.get(parameter) not in (None, ()) for parameter in named)

    def is_left_out(self, so_far: "_Found") -> bool:
        """True where the step may be done no times: what it goes over is known to be empty."""
        if not self.may_be_left_out:
            return False
        for _, place in self._lists:
            group = so_far.groups[place.step]
            found = kept_elements(place, group, self._repeats[place.step])
            if found is None or self._picked(place, so_far.groups, so_far.bindings, 0):
                return False
        return True

    def _picked(
        self,
        place: Reference,
        groups: Sequence[Group],
        bindings: Bindings,
        number: int,
        argument: tuple[Call, int] | None = None,
    ) -> list[Element]:
        """The elements that a place means for one call of the step; none where that is not known."""
        seen: tuple[Source, ...] = ()
        key = None
        if argument:
            call, slot = argument
            seen, key = call.sources[slot], call.keys[slot]
        elements = kept_elements(place, groups[place.step], self._repeats[place.step], seen, key)
        if elements is None:
            return []
        by = place.pick.value if place.pick else None
        known = {by: kept_value(by, groups)} if isinstance(by, Reference) else {}
        wanted = wanted_by(place.pick, bindings, number, known)
        return chosen(place.pick, elements, wanted)


class _Search:
    """Looks for a use that begins at one place; gives up after `MAX_TRIES`."""

    def __init__(
        self, steps: Sequence[_Step], line: Sequence[Group], start: int, applied: bool
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
        known, line = self._steps[number], self._line
        step = known.step
        first, after = so_far.at < 0, so_far.at + 1
        places = (self._start,) if first else range(after, min(len(line), after + GAP + 1))
        for place in places:
            if self._applied and not first and _is_changed(line[after:place]):
                break
            for group in _choices(step, line[place], first, number == len(self._steps) - 1):
                bindings = known.explain(group, so_far)
                if bindings is None:
                    continue
                match = self.extend(_Found((*so_far.groups, group), bindings, place))
                if match:
                    return match
        if known.is_left_out(so_far):
            return self.extend(_Found((*so_far.groups, ()), so_far.bindings, so_far.at))
        return None


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

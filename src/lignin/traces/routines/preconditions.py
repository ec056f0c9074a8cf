"""Whether the guards of a routine hold in one use, by what is kept of the run. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.routines import Guard, Item, Parameter, Reference, Routine, Use
from lignin.traces.routines.encode import Call
from lignin.traces.routines.pick import chosen, kept_elements, kept_value, wanted_by
from lignin.traces.routines.values import Key, general

Groups = Sequence[Sequence[Call]]
Bindings = Mapping[str, Key | tuple[Key, ...]]


def broken_guards(
    routine: Routine, groups: Groups, bindings: Bindings
) -> Iterator[tuple[int, Guard]]:
    """Yield the guards that do not hold in a use, each with its step; nor does what is not known.

    Args:
        groups: The calls of each step.
        bindings: The values of the parameters.
    """
    for number, step in enumerate(routine.steps):
        for guard in step.guards:
            times = range(len(groups[number]) if _is_of_each(guard) else bool(groups[number]))
            if not all(_holds(routine, guard, groups, bindings, which) for which in times):
                yield number, guard


def _is_of_each(guard: Guard) -> bool:
    pick = guard.at.pick if isinstance(guard.at, Reference) else None
    return pick is not None and isinstance(pick.value, Item)


def _holds(routine: Routine, guard: Guard, groups: Groups, bindings: Bindings, which: int) -> bool:
    if isinstance(guard.at, Use):
        told = given(routine, guard.at.parameter, groups)
    else:
        at = guard.at if guard.how != "empty" else replace(guard.at, path=guard.at.path + "[#]")
        told = _told(routine, at, groups, bindings, which)
    return told is not None and guard.holds(told)


def takes_all(routine: Routine, parameter: Parameter, groups: Groups, bindings: Bindings) -> bool:
    """True where a list that need not be given is what the routine takes by itself."""
    place = parameter.default
    if place is None or parameter.name not in bindings:
        return False
    elements = kept_elements(place, groups[place.step], routine.steps[place.step].is_repeated)
    return elements is not None and tuple(e.value for e in elements) == bindings[parameter.name]


def is_chosen(routine: Routine, parameter: Parameter, groups: Groups) -> bool:
    """True where a parameter's values lie in the result that they are chosen from."""
    among = parameter.among
    if among is None:
        return False
    places = {call.place for call in groups[among.step]}
    path = among.path
    if routine.steps[among.step].is_repeated:
        path = path.removeprefix("[*]")
    for step, group in zip(routine.steps, groups, strict=True):
        for name, slot in step.arguments.items():
            if not isinstance(slot, Use | Item) or slot.parameter != parameter.name:
                continue
            return all(
                any(
                    at in places and path in (found, general(found))
                    for at, found in call.sources[call.names.index(name)]
                )
                for call in group
            )
    return True


def given(routine: Routine, parameter: str, groups: Groups) -> Json:
    """Return a parameter as the run wrote it; None where it was not given."""
    for step, group in zip(routine.steps, groups, strict=True):
        for name, slot in step.arguments.items():
            if slot == Use(parameter) and group:
                return group[0].raw[group[0].names.index(name)]
    return None


def _told(routine: Routine, at: Reference, groups: Groups, bindings: Bindings, which: int) -> Json:
    group = groups[at.step]
    if at.pick is None:
        return group[0].facts.get(at.path) if len(group) == 1 else None
    elements = kept_elements(at, group, routine.steps[at.step].is_repeated)
    by = at.pick.value
    known = {by: kept_value(by, groups)} if isinstance(by, Reference) else {}
    found = chosen(at.pick, elements or (), wanted_by(at.pick, bindings, which, known))
    return found[0].facts.get(at.parts[1]) if len(found) == 1 else None

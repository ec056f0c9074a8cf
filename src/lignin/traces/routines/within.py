"""Whether one routine is another without steps that may be left out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from lignin.domain.routines import Reference, Routine, RoutineStep, Slot

MOST_LEFT_OUT = 4


def is_within(routine: Routine, other: Routine) -> bool:
    """True where a routine is another one, or what that is where some of its steps are left out.

    Left out may be what is optional, and what only reads for each of a list, which may be empty.
    """
    missing = len(other.steps) - len(routine.steps)
    if not 0 <= missing <= MOST_LEFT_OUT:
        return False
    loose = [
        number
        for number, step in enumerate(other.steps)
        if step.is_optional or (step.is_repeated and not step.changes)
    ]
    wanted = [step.form() for step in routine.steps]
    return any(
        [step.form() for step in left] == wanted
        for out in combinations(loose, missing)
        if (left := _without(other.steps, out)) is not None
    )


def _without(steps: Sequence[RoutineStep], out: Sequence[int]) -> list[RoutineStep] | None:
    """The other steps with their references counted anew; None where one leads to what is left out."""
    places = {old: new for new, old in enumerate(n for n in range(len(steps)) if n not in out)}
    kept = [steps[old] for old in places]
    if any(slot.step not in places for slot in _references(kept)):
        return None
    return [replace(step, arguments=_moved(step.arguments, places)) for step in kept]


def _references(steps: Sequence[RoutineStep]) -> list[Reference]:
    slots = (slot for step in steps for slot in step.arguments.values())
    return [slot for slot in slots if isinstance(slot, Reference)]


def _moved(arguments: Mapping[str, Slot], places: Mapping[int, int]) -> dict[str, Slot]:
    return {
        name: Reference(places[slot.step], slot.path) if isinstance(slot, Reference) else slot
        for name, slot in arguments.items()
    }

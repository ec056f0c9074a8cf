"""Whether one routine is another without steps that may be left out. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from lignin.domain.routines import Routine, RoutineStep, references_in, renumbered

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
    slots = [slot for step in kept for slot in step.arguments.values()]
    if any(place.step not in places for slot in slots for place in references_in(slot)):
        return None
    return [
        replace(
            step,
            arguments={n: renumbered(slot, places) for n, slot in step.arguments.items()},
        )
        for step in kept
    ]

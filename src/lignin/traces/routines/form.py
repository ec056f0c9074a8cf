"""A routine as it comes out of some runs alone: the same steps, and what those runs say of their slots.

Which steps are looked at is given; all else (constants, references, conditions, what has to be given) is
taken from the uses of the steps in the given runs and from nothing else. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lignin.domain.routines import (
    Constant,
    Each,
    Item,
    Parameter,
    Reference,
    Routine,
    Slot,
    Use,
)
from lignin.traces.routines.encode import Encoded
from lignin.traces.routines.unify import Background, Group, Occurred, Shape, Unified, unify_shaped
from lignin.traces.routines.uses import Uses


def unified_again(
    routine: Routine, runs: Sequence[Encoded], background: Background, known: Uses
) -> Unified | None:
    """Return what the uses of a routine's steps in some runs have in common; None where nothing agrees.

    A use is any place where the tools are called in that order, whatever their arguments.
    """
    shape = Shape(
        tuple((step.tool, tuple(step.arguments)) for step in routine.steps),
        tuple(step.is_repeated for step in routine.steps),
        tuple(step.is_optional for step in routine.steps),
    )
    uses: list[Occurred] = [
        (number, use.groups)
        for number, found in enumerate(known.of(loosest(routine), runs))
        for use in found
        if _is_of(shape, use.groups)
    ]
    lists = {
        (number, place)
        for number, step in enumerate(routine.steps)
        for place, slot in enumerate(step.arguments.values())
        if isinstance(slot, Item | Each)
    }
    return unify_shaped(shape, uses, runs, background, lists) if uses else None


def is_narrower(form: Routine, routine: Routine) -> bool:
    """True where a form takes for itself what has to be given to the routine, or may be."""
    return any(
        isinstance(slot, Use | Item) and isinstance(other.arguments[name], Each | Reference)
        for step, other in zip(routine.steps, form.steps, strict=True)
        for name, slot in step.arguments.items()
    )


def loosest(routine: Routine) -> Routine:
    """The routine with a parameter of its own in each slot, and no guard: what fits wherever its tools
    are called."""
    return replace(
        routine,
        steps=tuple(
            replace(
                step,
                guards=(),
                arguments={
                    name: (Item if step.is_repeated else Use)(f"{number}:{name}")
                    for name in step.arguments
                },
            )
            for number, step in enumerate(routine.steps)
        ),
        parameters=(),
    )


def _is_of(shape: Shape, groups: Sequence[Group]) -> bool:
    return all(
        call.names == names
        for (_, names), group in zip(shape.tokens, groups, strict=True)
        for call in group
    )


def differences(routine: Routine, form: Routine) -> list[str]:
    """Say where a form of a routine, of the same tools, is another than it; nothing where they are equal.

    Names of parameters make no difference; what they stand for does.
    """
    found = []
    for number, (step, other) in enumerate(zip(routine.steps, form.steps, strict=True), 1):
        for name, mine in step.arguments.items():
            slot = other.arguments[name]
            now, before = _told(slot, form), _told(mine, routine)
            if _meant(mine, routine) == _meant(slot, form) or now == before:
                continue
            found.append(f"${number} {step.tool}: {name} {_change(slot, form, mine, routine)}")
    return found


def _change(slot: Slot, form: Routine, mine: Slot, routine: Routine) -> str:
    """How a slot of the form differs, in words."""
    if type(slot) is type(mine) and isinstance(slot, Use | Item) and isinstance(mine, Use | Item):
        now, before = _default(form, slot), _default(routine, mine)
        if not now and before:
            return f"has to be given; it may not be left out to take all of {before}"
        if now and not before:
            return f"may be left out, then all of {now} are taken"
    return f"is {_told(slot, form)}, not {_told(mine, routine)}"


def _default(routine: Routine, slot: Use | Item) -> str:
    each = _parameter(routine, slot.parameter)
    return str(each.default) if each and each.default else ""


def _meant(slot: Slot, routine: Routine) -> str:
    """A slot with its parameters named by where they stand first, and what they are chosen from."""
    if isinstance(slot, Use | Item):
        each = _parameter(routine, slot.parameter)
        chosen = (each.default and str(each.default)) if each else None
        return f"{type(slot).__name__} {_first(routine, slot.parameter)} {chosen}"
    place = slot.place if isinstance(slot, Each) else slot
    if isinstance(place, Reference) and place.pick and isinstance(place.pick.value, Use | Item):
        of = f"{type(slot).__name__} {place.step} {place.path} {place.pick.how} {place.pick.fact}"
        return f"{of} {_meant(place.pick.value, routine)}"
    return repr(slot)


def _told(slot: Slot, routine: Routine) -> str:
    if isinstance(slot, Constant):
        return repr(slot.value)
    if isinstance(slot, Use | Item):
        each = _parameter(routine, slot.parameter)
        named = f"given as {slot.parameter}"
        named += ", one for each" if isinstance(slot, Item) else ""
        return named + (f", else all of {each.default}" if each and each.default else "")
    return f"each of {slot.place}" if isinstance(slot, Each) else str(slot)


def _parameter(routine: Routine, name: str) -> Parameter | None:
    return next((each for each in routine.parameters if each.name == name), None)


def _first(routine: Routine, parameter: str) -> tuple[int, str] | None:
    return next(_places(routine, parameter), None)


def _places(routine: Routine, parameter: str) -> Iterator[tuple[int, str]]:
    for number, step in enumerate(routine.steps):
        for name, slot in step.arguments.items():
            if isinstance(slot, Use | Item) and slot.parameter == parameter:
                yield number, name

"""What a routine's program says of itself: what it does, and where its parameters come from. Pure."""

from collections.abc import Collection, Sequence

from lignin.artifacts.routine_text import is_loop, plain, shown, tool_words
from lignin.domain.routines import Constant, Each, Parameter, Reference, Routine, RoutineStep

_NEARLY_ALWAYS = 0.95
HALF = 0.5


def summary_of(routine: Routine) -> str:
    """What is done, in order: `Find the customer, get the order, then cancel it.`"""
    *first, last = dict.fromkeys(map(in_words, routine.steps))
    line = f"{', '.join(first)}, then {last}." if first else f"{last}."
    if is_loop(routine):
        line = f"{line[:-1]}, for each of a list."
    return line[:1].upper() + line[1:]


def in_words(step: RoutineStep) -> str:
    """What a step does; of one that changes something also by what that nobody gives."""
    told = plain(tool_words(step.tool))
    if not step.changes:
        return told
    fixed = []
    for name, slot in step.arguments.items():
        place = slot.place if isinstance(slot, Each) else slot
        if isinstance(slot, Constant):
            fixed.append(f"{plain(name)} {shown(slot.value)}")
        elif isinstance(place, Reference) and place.pick and isinstance(place.pick.value, Constant):
            fact = plain(place.pick.fact.removeprefix("."))
            fixed.append(f"{plain(name)} by {fact} {shown(place.pick.value.value)}")
    return f"{told} ({', '.join(fixed)})" if fixed else told


def source_of(parameter: Parameter, names: Sequence[str], optional: Collection[str]) -> str:
    """Where a caller gets a parameter from, as the uses show it.

    Args:
        names: What each step's result is called.
        optional: Parameters that may be left out.
    """
    told = "Chosen by the caller"
    if parameter.among:
        several = parameter.type.startswith("list[")
        place = f"{names[parameter.among.step]}{parameter.among.path}"
        keys = " the keys of" if place.endswith(".~") else ""
        told = f"{'Some' if several else 'One'} of{keys} {place.removesuffix('.~')}"
        told = told if parameter.checked else f"Usually {told[:1].lower()}{told[1:]}"
        if parameter.said >= HALF:
            who = said_by(parameter)
            told = f"{told}; {who[:1].lower()}{who[1:]}"
    elif is_chosen_on_the_way(parameter):
        told = f"Chosen on the way, from what {names[parameter.shown_by or 0]} returned"
    elif parameter.said:
        told = said_by(parameter)
    if parameter.default:
        return f"{told}; all of them where it is left out"
    return told + ("; may be left out" if parameter.name in optional else "")


def is_chosen_on_the_way(parameter: Parameter) -> bool:
    """True where most uses learnt it from one of their own steps, so that nobody knows it before."""
    return parameter.shown_by is not None and parameter.said < HALF and parameter.default is None


def said_by(parameter: Parameter) -> str:
    """Who tells a parameter before the first step: the user, or a result that is there already."""
    if parameter.named > _NEARLY_ALWAYS:
        return "Named by the user"
    looked_up = parameter.said - parameter.named
    if parameter.named < 1 - _NEARLY_ALWAYS:
        often = "" if looked_up > _NEARLY_ALWAYS else f" in {looked_up:.0%} of the uses"
        return f"Looked up before, with another tool{often}"
    told = f"Named by the user in {parameter.named:.0%} of the uses"
    if looked_up < 1 - _NEARLY_ALWAYS:
        return told
    return f"{told}, looked up before, with another tool, in {looked_up:.0%}"

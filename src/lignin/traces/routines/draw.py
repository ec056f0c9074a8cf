"""Draws a routine for a person: a head with its parameters, a line per step. Pure."""

import json

from lignin.domain.counts import counted
from lignin.domain.routines import (
    Constant,
    Each,
    Item,
    Reference,
    Routine,
    RoutineStep,
    Slot,
    Use,
)
from lignin.domain.support import Support

_MAX_CONSTANT_CHARS = 60


def name_of(routine: Routine) -> str:
    """Return what a routine does, in short: its tools in order."""
    return " > ".join(map(_short, routine.steps))


def _short(step: RoutineStep) -> str:
    name = f"{step.tool}*" if step.is_repeated else step.tool
    return f"[{name}]" if step.is_optional else name


def draw(routine: Routine) -> list[str]:
    """Return the lines of a routine: parameters, steps with dataflow, guards, support."""
    support = routine.support
    lines = [
        f"{routine.routine_id}  {counted(support.occurrences, 'use')} in "
        f"{counted(len(support.sessions), 'passing run')} of {counted(support.tasks, 'task')}; "
        f"{counted(support.failing, 'use')} in failing runs{at_one_go(support)}"
    ]
    for each in routine.parameters:
        origin = f"chosen from {each.among}" if each.among else "given"
        origin += ", which is checked" if each.checked else ""
        if not each.among and each.said >= 0.5:
            who = "the user" if each.named >= 0.5 else "the user or an earlier result"
            who = "an earlier result" if each.named < 0.05 else who
            origin = f"given; {who} names it"
        elif not each.among and each.shown_by is not None:
            origin = f"chosen on the way; ${each.shown_by + 1} tells it"
        if each.default:
            origin += (
                "; else all of them" if each.default == each.among else f"; else {each.default}"
            )
        lines.append(f"  {each.name}: {each.type}  ({origin})")
    for number, step in enumerate(routine.steps, start=1):
        lines += _step(number, step)
    return lines


def at_one_go(support: Support) -> str:
    """How many uses a run can be rewritten with, where that is fewer than there are."""
    if support.applied is None or support.applied >= support.occurrences:
        return ""
    return f"; {support.applied} can be made at one go"


def _step(number: int, step: RoutineStep) -> list[str]:
    items = [
        slot.parameter if isinstance(slot, Item) else str(slot.place)
        for slot in step.arguments.values()
        if isinstance(slot, Item | Each)
    ]
    head = f"  ${number} "
    if step.is_repeated:
        head += f"for each of {', '.join(items)}: "
    if step.is_optional:
        head += "where it is given: "
    told = ", ".join(f"{name}={_slot(slot)}" for name, slot in step.arguments.items())
    lines = [f"{head}{step.tool}({told})"]
    for guard in step.guards:
        at = guard.at.parameter if isinstance(guard.at, Use) else guard.at
        lines.append(f"       only where {at} is {guard.expected(repr)}")
    return lines


def _slot(slot: Slot) -> str:
    if isinstance(slot, Constant):
        text = json.dumps(slot.value, ensure_ascii=False)
        return text if len(text) <= _MAX_CONSTANT_CHARS else text[:_MAX_CONSTANT_CHARS] + "..."
    if isinstance(slot, Reference):
        return str(slot)
    if isinstance(slot, Each):
        return f"each of {slot.place}"
    return slot.parameter if isinstance(slot, Use) else f"each of {slot.parameter}"

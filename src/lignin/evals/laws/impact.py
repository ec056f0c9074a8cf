"""Which cases a change of a harness touches, by what was seen of the trials of what stands. Pure.

Nothing is left out for it: what is touched is guarded first, with a random share of the rest, so that a
break is found early and a wrong guess is found too. Where nobody can tell, all is touched.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

SHARE = 0.1
"""Of what is not touched, this share is guarded with what is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What the trials of a case used together; None where nobody can tell."""

    slots: frozenset[str] | None
    tools: frozenset[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """What differs between two revisions.

    Args:
        slots: Slots that held something else, or are emptied.
        added: Slots that held nothing.
        tools: Tools that the old and new texts of these name.
    """

    slots: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()


def touched_cases(uses: Mapping[str, Use], altered: Altered) -> tuple[str, ...]:
    """Return the cases that a change touches.

    What read or named a slot is touched by its change. What is new was used by nobody yet, and of some
    trials nobody knows what they read: these are touched where they called a tool that the texts name, or
    where the texts name none.
    """
    return tuple(sorted(case for case, use in uses.items() if _is_touched(use, altered)))


def _is_touched(use: Use, altered: Altered) -> bool:
    by_tool = not altered.tools or use.tools is None or bool(use.tools & altered.tools)
    if altered.added and by_tool:
        return True
    if not altered.slots:
        return False
    return by_tool if use.slots is None else bool(use.slots & altered.slots)


def joined(trials: Collection[tuple[Collection[str] | None, Collection[str] | None]]) -> Use:
    """What some trials used together; one of which nobody can tell leaves it open.

    Args:
        trials: Of each, the slots and the tools.
    """
    sides = []
    for number in (0, 1):
        told = [each[number] for each in trials]
        known = [set(each) for each in told if each is not None]
        sides.append(frozenset().union(*known) if known and len(known) == len(told) else None)
    return Use(slots=sides[0], tools=sides[1])

"""How far a loop may go alone with a class of change. Pure.

Four levels: suggest, draft, apply with approval, automatic with audit. What a loop has earned is one
bound, what its file allows another, and the measured power of its gate the third; the lowest counts. A
loop rises one level after a run of decisions that no human changed, and an incident takes all back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.domain.loops import LEVELS, UNMEASURED, Autonomy, Level, lowest

APPROVE_SHARE = 0.5
AUTOMATIC_SHARE = 0.8
"""Of reverted fixes a gate must surely catch so many (the low end of the exact 95 % interval)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What a gate was measured to catch of reverted fixes; `low` is the interval's low end."""

    caught: int
    of: int
    low: float
    measured_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """How far the gates allow, and why no further."""

    level: Level
    why: str


def ceiling_of(gates: Mapping[str, Power | None]) -> Ceiling:
    """Return how far some gates allow: as far as the weakest of them.

    Args:
        gates: Head that names the suite (or "" for a gate that nothing measures) to what it was
            measured to catch, None where it never was.
    """
    found = [_of_gate(head, power) for head, power in sorted(gates.items())]
    if not found:
        return Ceiling(level=UNMEASURED, why="it has no gate")
    return min(found, key=lambda each: LEVELS.index(each.level))


def _of_gate(head: str, power: Power | None) -> Ceiling:
    if not head:
        return Ceiling(level=UNMEASURED, why="a gate of it has no measured power")
    if power is None or not power.of:
        return Ceiling(level=UNMEASURED, why=f"the power of the suite of {head} is not measured")
    told = f"{power.caught} of {power.of} reverted fixes caught, surely {power.low:.0%}"
    if power.low >= AUTOMATIC_SHARE:
        return Ceiling(level="automatic", why=told)
    if power.low >= APPROVE_SHARE:
        return Ceiling(level="approve", why=f"{told}: automatic takes {AUTOMATIC_SHARE:.0%}")
    return Ceiling(level="draft", why=f"{told}: with approval takes {APPROVE_SHARE:.0%}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a loop stands with a class of change.

    Args:
        earned: What its decisions earned.
        level: How far it may go now: the lowest of what is earned, allowed and measured.
        why: What holds it there.
    """

    earned: Level
    level: Level
    in_a_row: int
    why: tuple[str, ...]


def stand(
    autonomy: Autonomy, change: str, row: Mapping[str, Json] | None, ceiling: Ceiling
) -> Standing:
    """Return where a loop stands with a class of change.

    Args:
        row: What was decided so far: `state`, `in_a_row`, `why`; None before the first decision.
    """
    if change not in autonomy.classes:
        told = f"its file says of no class {change!r} what applies it"
        return Standing(earned="suggest", level="suggest", in_a_row=0, why=(told,))
    earned: Level = row["state"] if row else autonomy.start
    in_a_row = int(row["in_a_row"]) if row else 0
    level = lowest([earned, autonomy.most, ceiling.level])
    why = []
    if level == earned:
        left = autonomy.promote_after - in_a_row
        why.append(f"earned {earned}" + (f" ({row['why']})" if row and row["why"] else ""))
        if earned != LEVELS[-1]:
            why.append(f"{max(0, left)} more decisions that no human changes raise it")
    if level == autonomy.most and level != LEVELS[-1]:
        why.append(f"its file allows {autonomy.most} at most")
    if level == ceiling.level and level != LEVELS[-1]:
        why.append(f"the gate allows {ceiling.level}: {ceiling.why}")
    return Standing(earned=earned, level=level, in_a_row=in_a_row, why=tuple(why))


def decide_rise(autonomy: Autonomy, standing: Standing, ceiling: Ceiling) -> Level | None:
    """Return the level that a loop rises to, one above what it earned, or None.

    What the file or the gate does not allow is not earned beforehand either: were they raised later, the
    loop would leap.
    """
    place = LEVELS.index(standing.earned)
    if place + 1 >= len(LEVELS) or standing.in_a_row < autonomy.promote_after:
        return None
    above = LEVELS[place + 1]
    return above if lowest([above, autonomy.most, ceiling.level]) == above else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that went wrong with a change that a loop brought.

    Args:
        id: What names it: an incident counts once.
        change: The class of change.
    """

    id: str
    change: str
    told: str


def new_incidents(found: Sequence[Incident], known: Collection[str]) -> list[Incident]:
    """Return those that were not counted yet, each once."""
    seen, new = set(known), []
    for incident in found:
        if incident.id not in seen:
            seen.add(incident.id)
            new.append(incident)
    return new


def decide_fall(autonomy: Autonomy, earned: Level) -> Level:
    """Return the level after an incident: where the loop began, or where it is if that is lower."""
    return lowest([autonomy.start, earned])

"""In what manner a run differs from its reference: what finer modes are made of.

Pure. Manners tell apart what has one class of difference and different causes: an action left out in
passing, refused, or given up on; a value in another unit, of another thing, or of one's own making. They
are told by forms of values and by what came back, never by names.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from lignin.domain.codec import Json
from lignin.domain.effects import Effect
from lignin.domain.modes import Difference, Manner
from lignin.traces.modes.account import Account

REPEATS = 6
_FIGURE = re.compile(r"\w{0,40}\d[\w,.-]{0,40}")
_GIVING_UP = re.compile(
    r"could(?: no|n')t|cannot|can't|unable|not able|sorry|unfortunately|give up", re.IGNORECASE
)
_COMMON, _RARE = 0.6, 0.2
_POWER, _NEAR = 0.9, 0.02


def manner_of(
    difference: Difference, run: Account, right: frozenset[Effect], agreeing: Sequence[Account]
) -> Manner:
    """Return the manner of a difference, "" where none shows.

    Args:
        right: The reference's effects.
        agreeing: The runs that came to them.
    """
    missing = right - run.effects
    if difference == "unsaid":
        return _words(run, agreeing)
    if difference in ("missing_action", "no_action"):
        return _omission(run, missing)
    if difference == "wrong_arguments":
        tools = {effect.tool for effect in missing}
        wrong = next(e for e in run.in_order if e not in right and e.tool in tools)
        return value_manner(run, wrong, [e for e in missing if e.tool == wrong.tool])
    return ""


def done_twice(run: Account, agreeing: Sequence[Account]) -> Effect | None:
    """Return an effect that a run made more often than most of those that came to the same."""
    counts = [Counter(each.in_order) for each in agreeing]
    for effect, count in Counter(run.in_order).items():
        if count > 1 and sum(each[effect] < count for each in counts) > len(counts) / 2:
            return effect
    return None


def _omission(run: Account, missing: frozenset[Effect]) -> Manner:
    if run.repeats >= REPEATS:
        return "repeated"
    tools = {effect.tool for effect in missing}
    refused = [each.effect for each in run.run.writes if each.failed and each.call.name in tools]
    if refused:
        rights = [effect for effect in missing if effect.tool == refused[-1].tool]
        changed = value_manner(run, refused[-1], rights)
        return "refused_of_another" if changed == "of_another" else "refused"
    return "gave_up" if _GIVING_UP.search(_last_words(run)) else "left_out"


def value_manner(run: Account, wrong: Effect, rights: Sequence[Effect]) -> Manner:
    """Return how the first argument that differs from the nearest right call differs."""
    name, value, right = min(
        (_differing(wrong, each) for each in rights),
        key=lambda found: (found[0], repr(found[1:])),
    )[1:]
    if not name:
        return ""
    if _is_positive(value) and _is_positive(right):
        power = math.log10(right) - math.log10(value)
        is_unit = abs(power) > _POWER and abs(power - round(power)) < _NEAR
        return "other_unit" if is_unit else "other_figure"
    is_name = isinstance(value, str) and any(character.isdigit() for character in value)
    return "of_another" if is_name and _was_seen(run, value) else "other_value"


def _differing(wrong: Effect, right: Effect) -> tuple[int, str, Json, Json]:
    """How many arguments differ, and the first one with both its values."""
    mine, theirs = dict(wrong.arguments), dict(right.arguments)
    names = sorted(n for n in mine.keys() | theirs.keys() if mine.get(n) != theirs.get(n))
    name = names[0] if names else ""
    return len(names), name, mine.get(name), theirs.get(name)


def _is_positive(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _was_seen(run: Account, value: str) -> bool:
    """True where a call that worked told of the value; an error only echoes it."""
    worked = (each.call.observation or "" for each in run.run.made if not each.failed)
    return any(value in observation.lower() for observation in worked)


def _words(run: Account, agreeing: Sequence[Account]) -> Manner:
    """How the last words differ from those of runs that came to the same, by the figures in them."""
    said = _figures(run)
    told = Counter(figure for each in agreeing for figure in _figures(each))
    common = {figure for figure, count in told.items() if count >= _COMMON * len(agreeing)}
    if common and not said:
        return "gave_up"
    if common and any(told[figure] <= _RARE * len(agreeing) for figure in said):
        return "said_otherwise"
    return "left_unsaid" if common - said else ""


def _figures(run: Account) -> set[str]:
    return {found.strip(".,-") for found in _FIGURE.findall(_last_words(run))}


def _last_words(run: Account) -> str:
    steps = run.run.trajectory.steps
    return next((s.text for s in reversed(steps) if s.role == "assistant" and s.text), "")

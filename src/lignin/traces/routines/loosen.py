"""Finds the steps that some uses of a routine have and others do not: they become optional. Pure.

Such a step only reads, for what changes something is a purpose of its own. It stands between two of
the routine's steps in several sessions, and has to do with them: an argument of it is a constant, or
comes from a result or an argument of a step before it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from lignin.traces.routines.compose import compose
from lignin.traces.routines.encode import Encoded
from lignin.traces.routines.grow import Token
from lignin.traces.routines.unify import (
    Background,
    Free,
    Group,
    Occurred,
    Shape,
    Unified,
    unify_shaped,
)
from lignin.traces.routines.uses import Uses

AGREE = 0.85
MOST_OPTIONAL = 2
FEWEST = 2
SELDOM = 0.05
"""An optional step is one in so many sessions, and in this share of the uses."""


def loosened(
    unified: Unified, runs: Sequence[Encoded], background: Background, known: Uses
) -> Unified | None:
    """Return a routine with its optional steps; None where it has none."""
    found = None
    for _ in range(MOST_OPTIONAL):
        longer = _with_one_more(found or unified, runs, background, known)
        if longer is None:
            break
        found = longer
    return found


def _with_one_more(
    unified: Unified, runs: Sequence[Encoded], background: Background, known: Uses
) -> Unified | None:
    routine = compose(unified)
    uses: list[Occurred] = [
        (number, use.groups)
        for number, found in enumerate(known.of(routine, runs))
        for use in found
    ]
    between: dict[tuple[int, Token], dict[int, Group]] = defaultdict(dict)
    for number, (run, groups) in enumerate(uses):
        for step, group in _between(runs[run], groups):
            if any(call.changes for call in group):
                continue
            between[step, (group[0].tool, group[0].names)][number] = group
    ranked = sorted(between.items(), key=lambda each: (-len(each[1]), each[0]))
    for (step, token), groups_by_use in ranked:
        sessions = {runs[uses[number][0]].session for number in groups_by_use}
        if len(sessions) < max(FEWEST, SELDOM * len(uses)):
            continue
        full: list[Occurred] = [
            (run, (*groups[:step], groups_by_use.get(number, ()), *groups[step:]))
            for number, (run, groups) in enumerate(uses)
        ]
        longer = _inserted(unified, (step, token), full, runs, background)
        if longer:
            return longer
    return None


def _between(run: Encoded, groups: Sequence[Group]) -> Iterator[tuple[int, Group]]:
    """Yield what lies alone between two steps of a use, and the step that it comes before."""
    step_of = {call.place: step for step, group in enumerate(groups) for call in group}
    steps = [next((step_of[c.place] for c in g if c.place in step_of), None) for g in run.line]
    for (before, lying, after), group in zip(windows(steps), run.line[1:], strict=False):
        if before is not None and lying is None and after is not None:
            yield after, group


def windows(steps: Sequence[int | None]) -> Iterator[tuple[int | None, int | None, int | None]]:
    """Yield every three neighbours."""
    return zip(steps, steps[1:], steps[2:], strict=False)


def _inserted(
    unified: Unified,
    new: tuple[int, Token],
    uses: Sequence[Occurred],
    runs: Sequence[Encoded],
    background: Background,
) -> Unified | None:
    """Return a routine with one more, optional, step; None where that would lose what was known."""
    (step, token), before = new, unified.shape
    several = any(len(groups[step]) > 1 for _, groups in uses)
    shape = Shape(
        (*before.tokens[:step], token, *before.tokens[step:]),
        (*before.repeated[:step], several, *before.repeated[step:]),
        (*before.optional[:step], True, *before.optional[step:]),
    )
    together = unify_shaped(shape, uses, runs, background)
    if together is None or len(together.uses) < AGREE * len(uses):
        return None
    findings = together.findings[step]
    linked = any(not isinstance(each, Free) or each.among is not None for each in findings)
    told = any(isinstance(each, Free) for each in findings)  # by which it is left out or not
    others = (*together.findings[:step], *together.findings[step + 1 :])
    lost = any(
        isinstance(now, Free) and not isinstance(then, Free)
        for mine, former in zip(others, unified.findings, strict=True)
        for now, then in zip(mine, former, strict=True)
    )
    return together if linked and told and not lost else None

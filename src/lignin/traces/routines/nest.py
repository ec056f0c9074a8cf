"""Puts routines together that follow each other: routines of routines. Pure.

What follows by chance is not put together: a parameter of one part has to come from another part's
results, or be another part's parameter.
"""

from collections.abc import Iterator, Sequence

from lignin.traces.routines.choose import Chosen
from lignin.traces.routines.encode import Call, Encoded
from lignin.traces.routines.grow import Growth, Token
from lignin.traces.routines.unify import (
    Background,
    Fixed,
    Free,
    From,
    Group,
    Occurred,
    Same,
    Unified,
    unify,
)

MOST_PARTS = 4
_ROUTINE = "\0"

Unit = tuple[Token, tuple[Group, ...]]


def nested(
    runs: Sequence[Encoded], chosen: Sequence[Chosen], background: Background, least: int
) -> Iterator[Unified]:
    """Yield what routines and single calls in a row come to, where they hang together."""
    lines = units_of(runs, chosen)
    growth = Growth(gap=0, sure=0.0)
    growth.add([[token for token, _ in line] for line in lines])
    for pattern, occurrences in sorted(growth.patterns(least)):
        names = [token[0] for token in pattern]
        if not 1 < len(pattern) <= MOST_PARTS or not any(n.startswith(_ROUTINE) for n in names):
            continue
        uses: list[Occurred] = []
        for run, places in sorted(occurrences):
            parts = [lines[run][place][1] for place in places]
            uses.append((run, tuple(group for part in parts for group in part)))
        shapes = {tuple(map(_token, groups)) for _, groups in uses}
        if len(shapes) != 1:
            continue
        ends = [0]
        for place in occurrences[0][1]:
            ends.append(ends[-1] + len(lines[occurrences[0][0]][place][1]))
        unified = unify(shapes.pop(), uses, runs, background)
        if unified is None or len({runs[run].session for run, _ in unified.uses}) < least:
            continue
        if _hangs_together(unified, ends[1:-1]):
            yield unified


def units_of(runs: Sequence[Encoded], chosen: Sequence[Chosen]) -> list[list[Unit]]:
    """Return each run as its uses of routines and its other calls, in order."""
    taken: list[list[Unit]] = [[] for _ in runs]
    for each in chosen:
        name = (_ROUTINE + each.routine.routine_id, ())
        for run, groups in each.taken:
            taken[run].append((name, groups))
    lines = []
    for encoded, units in zip(runs, taken, strict=True):
        used = {call.place for _, groups in units for group in groups for call in group}
        for group in encoded.line:
            rest = tuple(call for call in group if call.place not in used)
            if rest:
                units.append((_token(rest), (rest,)))
        lines.append(sorted(units, key=lambda unit: unit[1][0][0].place))
    return lines


def _token(group: Sequence[Call]) -> Token:
    return group[0].tool, group[0].names


def _hangs_together(unified: Unified, ends: Sequence[int]) -> bool:
    """True where every part has to do with one before it."""
    for end, following in zip(ends, [*ends[1:], len(unified.tokens)], strict=True):
        linked = False
        for findings in unified.findings[end:following]:
            for finding in findings:
                origin = finding.among if isinstance(finding, Free) else finding
                if isinstance(origin, From | Same) and not isinstance(finding, Fixed):
                    linked = linked or origin.step < end
        if not linked:
            return False
    return True

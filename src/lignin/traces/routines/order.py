"""Puts routines in the order of what they save, and drops those that save nothing. Pure.

What a set saves in a run is the calls that rewriting spares it. A routine's worth is what it adds to
those before it, worked out anew only when it comes to the top.
"""

import heapq
from collections.abc import Sequence

from lignin.domain.routines import Routine
from lignin.traces.routines.apply import Occurrence, longest
from lignin.traces.routines.encode import Encoded
from lignin.traces.routines.uses import Uses


def by_saving(
    routines: Sequence[Routine], runs: Sequence[Encoded], limit: int, known: Uses
) -> tuple[Routine, ...]:
    """Return at most `limit` routines, what adds most first."""
    uses = [known.of(routine, runs, applied=True) for routine in routines]
    kept: list[int] = []
    so_far = [0] * len(runs)
    heap = [
        (-_added(number, kept, uses, so_far), routine.routine_id, number, 0)
        for number, routine in enumerate(routines)
    ]
    heapq.heapify(heap)
    while heap and len(kept) < limit:
        lost, name, number, looked = heapq.heappop(heap)
        if lost >= 0:
            break
        if looked != len(kept):
            heapq.heappush(heap, (-_added(number, kept, uses, so_far), name, number, len(kept)))
            continue
        kept.append(number)
        for run, found in enumerate(uses[number]):
            if found:
                so_far[run] = _saved([uses[each][run] for each in kept])
    return tuple(routines[number] for number in kept)


def _added(
    number: int,
    kept: Sequence[int],
    uses: Sequence[Sequence[Sequence[Occurrence]]],
    so_far: Sequence[int],
) -> int:
    return sum(
        _saved([uses[each][run] for each in (*kept, number)]) - so_far[run]
        for run, found in enumerate(uses[number])
        if found
    )


def _saved(found: Sequence[Sequence[Occurrence]]) -> int:
    """How many calls a run is spared, and how many have become part of a routine."""
    return sum(2 * len(use.places) - 1 for use in longest(each for uses in found for each in uses))

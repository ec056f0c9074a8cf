"""Chooses the routines that describe runs in the fewest bits. Pure.

A use saves the bits of its calls' tools, constants and references, and costs the bits of its name; a
routine costs its own bits. Greedy with a lazy heap: what a candidate still saves is worked out only
when it comes to the top, and never grows as calls are taken.
"""

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lignin.domain.routines import Routine
from lignin.traces.routines.compose import compose
from lignin.traces.routines.encode import Encoded
from lignin.traces.routines.grow import Pattern
from lignin.traces.routines.unify import (
    Background,
    Fixed,
    Free,
    From,
    Occurred,
    Same,
    Unified,
    unify,
)
from lignin.traces.routines.uses import Uses

USE_BITS = 6.0
"""What it costs to name a routine, a little more than to name a tool."""
LINK_BITS = 4.0
CHOICE_BITS = 1.0
MOST_BITS = 12.0
LIKELY_BITS = 6.0
"""What a slot may save, before it is looked at."""
GLANCE = 48
"""At so many occurrences a candidate is looked at first, to drop most that save nothing."""
HOPE = 1.3
"""By how much a candidate may save more than a glance says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A pattern that may be a routine.

    Args:
        pattern: The tools, with their arguments' names.
        occurrences: Where it is, in order.
    """

    pattern: Pattern
    occurrences: Sequence[Occurred]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A routine, what its occurrences have in common, and the uses that it took."""

    routine: Routine
    unified: Unified
    taken: tuple[Occurred, ...]


@dataclass(slots=True)
class _Looked:
    candidate: Candidate
    unified: Unified | None = None
    bits: float = 0.0
    share: float = 0.0
    """Of its occurrences, the share that was looked at."""


class Chooser:
    """Chooses among candidates for the same runs."""

    def __init__(
        self, runs: Sequence[Encoded], background: Background, least: int, uses: Uses
    ) -> None:
        """A routine needs uses in so many sessions."""
        self._runs = runs
        self._background = background
        self._least = least
        self._uses = uses
        self._tool_bits = math.log2(max(len(background.tools), 2))
        self._used: list[set[int]] = [set() for _ in runs]

    def choose(self, candidates: Iterable[Candidate], limit: int) -> Iterator[Chosen]:
        """Yield routines, what saves most first; no call is taken twice."""
        heap = []
        for number, candidate in enumerate(sorted(candidates, key=lambda each: each.pattern)):
            heap.append((-self._likely(candidate), number, _Looked(candidate)))
        heapq.heapify(heap)
        count = 0
        while heap and count < limit and heap[0][0] < 0:
            _, number, looked = heapq.heappop(heap)
            gain = self._gain(looked) if looked.share else self._likely(looked.candidate)
            while gain > 0 and looked.share < 1.0 and not _is_behind(gain, heap):
                self._look(looked)
                gain = self._gain(looked)
            if gain <= 0:
                continue
            if _is_behind(gain, heap):
                heapq.heappush(heap, (-gain, number, looked))
                continue
            count += 1
            yield self._take(looked)

    def _take(self, looked: _Looked) -> Chosen:
        """Take the calls of every use of a routine, also those that growth had seen otherwise."""
        assert looked.unified is not None
        routine = compose(looked.unified)
        taken = []
        for run, found in enumerate(self._uses.of(routine, self._runs)):
            for use in found:
                if self._used[run].isdisjoint(use.places):
                    self._used[run].update(use.places)
                    taken.append((run, use.groups))
        return Chosen(routine=routine, unified=looked.unified, taken=tuple(taken))

    def _likely(self, candidate: Candidate) -> float:
        """About the most that a candidate can save by the occurrences that are left to it."""
        uses = calls = 0
        for run, groups in candidate.occurrences:
            used = self._used[run]
            if not used or all(call.place not in used for group in groups for call in group):
                uses += 1
                calls += sum(map(len, groups))
        if uses < self._least or calls <= uses:
            return 0.0
        slots = sum(len(names) for _, names in candidate.pattern)
        return calls * self._tool_bits + uses * (slots * LIKELY_BITS - USE_BITS)

    def _look(self, looked: _Looked) -> None:
        """Look at some occurrences of a candidate, the next time at all of them."""
        if looked.share == 1.0:
            return
        every = looked.candidate.occurrences
        some = every if looked.share else every[:: -(-len(every) // GLANCE)]
        looked.share = len(some) / len(every)
        looked.unified = unify(looked.candidate.pattern, some, self._runs, self._background)
        looked.bits = self._bits(looked.unified) if looked.unified else 0.0

    def _gain(self, looked: _Looked) -> float:
        """What a candidate saves among the calls that are not taken yet; after a glance, about."""
        if looked.unified is None:
            return 0.0
        mine: set[tuple[int, int]] = set()
        sessions: set[str] = set()
        uses = calls = 0
        for run, groups in looked.unified.uses:
            places = [(run, call.place) for group in groups for call in group]
            used = self._used[run]
            if len(places) < 2 or any(place in used for _, place in places):
                continue
            if not mine.isdisjoint(places):
                continue
            mine.update(places)
            calls += len(places)
            uses += 1
            sessions.add(self._runs[run].session)
        saved = calls * self._tool_bits + uses * (looked.bits - USE_BITS)
        own = looked.bits + len(looked.unified.tokens) * self._tool_bits
        if looked.share < 1.0:
            return HOPE * saved / looked.share - own
        apart = not looked.bits and not any(looked.unified.shape.repeated)
        return saved - own if len(sessions) >= self._least and not apart else 0.0

    def _bits(self, unified: Unified) -> float:
        """The bits of the arguments that need not be told at a use."""
        bits = 0.0
        for token, findings in zip(unified.tokens, unified.findings, strict=True):
            for slot, finding in enumerate(findings):
                if isinstance(finding, Same | From):
                    bits += LINK_BITS
                elif isinstance(finding, Free):
                    bits += CHOICE_BITS * (finding.among is not None)
                elif isinstance(finding, Fixed):
                    usual = self._background.share(token, slot, finding.key)
                    bits += min(-math.log2(usual), MOST_BITS)
        return bits


def _is_behind(gain: float, heap: Sequence[tuple[float, int, _Looked]]) -> bool:
    return bool(heap) and -gain > heap[0][0] + 1e-9

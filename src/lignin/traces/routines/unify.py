"""Says of the occurrences of a pattern what is constant, what is a reference, and what varies.

A slot is a constant where one value dominates against how frequent it is elsewhere; equal to an
earlier slot, or a reference into an earlier result, where that holds in nearly all occurrences; else
it is a parameter. Occurrences that do not agree with what was decided are left out. Pure.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import eq

from lignin.traces.routines.encode import Call, Encoded
from lignin.traces.routines.grow import Pattern, Token
from lignin.traces.routines.values import Key, general

AGREE = 0.85
DOMINANT = 0.25
OTHER_NATS = 6.0
"""What an occurrence that does not have the constant is worth, in nats."""
SELDOM = 0.05
"""A step that is repeated in a smaller share of the occurrences is repeated by chance."""
MAX_UNROLLED = 3

Group = tuple[Call, ...]
Occurred = tuple[int, tuple[Group, ...]]
"""A run and the calls of each step."""
Value = Key | tuple[Key, ...]
Place = tuple[int, int]
"""A step of the pattern and a slot of it."""


@dataclass(frozen=True, slots=True)
class Same:
    """The slot has the value of an earlier slot."""

    step: int
    slot: int


@dataclass(frozen=True, slots=True)
class From:
    """The slot's value lies at a path of an earlier step's result."""

    step: int
    path: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """The slot always has this value."""

    key: Key


@dataclass(frozen=True, slots=True)
class Free:
    """The slot varies; `among` is where its values lie, `each` that it varies within one use."""

    among: From | None = None
    each: bool = False


Finding = Same | From | Fixed | Free


@dataclass(frozen=True, slots=True)
class Unified:
    """What the occurrences of a pattern have in common, and those that do.

    Args:
        tokens: The tools; a step that is always done twice stands here twice.
        repeated: Which steps are repeated.
        findings: Per step and slot what it is.
        uses: The occurrences (run and groups) that agree.
    """

    tokens: tuple[Token, ...]
    repeated: tuple[bool, ...]
    findings: tuple[tuple[Finding, ...], ...]
    uses: tuple[tuple[int, tuple[Group, ...]], ...]


class Background:
    """How frequent each value is in each slot of each tool. Counts are additive."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Token, int], Counter[Key]] = defaultdict(Counter)
        self.tools: set[str] = set()

    def add(self, runs: Iterable[Encoded]) -> None:
        """Count the values of runs."""
        for run in runs:
            for group in run.line:
                for call in group:
                    self.tools.add(call.tool)
                    token = (call.tool, call.names)
                    for slot, key in enumerate(call.keys):
                        self._counts[token, slot][key] += 1

    def share(self, token: Token, slot: int, key: Key) -> float:
        """Return the share of a value in a slot of a tool."""
        counts = self._counts[token, slot]
        return max(counts[key], 1) / max(counts.total(), 1)


def unify(
    pattern: Pattern,
    occurrences: Sequence[Occurred],
    runs: Sequence[Encoded],
    background: Background,
) -> Unified | None:
    """Return what occurrences of a pattern have in common; None where nothing agrees.

    Args:
        occurrences: Of each which run and the calls of each step.
    """
    tokens, repeated, uses = _shape(pattern, list(occurrences), runs)
    table = _Table(tokens, repeated, uses, runs)
    table.fix(background)
    findings: list[tuple[Finding, ...]] = []
    for step, (_, names) in enumerate(tokens):
        told: list[Finding] = []
        for slot in range(len(names)):
            if not table.kept:
                return None
            told.append(table.find(step, slot, [*findings, tuple(told)]))
        findings.append(tuple(told))
    kept = tuple(uses[place] for place in table.kept)
    return Unified(tuple(tokens), tuple(repeated), tuple(findings), kept) if kept else None


def _shape(
    pattern: Pattern, kept: list[tuple[int, tuple[Group, ...]]], runs: Sequence[Encoded]
) -> tuple[list[Token], list[bool], list[tuple[int, tuple[Group, ...]]]]:
    """Decide which steps are repeated; a step that is nearly always done twice is two steps."""
    tokens: list[Token] = []
    repeated: list[bool] = []
    step = 0
    for token in pattern:
        sizes = Counter(len(groups[step]) for _, groups in kept)
        size, count = max(sizes.items(), key=lambda each: (each[1], -each[0]), default=(1, 0))
        several = {runs[run].session for run, groups in kept if len(groups[step]) > 1}
        if sizes[1] and len(several) < max(2, SELDOM * len(kept)):
            size = 1
        elif not (1 < size <= MAX_UNROLLED and count >= AGREE * len(kept)):
            size = 0
        if size:
            kept = [
                (run, (*groups[:step], *((call,) for call in groups[step]), *groups[step + 1 :]))
                for run, groups in kept
                if len(groups[step]) == size
            ]
        tokens += [token] * max(size, 1)
        repeated += [size == 0] * max(size, 1)
        step += max(size, 1)
    return tokens, repeated, kept


class _Table:
    """The values of each slot in each use; those left out are not `kept`."""

    def __init__(
        self,
        tokens: Sequence[Token],
        repeated: Sequence[bool],
        uses: Sequence[Occurred],
        runs: Sequence[Encoded],
    ) -> None:
        self._tokens, self._repeated, self._uses = tokens, repeated, uses
        self._tasks = [runs[run].task for run, _ in uses]
        self._columns: dict[Place, list[Value]] = {
            (step, slot): [_value(groups[step], slot, repeated[step]) for _, groups in uses]
            for step, (_, names) in enumerate(tokens)
            for slot in range(len(names))
        }
        self._steps: list[dict[int, int] | None] = [None] * len(uses)
        self.kept = list(range(len(uses)))

    def fix(self, background: Background) -> None:
        """Keep the uses that have the values that stand out most, one slot after the other."""
        places = [place for place in self._columns if not self._repeated[place[0]]]
        while self.kept:
            best: tuple[float, Place, Value] | None = None
            for step, slot in places:
                value, count = _commonest(self._values((step, slot)))
                share = count / len(self.kept)
                if share < DOMINANT or count == len(self.kept):
                    continue
                usual = background.share(self._tokens[step], slot, value)
                others = len(self.kept) - count
                if share <= usual or count * -math.log(usual) <= others * OTHER_NATS:
                    continue
                score = count * math.log(share / usual)
                if best is None or score > best[0]:
                    best = (score, (step, slot), value)
            if best is None:
                return
            _, place, value = best
            places.remove(place)
            self._keep([each == value for each in self._values(place)])

    def find(self, step: int, slot: int, before: Sequence[Sequence[Finding]]) -> Finding:
        """Decide what a slot is, and leave out the uses that do not agree."""
        values = self._values((step, slot))
        enough = AGREE * len(values)
        value, count = _commonest(values)
        each = any(isinstance(value, tuple) and type(value) is Items for value in values)
        if count >= enough and not isinstance(value, Items):
            holds = [each == value for each in values]
            tasks = {self._tasks[use] for use, good in zip(self.kept, holds, strict=True) if good}
            if len(tasks) > 1:
                self._keep(holds)
                return Fixed(value)
        if len(set(values)) > 1:
            for place in self._earlier(before, each):
                holds = list(map(eq, values, self._values(place)))
                if sum(holds) >= enough:
                    self._keep(holds)
                    return Same(*place)
        sources = [self._sources(use, step, slot) for use in self.kept]
        counts = Counter(source for found in sources for source in found)
        good = [source for source, count in counts.items() if count >= enough]
        exact = [source for source in good if not set("*~") & set(source.path)]
        nearest = lambda s: (counts[s], s.step, -len(s.path), s.path)  # noqa: E731
        if exact and not each:
            chosen = max(exact, key=nearest)
            self._keep([chosen in found for found in sources])
            return chosen
        return Free(max(good, key=nearest, default=None), each)

    def _values(self, place: Place) -> list[Value]:
        column = self._columns[place]
        return [column[use] for use in self.kept]

    def _keep(self, holds: Sequence[bool]) -> None:
        self.kept = [use for use, good in zip(self.kept, holds, strict=True) if good]

    @staticmethod
    def _earlier(before: Sequence[Sequence[Finding]], each: bool) -> Iterator[Place]:
        """The slots that this one may be equal to."""
        for step, findings in enumerate(before):
            for slot, finding in enumerate(findings):
                if isinstance(finding, From) or (
                    isinstance(finding, Free) and finding.each == each
                ):
                    yield step, slot

    def _sources(self, use: int, step: int, slot: int) -> frozenset[From]:
        """Where a slot's value lies in what earlier steps of the pattern returned."""
        groups = self._uses[use][1]
        steps = self._steps[use]
        if steps is None:
            steps = self._steps[use] = {
                call.place: number for number, group in enumerate(groups) for call in group
            }
        found: frozenset[From] | None = None
        for call in groups[step]:
            mine: set[From] = set()
            for place, path in call.sources[slot]:
                number = steps.get(place, step)
                if number >= step:
                    continue
                if self._repeated[number]:
                    mine.add(From(number, "[*]" + general(path)))
                else:
                    mine.update((From(number, path), From(number, general(path))))
            found = frozenset(mine) if found is None else found & mine
        return found or frozenset()


class Items(tuple[Key, ...]):
    """The values of a slot that is another one each time its step is repeated."""

    __slots__ = ()


def _value(group: Group, slot: int, repeated: bool) -> Value:
    """The value of a slot in one use: of a repeated step all its values where they differ."""
    if repeated:
        keys = Items(call.keys[slot] for call in group)
        if any(key != keys[0] for key in keys):
            return keys
    return group[0].keys[slot]


def _commonest(values: Sequence[Value]) -> tuple[Value, int]:
    counts = Counter(values)
    most = max(counts.values())
    return min((value for value, count in counts.items() if count == most), key=repr), most

"""Says of the occurrences of a pattern what is constant, what is a reference, and what varies.

A slot is a constant where one value dominates against how frequent it is elsewhere; equal to an
earlier slot, or a reference into an earlier result, where that holds in nearly all occurrences; else
it is a parameter. Occurrences that do not agree with what was decided are left out. Pure.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lignin.domain.codec import Json
from lignin.traces.routines.encode import Call, Encoded
from lignin.traces.routines.grow import Pattern, Token
from lignin.traces.routines.values import Key, general

AGREE = 0.85
DOMINANT = 0.25
OTHER_NATS = 6.0
"""What an occurrence that does not have the constant is worth, in nats."""
SELDOM = 0.05
"""A step that is repeated in a smaller share of the occurrences is repeated by chance."""
OFTEN = 0.15
UNLIKELY = 0.05

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


class From(NamedTuple):
    """The slot's value lies at a path of an earlier step's result."""

    step: int
    path: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """The slot always has this value."""

    key: Key


@dataclass(frozen=True, slots=True)
class Free:
    """The slot varies; `among` is where its values lie, `each` that it varies within one use, `default`
    of what list all are taken in many uses."""

    among: From | None = None
    each: bool = False
    default: From | None = None


@dataclass(frozen=True, slots=True)
class Picked:
    """The slot's value is chosen by a condition from the elements at a path of an earlier result.

    Args:
        step: The earlier step.
        path: Where the elements are, and what is handed on of one.
        how: As a `Pick` says it, or `all`.
        fact: The path of the value in an element that it goes by.
        by: The slot whose value that has to equal; else it is the constant.
        constant: What it has to equal, where no slot says so.
        each: The step is repeated for all that are meant; else it is one.
    """

    step: int
    path: str
    how: str
    fact: str = ""
    by: Place | None = None
    constant: Json = None
    each: bool = False


Finding = Same | From | Fixed | Free | Picked


@dataclass(frozen=True, slots=True)
class Shape:
    """The steps of a pattern.

    Args:
        tokens: The tools.
        repeated: Which steps are repeated.
        optional: Which steps are left out in some uses; there they have no calls.
    """

    tokens: tuple[Token, ...]
    repeated: tuple[bool, ...]
    optional: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Unified:
    """What the occurrences of a pattern have in common, and those that do.

    Args:
        shape: The steps.
        findings: Per step and slot what it is.
        uses: The occurrences (run and groups) that agree.
    """

    shape: Shape
    findings: tuple[tuple[Finding, ...], ...]
    uses: tuple[Occurred, ...]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tools with their arguments' names."""
        return self.shape.tokens


class Background:
    """How frequent each value is in each slot of each tool, and how often a tool is called again for
    the next element of a list. Counts are additive."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Token, int], Counter[Key]] = defaultdict(Counter)
        self._groups: Counter[Token] = Counter()
        self._several: Counter[Token] = Counter()
        self._varied: Counter[tuple[Token, int]] = Counter()
        self.tools: set[str] = set()

    def add(self, runs: Iterable[Encoded]) -> None:
        """Count the values of runs."""
        for run in runs:
            for group in run.line:
                token = (group[0].tool, group[0].names)
                self.tools.add(group[0].tool)
                self._groups[token] += 1
                for call in group:
                    for slot, key in enumerate(call.keys):
                        self._counts[token, slot][key] += 1
                if len(group) > 1:
                    self._several[token] += 1
                    for slot, key in enumerate(group[0].keys):
                        if any(call.keys[slot] != key for call in group):
                            self._varied[token, slot] += 1

    def share(self, token: Token, slot: int, key: Key) -> float:
        """Return the share of a value in a slot of a tool."""
        counts = self._counts[token, slot]
        return max(counts[key], 1) / max(counts.total(), 1)

    def goes_over_lists(self, token: Token, slot: int) -> bool:
        """True where a slot usually varies when its tool is called again and again."""
        return 2 * self._varied[token, slot] > self._several[token]

    def may_be_repeated(self, token: Token, singles: int) -> bool:
        """True where a tool is often repeated, and so many single calls do not speak against it."""
        share = self._several[token] / max(self._groups[token], 1)
        return share >= OFTEN and (1 - share) ** singles >= UNLIKELY


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
    repeated, uses = _shape(pattern, list(occurrences), runs, background)
    shape = Shape(pattern, tuple(repeated), (False,) * len(pattern))
    return unify_shaped(shape, uses, runs, background)


def unify_shaped(
    shape: Shape,
    uses: Sequence[Occurred],
    runs: Sequence[Encoded],
    background: Background,
    lists: Collection[Place] = (),
) -> Unified | None:
    """Return what uses have in common whose steps are known; a step left out has no calls.

    Args:
        lists: Slots of repeated steps that are known to vary within one use.
    """
    table = _Table(shape, uses, runs, background, lists)
    table.fix(background)
    findings: list[tuple[Finding, ...]] = []
    for step, (_, names) in enumerate(shape.tokens):
        told: list[Finding] = []
        for slot in range(len(names)):
            if not table.kept:
                return None
            told.append(table.find(step, slot, [*findings, tuple(told)]))
        findings.append(tuple(told))
    kept = tuple(uses[place] for place in table.kept)
    return Unified(shape, tuple(findings), kept) if kept else None


def _shape(
    pattern: Pattern, kept: list[Occurred], runs: Sequence[Encoded], background: Background
) -> tuple[list[bool], list[Occurred]]:
    """Decide which steps are repeated, and keep the uses whose steps are as decided."""
    repeated: list[bool] = []
    for step, token in enumerate(pattern):
        singles = sum(len(groups[step]) == 1 for _, groups in kept)
        several = {runs[run].session for run, groups in kept if len(groups[step]) > 1}
        seldom = singles and len(several) < max(2, SELDOM * len(kept))
        repeated.append(not seldom or background.may_be_repeated(token, singles))
        if not repeated[-1]:
            kept = [use for use in kept if len(use[1][step]) == 1]
    return repeated, kept


class _Table:
    """The values of each slot in each use; those left out are not `kept`."""

    def __init__(
        self,
        shape: Shape,
        uses: Sequence[Occurred],
        runs: Sequence[Encoded],
        background: Background,
        lists: Collection[Place],
    ) -> None:
        self._shape, self._uses, self._lists = shape, uses, lists
        self._tasks = [runs[run].task for run, _ in uses]
        self._columns: dict[Place, list[Value | None]] = {}
        for step, token in enumerate(shape.tokens):
            for slot in range(len(token[1])):
                each = (step, slot) in lists or (
                    shape.repeated[step] and background.goes_over_lists(token, slot)
                )
                self._columns[step, slot] = [
                    _value(groups[step], slot, shape.repeated[step], each) for _, groups in uses
                ]
        self.kept = list(range(len(uses)))

    def fix(self, background: Background) -> None:
        """Keep the uses that have the values that stand out most, one slot after the other."""
        shape = self._shape
        places = [
            place
            for place in self._columns
            if not (shape.repeated[place[0]] or shape.optional[place[0]])
        ]
        while self.kept:
            best: tuple[float, Place, Value] | None = None
            for step, slot in places:
                value, count = _commonest(self._told((step, slot)))
                share = count / len(self.kept)
                if share < DOMINANT or count == len(self.kept):
                    continue
                usual = background.share(shape.tokens[step], slot, value)  # type: ignore[arg-type]
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
        column = self._values((step, slot))
        values = self._told((step, slot))
        if not values:
            return Free(None, (step, slot) in self._lists)
        enough = AGREE * len(values)
        each = any(isinstance(value, Items) for value in values)
        value, count = _commonest(values)
        if count >= enough and not each and self._is_general(column, value):
            self._keep([found in (value, None) for found in column])
            return Fixed(value)  # type: ignore[arg-type]
        if len(set(values)) > 1:
            for place in self._earlier(step, before, each):
                others = self._values(place)
                holds = [a is None or a == b for a, b in zip(column, others, strict=True)]
                if sum(holds) >= enough + len(column) - len(values):
                    self._keep(holds)
                    return Same(*place)
        return self._from(step, slot, column, enough, each)

    def _from(
        self, step: int, slot: int, column: Sequence[Value | None], enough: float, each: bool
    ) -> Finding:
        """Look for the place in earlier results where the values of a slot lie."""
        sources = [
            None if value is None else places_of(self._uses[use][1], step, slot, self._shape)
            for use, value in zip(self.kept, column, strict=True)
        ]
        counts = Counter(source for found in sources if found for source in found)
        good = sorted(
            (source for source, count in counts.items() if count >= enough),
            key=lambda s: (-counts[s], -s.step, len(s.path), s.path),
        )
        for chosen in good:
            is_there = not self._shape.optional[chosen.step]
            if is_there and not each and not set("*~") & set(chosen.path):
                self._keep([found is None or chosen in found for found in sources])
                return chosen
        return Free(good[0] if good else None, each)

    def _is_general(self, column: Sequence[Value | None], value: Value) -> bool:
        """True where a value is that of more than one task."""
        found = zip(self.kept, column, strict=True)
        return len({self._tasks[use] for use, each in found if each == value}) > 1

    def _values(self, place: Place) -> list[Value | None]:
        column = self._columns[place]
        return [column[use] for use in self.kept]

    def _told(self, place: Place) -> list[Value]:
        return [value for value in self._values(place) if value is not None]

    def _keep(self, holds: Sequence[bool]) -> None:
        self.kept = [use for use, good in zip(self.kept, holds, strict=True) if good]

    def _earlier(
        self, step: int, before: Sequence[Sequence[Finding]], each: bool
    ) -> Iterator[Place]:
        """The slots that this one may be equal to."""
        for other, findings in enumerate(before):
            if other != step and self._shape.optional[other]:
                continue
            for slot, finding in enumerate(findings):
                if isinstance(finding, From) or (
                    isinstance(finding, Free) and finding.each == each
                ):
                    yield other, slot


def places_of(
    groups: Sequence[Group], step: int, slot: int, shape: Shape, *, wide: bool = False
) -> frozenset[From]:
    """Return where a slot's value lies in what earlier steps of the pattern returned, in every call.

    Args:
        wide: Also a place in any result of a repeated step whose places in lists are known.
    """
    if not groups[step][0].sources[slot]:
        return frozenset()
    steps = {call.place: number for number, group in enumerate(groups) for call in group}
    found: frozenset[From] | None = None
    for call in groups[step]:
        mine: set[From] = set()
        for place, path in call.sources[slot]:
            number = steps.get(place, step)
            if number >= step:
                continue
            form = general(path)
            if shape.repeated[number]:
                mine.add(From(number, "[*]" + form))
                if wide:
                    mine.add(From(number, "[*]" + path))
                continue
            mine.add(From(number, path))
            if form != path:
                mine.add(From(number, form))
        found = frozenset(mine) if found is None else found & mine
    return found or frozenset()


class Items(tuple[Key, ...]):
    """The values of a slot that is another one each time its step is repeated."""

    __slots__ = ()


def _value(group: Group, slot: int, repeated: bool, each: bool) -> Value | None:
    """The value of a slot in one use, of a repeated step all its values; None where it is left out."""
    if not group:
        return None
    if repeated:
        keys = Items(call.keys[slot] for call in group)
        if each or any(key != keys[0] for key in keys):
            return keys
    return group[0].keys[slot]


def _commonest(values: Sequence[Value]) -> tuple[Value, int]:
    counts = Counter(values)
    most = max(counts.values())
    return min((value for value, count in counts.items() if count == most), key=repr), most

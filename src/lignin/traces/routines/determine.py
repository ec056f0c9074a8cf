"""Finds by which condition a value is chosen from what an earlier step returned. Pure.

A parameter whose values always lie in an earlier result need not be given where the uses show which
element is taken: all of a list, the only one, the last, the one with the smallest or largest value, or
the one where a short value equals a constant, a parameter or an earlier place. What says the uses in the
fewest bits is taken; it has to hold in nearly all of them, and for lists with something to choose.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lignin.domain.codec import Json
from lignin.domain.routines import How, Reference
from lignin.traces.routines.encode import Call, Encoded
from lignin.traces.routines.pick import Element, is_ordered, kept_elements, kept_value
from lignin.traces.routines.unify import (
    AGREE,
    Finding,
    Free,
    From,
    Occurred,
    Picked,
    Place,
    Unified,
    places_of,
)
from lignin.traces.routines.values import Key, general, key_of

FEWEST = 3
"""In so many uses there has to have been something to choose."""
MOST_PLACES = 4
SURE_BITS = 7.0
"""By so many bits a condition has to be better than none: less likely by chance than once in a hundred."""
BY_ORDER = ("last", "min", "max")
"""Nothing is changed because it comes first or last: the next list may be in another order."""
PLAIN_BITS = 2.0
ORDER_BITS = 3.0
CONSTANT_BITS = 8.0

Keys = tuple[Key, ...]
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True, order=True)
class _Way:
    """A condition: how, by which fact, and what that has to equal (a value's key, or an earlier slot)."""

    how: How | str
    fact: str = ""
    constant: str = ""
    slot: Place = (-1, -1)

    def bits(self, facts: int, slots: int) -> float:
        """What it costs to say it."""
        if self.how in ("all", "only", "last"):
            return PLAIN_BITS
        which = math.log2(max(facts, 1) + 1)
        if self.how in ("min", "max"):
            return ORDER_BITS + which
        return which + (CONSTANT_BITS if self.slot[0] < 0 else PLAIN_BITS + math.log2(slots + 1))


@dataclass(frozen=True, slots=True)
class _Seen:
    """One use: the elements there were, the values that were taken, and what the other slots had."""

    elements: Sequence[Element]
    taken: Keys
    others: Sequence[tuple[Place, Sequence[Key]]]


def determined(unified: Unified, runs: Sequence[Encoded], least: int) -> Unified:
    """Return a routine with what need not be given, because the uses show how it is chosen.

    Args:
        least: In how many sessions the routine has to be used.
    """
    shape = unified.shape
    unified = _without_places(unified)
    for step, findings in enumerate(unified.findings):
        if shape.optional[step]:
            continue
        for slot, finding in enumerate(findings):
            if isinstance(finding, Free) and finding.among:
                found = _Search(unified, runs, (step, slot)).best()
                if found and len({runs[run].session for run, _ in found[1]}) >= least:
                    unified = _with(unified, (step, slot), *found)
                elif finding.each and _only_reads(unified, step):
                    default = _Search(unified, runs, (step, slot)).default()
                    kept = replace(finding, default=default)
                    unified = _with(unified, (step, slot), kept, unified.uses)
    return unified


def _without_places(unified: Unified) -> Unified:
    """A routine in which nothing is changed because it was the first, or the second, of several."""
    for step, findings in enumerate(unified.findings):
        for slot, finding in enumerate(findings):
            if (
                isinstance(finding, From)
                and _INDEX.search(finding.path)
                and _is_changed(unified, step, slot)
                and any(_is_one_of_several(finding, groups) for _, groups in unified.uses)
            ):
                among = From(finding.step, general(finding.path))
                unified = _with(unified, (step, slot), Free(among), unified.uses)
    return unified


def _is_changed(unified: Unified, step: int, slot: int) -> bool:
    """True where what a slot has is what something is changed by: a step that changes has it too."""
    return any(
        mine.keys[slot] in call.keys
        for _, groups in unified.uses
        for mine in groups[step]
        for group in groups[step:]
        for call in group
        if call.changes
    )


def _is_one_of_several(place: From, groups: Sequence[Sequence[Call]]) -> bool:
    """True where a list on the way to a place had more than one element."""
    return any(
        number > 1
        for match in _INDEX.finditer(place.path)
        for call in groups[place.step]
        if isinstance(number := call.facts.get(f"{place.path[: match.start()]}[#]"), int)
    )


def _only_reads(unified: Unified, step: int) -> bool:
    """True where a step changes nothing, so that it does no harm to do it for more than was needed."""
    return not any(call.changes for _, groups in unified.uses for call in groups[step])


def _with(unified: Unified, place: Place, picked: Finding, uses: tuple[Occurred, ...]) -> Unified:
    findings = [list(each) for each in unified.findings]
    findings[place[0]][place[1]] = picked
    return replace(unified, findings=tuple(map(tuple, findings)), uses=uses)


class _Search:
    """Looks for the condition by which one slot of a routine is chosen."""

    def __init__(self, unified: Unified, runs: Sequence[Encoded], place: Place) -> None:
        self._unified, self._runs = unified, runs
        self._step, self._slot = place
        finding = unified.findings[self._step][self._slot]
        self._is_each = isinstance(finding, Free) and finding.each
        self._others = list(self._others_of())
        self._orders = not _is_changed(unified, *place)

    def best(self) -> tuple[Picked, tuple[Occurred, ...]] | None:
        """Return the best condition with the uses where it holds; None where none is good enough."""
        uses = self._unified.uses
        counts = Counter(place for use in uses for place in self._places(use))
        enough = AGREE * len(uses)
        good = sorted(
            (place for place, count in counts.items() if count >= enough),
            key=lambda p: (-counts[p], -p.step, len(p.path), p.path),
        )
        found: tuple[float, Picked, tuple[Occurred, ...]] | None = None
        for place in good[:MOST_PLACES]:
            seen, holding = self._looked(place, enough)
            for way, bits, held in self._ways(seen, holding, enough):
                if found is None or bits < found[0]:
                    first = next(each for each, holds in zip(seen, held, strict=True) if holds)
                    assert first is not None
                    picked = self._picked(place, way, first)
                    kept = tuple(use for use, holds in zip(uses, held, strict=True) if holds)
                    found = bits, picked, kept
        return found[1:] if found else None

    def default(self) -> From | None:
        """Return the list of which all are taken in many uses, though not in nearly all."""
        uses = self._unified.uses
        counts = Counter(place for use in uses for place in self._places(use))
        for place, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
            if count < AGREE * len(uses):
                return None
            seen = [self._seen(use, place) for use in uses]
            unsaid = [_choices(each, is_each=True) for each in seen]
            taken = [
                bits if each and tuple(e.value for e in each.elements) == each.taken else 0.0
                for each, bits in zip(seen, unsaid, strict=True)
            ]
            open_ = sum(bits > 0 for bits in unsaid)
            tasks = {
                self._runs[run].task for (run, _), bits in zip(uses, taken, strict=True) if bits > 0
            }
            if len(tasks) >= FEWEST and sum(taken) > open_ + SURE_BITS:  # one bit says whether
                return place
        return None

    def _looked(self, place: From, enough: float) -> tuple[list[_Seen | None], list[set[_Way]]]:
        """What each use has at a place, and the conditions that hold there; nothing once it is plain
        that none holds often enough."""
        seen: list[_Seen | None] = []
        holding: list[set[_Way]] = []
        counts: Counter[_Way] = Counter()
        uses = self._unified.uses
        for number, use in enumerate(uses, start=1):
            seen.append(self._seen(use, place))
            ways = _ways(seen[-1], self._is_each) if seen[-1] else ()
            holding.append({way for way in ways if self._orders or way.how not in BY_ORDER})
            counts.update(holding[-1])
            if number - max(counts.values(), default=0) > len(uses) - enough:
                return [], []
        return seen, holding

    def _ways(
        self, seen: Sequence[_Seen | None], holding: Sequence[set[_Way]], enough: float
    ) -> Iterator[tuple[_Way, float, list[bool]]]:
        """Yield the conditions that hold often enough and say more than they cost."""
        unsaid = [_choices(each, self._is_each) for each in seen]
        facts = max((len(e.facts) for each in seen if each for e in each.elements), default=0)
        for way, count in sorted(Counter(way for each in holding for way in each).items()):
            if count < (len(seen) if way.how == "only" else enough):
                continue
            held = [way in each for each in holding]
            open_ = [number for number, bits in enumerate(unsaid) if bits > 0]
            telling = [
                number
                for number in (open_ if way.how != "only" else range(len(seen)))
                if held[number]
            ]
            tasks = {self._runs[self._unified.uses[number][0]].task for number in telling}
            if len(telling) < FEWEST or len(tasks) < 2:
                continue
            missed = sum(bits for bits, holds in zip(unsaid, held, strict=True) if not holds)
            which = math.log2(math.comb(len(open_), sum(not held[number] for number in open_)))
            bits = way.bits(facts, len(self._others)) + missed + which
            if way.how == "only" or bits + SURE_BITS < sum(unsaid):
                yield way, bits, held

    def _places(self, use: Occurred) -> Iterator[From]:
        """The lists that the values of a use are elements of."""
        for place in places_of(use[1], self._step, self._slot, self._unified.shape, wide=True):
            if set("*~") & set(place.path) and not self._unified.shape.optional[place.step]:
                yield place

    def _others_of(self) -> Iterator[Place]:
        """The slots whose values a condition may name: of earlier steps, and others of this one."""
        for step, findings in enumerate(self._unified.findings[: self._step + 1]):
            if self._unified.shape.optional[step]:
                continue
            for slot, finding in enumerate(findings):
                if (step, slot) == (self._step, self._slot):
                    continue
                is_each = isinstance(finding, Free) and finding.each
                if isinstance(finding, From) and step == self._step:
                    continue
                if isinstance(finding, Free | From) and (not is_each or step == self._step):
                    yield step, slot

    def _seen(self, use: Occurred, place: From) -> _Seen | None:
        groups = use[1]
        mine = groups[self._step]
        reference = Reference(place.step, place.path)
        elements = kept_elements(
            reference,
            groups[place.step],
            self._unified.shape.repeated[place.step],
            [source for call in mine for source in call.sources[self._slot]],
            mine[0].keys[self._slot],
        )
        if elements is None:
            return None
        taken = tuple(call.keys[self._slot] for call in mine)
        others: list[tuple[Place, Sequence[Key]]] = []
        for step, slot in self._others:
            finding = self._unified.findings[step][slot]
            if isinstance(finding, From):
                value = kept_value(Reference(finding.step, finding.path), groups)
                if value is None or value != groups[step][0].keys[slot]:
                    continue
            others.append(((step, slot), tuple(call.keys[slot] for call in groups[step])))
        return _Seen(elements, taken, others)

    def _picked(self, place: From, way: _Way, seen: _Seen) -> Picked:
        goes_over = self._is_each and way.how in ("all", "where")
        by: Place | None = way.slot if way.slot[0] >= 0 else None
        constant: Json = None
        if way.constant:
            constant = next(
                each.facts[way.fact]
                for each in seen.elements
                if way.fact in each.facts and repr(key_of(each.facts[way.fact])) == way.constant
            )
        how = "where" if way.how == "of each" else way.how
        return Picked(place.step, place.path, how, way.fact, by, constant, goes_over)


def _choices(seen: _Seen | None, is_each: bool) -> float:
    """The bits that it takes to tell what was taken."""
    if seen is None:
        return 0.0
    several = len({element.value for element in seen.elements})
    return float(several if is_each and several > 1 else math.log2(max(several, 1)))


def _ways(seen: _Seen, is_each: bool) -> Iterator[_Way]:
    """Yield the conditions that come to what was taken in one use."""
    values = [element.value for element in seen.elements]
    if is_each:
        yield from _ways_over(seen, values)
        return
    if values.count(seen.taken[0]) == 1 and set(seen.taken) == {seen.taken[0]}:
        yield from _ways_to(seen, values)


def _ways_to(seen: _Seen, values: Sequence[Key | None]) -> Iterator[_Way]:
    """The conditions that mean one element."""
    at = values.index(seen.taken[0])
    if len(values) == 1:
        yield _Way("only")
    if at == len(values) - 1:
        yield _Way("last")
    for fact, column in _columns(seen.elements):
        value = column[at]
        keys = list(map(key_of, column))
        if is_ordered(column):
            if value == min(column) and at == column.index(value):
                yield _Way("min", fact)
            if value == max(column) and at == column.index(value):
                yield _Way("max", fact)
        if keys.count(keys[at]) != 1 or keys[at] == seen.taken[0]:
            continue
        yield _Way("where", fact, constant=repr(keys[at]))
        for place, others in seen.others:
            if set(others) == {keys[at]}:
                yield _Way("where", fact, slot=place)


def _ways_over(seen: _Seen, values: Sequence[Key | None]) -> Iterator[_Way]:
    """The conditions that mean what a step is repeated for, in order."""
    if tuple(values) == seen.taken:
        yield _Way("all")
    if not set(seen.taken) <= set(values):
        return
    for fact, column in _columns(seen.elements):
        keys = list(map(key_of, column))
        groups: dict[Key, list[Key | None]] = defaultdict(list)
        for key, value in zip(keys, values, strict=True):
            groups[key].append(value)
        for key, found in groups.items():
            if tuple(found) == seen.taken:
                yield _Way("where", fact, constant=repr(key))
                for place, others in seen.others:
                    if set(others) == {key} and place[0] != seen.others[-1][0][0]:
                        yield _Way("where", fact, slot=place)
        for place, others in seen.others:
            if len(others) == len(seen.taken) and others != seen.taken:
                one = [groups.get(key, []) for key in others]
                if one == [[value] for value in seen.taken]:
                    yield _Way("of each", fact, slot=place)


def _columns(elements: Sequence[Element]) -> Iterator[tuple[str, list[Json]]]:
    """The facts that every element tells, each with its values."""
    if elements:
        for fact in elements[0].facts:
            if all(fact in each.facts for each in elements):
                yield fact, [each.facts[fact] for each in elements]

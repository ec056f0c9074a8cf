"""What a judge goes by that it should not: place, length, who wrote it, being spoken to. Pure.

Each is measured by construction: the same two runs in both orders, the same run with words added that say
nothing, runs of the judge's own model beside others that people gave the same label, a run that asks for the
best label. A bias is said to be there where its direction is shown at 2.5 %.
"""

import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lignin.domain.codec import Json
from lignin.evals.laws.agreement import Figure, Interval
from lignin.evals.laws.binomial import at_most, exact_interval

DRAWS = 200
MISS = 0.05
MISS_BEYOND = 0.01
"""Of `length_beyond`, which rests on people's labels and these err."""
_NOTHING = 1e-9
_ALL = 1 - 1e-9
LEAST = 10
"""Fewer pairs tell nothing."""
BiasKind = Literal["position", "length", "length_beyond", "self_preference", "injection"]
TOLD: Mapping[BiasKind, str] = {
    "position": "it goes by the place a run stands in",
    "length": "it scores the same answer otherwise when it is longer",
    "length_beyond": "it scores longer answers otherwise than people do",
    "self_preference": "it scores its own model's runs otherwise than people do",
    "injection": "it does what a run asks of it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """One bias as it was measured.

    Args:
        found: True, False, or None where too little is there to say; `why` then.
        count: Pairs, or things, that it rests on.
        effect: How strong; from -1 to 1, 0 is none. Of a place: towards the first; else of the score.
        more: Other figures.
    """

    kind: BiasKind
    found: bool | None
    count: int
    effect: Figure
    why: str = ""
    more: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        return {
            "bias": self.kind,
            "found": self.found,
            "count": self.count,
            "effect": self.effect.to_json(),
            "why": self.why,
            **self.more,
        }


def position_bias(choices: Sequence[tuple[str, str]]) -> Bias:
    """Return whether a judge goes by the place.

    Args:
        choices: Of the same two runs, what it said in one order and in the other: first, second, neither.
    """
    leans = [(one == "first") - (one == "second") for one, _ in choices]
    back = [(two == "first") - (two == "second") for _, two in choices]
    net = [(a + b) / 2 for a, b in zip(leans, back, strict=True)]  # who is fair says each run once
    flipped = sum(one == two != "neither" for one, two in choices)
    unsteady = sum(each != 0 for each in net)
    between = exact_interval(flipped, len(choices), MISS)
    more: dict[str, Json] = {
        "flips": _share(flipped, len(choices)),
        "flips_interval": None if between is None else [round(each, 4) for each in between],
        "inconsistent": _share(unsteady, len(choices)),
    }
    return _signed("position", net, more)


def shift_bias(kind: BiasKind, before: Sequence[float], after: Sequence[float]) -> Bias:
    """Return whether scores of the same runs move when something is added that is worth nothing."""
    moved = [new - old for old, new in zip(before, after, strict=True)]
    changed = sum(each != 0 for each in moved)
    return _signed(kind, moved, {"changed": _share(changed, len(moved))})


def length_beyond(lengths: Sequence[int], judged: Sequence[float], human: Sequence[float]) -> Bias:
    """Return whether a judge's scores go with the length where people's labels are the same.

    The effect is the correlation of what it gives beyond people with the logarithm of the length, both
    within runs that people gave the same.
    """
    rows = list(zip(map(_log, lengths), judged, human, strict=True))
    value = _within(rows)
    if len(rows) < LEAST or value is None:
        return _unknown("length_beyond", len(rows), "too few runs, or all of one length or label")
    return Bias(
        kind="length_beyond",
        found=_by_chance(rows) <= MISS_BEYOND,
        count=len(rows),
        effect=Figure(value=value, interval=_of_correlation(value, rows)),
    )


def self_preference(own: Sequence[bool], judged: Sequence[float], human: Sequence[float]) -> Bias:
    """Return whether a judge gives runs of its own model more than others that people gave the same."""
    rows = list(zip(own, judged, human, strict=True))
    ours = sum(own)
    if min(ours, len(rows) - ours) < LEAST:
        told = f"{ours} runs of its own model and {len(rows) - ours} of others"
        return _unknown("self_preference", len(rows), f"{told}; {LEAST} of either are needed")
    value = _favoured(rows)
    if value is None:
        why = "no label that people gave runs of its own model and of others"
        return _unknown("self_preference", len(rows), why)
    return _bounded("self_preference", len(rows), value, _of_favour(value, rows))


def compare_bias(
    old: Bias, new: Bias
) -> tuple[Literal["worse", "new", "no_worse", "unknown"], str]:
    """Return how a bias of a new judge stands to the old one's, and in words.

    `worse`: shown to be stronger than the old one's. `new`: found, where the old one's was not, and not shown
    to be stronger. `unknown`: it was not measured in both.
    """
    if new.effect.value is None or old.effect.value is None or new.effect.interval is None:
        return "unknown", f"{new.kind} was not measured: {new.why or old.why}"
    if not new.found:
        return "no_worse", ""
    low, high = new.effect.interval
    least = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    told = f"{TOLD[new.kind]} ({new.effect.value:+.2f}, before {old.effect.value:+.2f})"
    if least > abs(old.effect.value):
        return "worse", told
    return ("no_worse", "") if old.found else ("new", told)


def _signed(kind: BiasKind, moved: Sequence[float], more: Mapping[str, Json]) -> Bias:
    """A bias by the direction of changes of pairs, with an exact test of signs."""
    if len(moved) < LEAST:
        return _unknown(kind, len(moved), f"{len(moved)} pairs, {LEAST} are needed")
    up, down = sum(each > 0 for each in moved), sum(each < 0 for each in moved)
    is_shown = up + down > 0 and at_most(min(up, down), up + down, 0.5) <= MISS / 2
    mean = math.fsum(moved) / len(moved)
    free = len(moved) - 1
    spread = math.fsum((each - mean) ** 2 for each in moved) / free
    reach = _reach(free) * math.sqrt(spread / len(moved))
    return Bias(
        kind=kind,
        found=is_shown,
        count=len(moved),
        effect=Figure(value=mean, interval=(max(-1.0, mean - reach), min(1.0, mean + reach))),
        more={**more, "up": up, "down": down},
    )


def _bounded(kind: BiasKind, count: int, value: float, between: Interval | None) -> Bias:
    found = None if between is None else not between[0] <= 0 <= between[1]
    why = "" if between is not None else "its interval cannot be known"
    return Bias(
        kind=kind, found=found, count=count, effect=Figure(value=value, interval=between), why=why
    )


def _unknown(kind: BiasKind, count: int, why: str) -> Bias:
    return Bias(kind=kind, found=None, count=count, effect=Figure(value=None), why=why)


def _within(rows: Sequence[tuple[float, float, float]]) -> float | None:
    """Correlation of the first two within groups of the third; None where the first does not vary, 0 where
    only the second does not."""
    groups: defaultdict[float, list[tuple[float, float]]] = defaultdict(list)
    for one, two, group in rows:
        groups[group].append((one, two))
    products, first, second = 0.0, 0.0, 0.0
    for each in groups.values():
        middle = math.fsum(one for one, _ in each) / len(each)
        other = math.fsum(two for _, two in each) / len(each)
        for one, two in each:
            products += (one - middle) * (two - other)
            first += (one - middle) ** 2
            second += (two - other) ** 2
    if first < _NOTHING:
        return None
    return products / math.sqrt(first * second) if second > _NOTHING else 0.0


def _by_chance(rows: Sequence[tuple[float, float, float]]) -> float:
    """How often the second goes with the first as much when it is dealt out anew within each group."""
    groups: defaultdict[float, list[tuple[float, float]]] = defaultdict(list)
    for one, two, group in rows:
        groups[group].append((one, two))
    dealt: list[tuple[list[float], list[float]]] = []
    for each in groups.values():
        middle = math.fsum(one for one, _ in each) / len(each)
        dealt.append(([one - middle for one, _ in each], [two for _, two in each]))

    def strength() -> float:
        return abs(math.fsum(_product(one, two) for one, two in dealt))

    seen, rng = strength() - _NOTHING, random.Random(f"dealt {len(rows)}")  # noqa: S311 - a fixed seed
    as_much = 0
    for _ in range(DRAWS):
        for _, scores in dealt:
            rng.shuffle(scores)
        as_much += strength() >= seen
    return (1 + as_much) / (1 + DRAWS)


def _of_correlation(value: float, rows: Sequence[tuple[float, float, float]]) -> Interval | None:
    """The 95 % interval of a correlation within groups.

    Source: Fisher, On the probable error of a coefficient of correlation, 1921.
    """
    free = len(rows) - len({group for _, _, group in rows}) - 2
    if free < 2:
        return None
    middle, reach = math.atanh(max(-_ALL, min(_ALL, value))), 1.96 / math.sqrt(free)
    return math.tanh(middle - reach), math.tanh(middle + reach)


def _favoured(rows: Sequence[tuple[bool, float, float]]) -> float | None:
    """By how much its own are above others that people gave the same, over all labels that have both."""
    gained, weight = 0.0, 0.0
    for each in _by_human(rows):
        own = [score for is_own, score, _ in each if is_own]
        other = [score for is_own, score, _ in each if not is_own]
        if own and other:
            counts = len(own) * len(other) / (len(own) + len(other))
            gained += counts * (math.fsum(own) / len(own) - math.fsum(other) / len(other))
            weight += counts
    return gained / weight if weight else None


def _of_favour(value: float, rows: Sequence[tuple[bool, float, float]]) -> Interval | None:
    """Its 95 % interval, by the spread of scores of the same kind of run and label."""
    squares, weight, square_weights, cells = 0.0, 0.0, 0.0, 0
    for each in _by_human(rows):
        sides = [[score for is_own, score, _ in each if is_own is side] for side in (True, False)]
        for side in filter(None, sides):
            middle = math.fsum(side) / len(side)
            squares += math.fsum((score - middle) ** 2 for score in side)
            cells += 1
        if all(sides):
            counts = len(sides[0]) * len(sides[1]) / len(each)
            weight += counts
            square_weights += counts  # counts ** 2 * (1 / own + 1 / other)
    free = len(rows) - cells
    if free < 2 or not weight:
        return None
    reach = _reach(free) * math.sqrt(squares / free * square_weights) / weight
    return value - reach, value + reach


def _reach(free: int) -> float:
    """Student's t at 95 %, nearly."""
    return 1.96 + 2.4 / free


def _by_human(rows: Sequence[tuple[bool, float, float]]) -> list[list[tuple[bool, float, float]]]:
    groups: defaultdict[float, list[tuple[bool, float, float]]] = defaultdict(list)
    for row in rows:
        groups[row[2]].append(row)
    return [groups[human] for human in sorted(groups)]


def _share(hits: int, count: int) -> float | None:
    return round(hits / count, 4) if count else None


def _product(one: Sequence[float], two: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True))


def _log(length: int) -> float:
    return math.log(max(1, length))

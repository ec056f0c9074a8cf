"""How far labels of the same things agree: shares, kappa, Gwet's coefficient, with intervals. Pure.

A thing may have labels of several people, so what agrees is weighted: each thing counts once, however many
gave it a label. Labels are places on a scale; those nearer to each other disagree less (quadratic weights
over their scores), which of two labels is plain agreement. What cannot be known is None, never NaN.
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from lignin.domain.codec import Json
from lignin.evals.laws.binomial import exact_interval

DRAWS = 1000
MISS = 0.05
LEAST_ITEMS = 30
LEAST_GWET = 0.6
MARGIN = 0.05
"""What a new judge may lose of the share of same labels, and of kappa, by the intervals."""
_SAME = 1e-9
_LEAST_KNOWN = 0.9
_Z, _Z_PER_THING = 1.96, 2.4  # the second: as Student's t is wider for few
Interval = tuple[float, float]
Pairs = Sequence[tuple[int, int]]
"""Pairs of places on a scale that two gave one thing."""
_Cells = tuple[tuple[tuple[int, int], float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its 95 % interval; both None where it cannot be known."""

    value: float | None
    interval: Interval | None = None

    def to_json(self) -> dict[str, Json]:
        between = None if self.interval is None else [round(each, 4) for each in self.interval]
        return {"value": None if self.value is None else round(self.value, 4), "interval": between}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two kinds of labels agree.

    Args:
        items: Things with a label of both; `pairs` of labels over all of them.
        same: Share of labels that are the very same.
        kappa: Cohen's, weighted; None where everybody gave one label, so that chance explains all.
        gwet: Gwet's coefficient (AC1 of two labels, AC2 of more), which holds where one label is common.
    """

    items: int
    pairs: int
    same: Figure
    kappa: Figure
    gwet: Figure

    def to_json(self) -> dict[str, Json]:
        return {
            "items": self.items,
            "pairs": self.pairs,
            "same": self.same.to_json(),
            "kappa": self.kappa.to_json(),
            "gwet": self.gwet.to_json(),
        }


def weigh_agreement(
    items: Sequence[Pairs], scores: Sequence[float], *, seed: str, draws: int = DRAWS
) -> Agreement:
    """Return how far pairs of labels agree.

    Args:
        items: One entry a thing, with all its pairs; order within a pair matters to `kappa`.
        scores: The score of each place of the scale, rising.
        draws: So often the things are drawn anew for an interval.
    """
    known = [pairs for pairs in items if pairs]
    weights, lot = _weights(scores), _Lot([(_cells(pairs),) for pairs in known])
    same = Figure(value=None)
    if known:
        shares = [sum(one == other for one, other in pairs) / len(pairs) for pairs in known]
        same = Figure(value=sum(shares) / len(shares), interval=_of_shares(shares, seed, draws))
    rng = random.Random(seed)  # noqa: S311 - drawn anew by a fixed seed
    drawn = [tables[0] for tables in lot.drawn(rng, draws)]
    table = lot.tables()[0] if known else Table(cells={}, rows={}, columns={})
    return Agreement(
        items=len(known),
        pairs=sum(map(len, known)),
        same=same,
        kappa=_figure(lambda each: kappa_of(each, weights), table, drawn, same, len(known)),
        gwet=_figure(lambda each: gwet_of(each, weights), table, drawn, same, len(known)),
    )


def among_people(labels: Sequence[Sequence[int]]) -> list[Pairs]:
    """Every two labels of each thing, in both orders: nobody of them comes first."""
    return [
        [pair for one, two in combinations(given, 2) for pair in ((one, two), (two, one))]
        for given in labels
    ]


def with_people(judged: Sequence[int], labels: Sequence[Sequence[int]]) -> list[Pairs]:
    """A judge's label of each thing beside each person's."""
    return [[(one, each) for each in given] for one, given in zip(judged, labels, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """How common each pair of labels is, and each label on either side."""

    cells: Mapping[tuple[int, int], float]
    rows: Mapping[int, float]
    columns: Mapping[int, float]


def kappa_of(table: Table, weights: Sequence[Sequence[float]]) -> float | None:
    """Cohen's weighted kappa; None where chance alone explains full agreement.

    Source: Cohen, Weighted kappa, 1968.
    """
    seen = math.fsum(share * weights[a][b] for (a, b), share in table.cells.items())
    chance = math.fsum(
        one * two * weights[a][b]
        for a, one in table.rows.items()
        for b, two in table.columns.items()
    )
    return None if 1 - chance < _SAME else (seen - chance) / (1 - chance)


def gwet_of(table: Table, weights: Sequence[Sequence[float]]) -> float | None:
    """Gwet's coefficient.

    Source: Gwet, Computing inter-rater reliability in the presence of high agreement, 2008.
    """
    if not table.cells:
        return None
    count = len(weights)
    seen = math.fsum(share * weights[a][b] for (a, b), share in table.cells.items())
    usual = [(table.rows.get(k, 0.0) + table.columns.get(k, 0.0)) / 2 for k in range(count)]
    spread = math.fsum(each * (1 - each) for each in usual) / (count * (count - 1))
    chance = math.fsum(map(math.fsum, weights)) * spread
    return None if 1 - chance < _SAME else (seen - chance) / (1 - chance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Whether one judge agrees with people no less than another, on the same things.

    Args:
        outcome: accept: no less, as far as the margins go. reject: less.
        agreement, kappa: What it gains of the share of same labels, and of kappa.
    """

    outcome: Literal["accept", "reject", "undecided"]
    items: int
    agreement: Figure
    kappa: Figure
    reasons: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Json]:
        return {
            "outcome": self.outcome,
            "items": self.items,
            "agreement": self.agreement.to_json(),
            "kappa": self.kappa.to_json(),
            "reasons": list(self.reasons),
        }


def compare_agreement(
    old: Sequence[int],
    new: Sequence[int],
    labels: Sequence[Sequence[int]],
    scores: Sequence[float],
    *,
    seed: str,
    least: int = LEAST_ITEMS,
    draws: int = DRAWS,
) -> Compared:
    """Return whether the new labels agree with people's no less than the old ones did.

    Both intervals are of the difference on the same things, drawn together. Agreement alone could be won
    by always giving the commonest label, kappa alone is wild where one label is rare: both must hold.
    """
    weights = _weights(scores)
    both = [_cells(pairs) for pairs in with_people(old, labels)]
    after = [_cells(pairs) for pairs in with_people(new, labels)]
    if not both:
        return Compared(
            outcome="undecided",
            items=0,
            agreement=Figure(value=None),
            kappa=Figure(value=None),
            reasons=("nothing was judged by both that people labelled",),
        )
    lot = _Lot(list(zip(both, after, strict=True)))
    rng = random.Random(seed)  # noqa: S311 - drawn anew by a fixed seed
    drawn = list(lot.drawn(rng, draws))
    agreement = _difference(_same, lot.tables(), drawn)
    kappa = _difference(lambda table: kappa_of(table, weights), lot.tables(), drawn)
    reasons = list(_short_of(agreement, kappa))
    if len(both) < least:
        reasons.insert(0, f"{len(both)} labelled runs were judged by both, {least} are needed")
        outcome: Literal["accept", "reject", "undecided"] = "undecided"
    elif any(each.interval and each.interval[1] < 0 for each in (agreement, kappa)):
        outcome = "reject"
    else:
        outcome = "undecided" if reasons else "accept"
    return Compared(
        outcome=outcome,
        items=len(both),
        agreement=agreement,
        kappa=kappa,
        reasons=tuple(reasons) or ("it agrees with people no less",),
    )


def _short_of(agreement: Figure, kappa: Figure) -> list[str]:
    told = []
    for name, each in (("agreement", agreement), ("kappa", kappa)):
        if each.interval is None:
            told.append(f"{name}: it cannot be known")
        elif each.interval[1] < 0:
            told.append(f"{name}: it is less by {-(each.value or 0):.3f}")
        elif each.interval[0] < -MARGIN:
            low, high = each.interval
            told.append(f"{name}: {low:+.3f} to {high:+.3f}, it may lose more than {MARGIN:g}")
    return told


def _difference(
    measure: Callable[[Table], float | None],
    tables: tuple[Table, ...],
    drawn: Sequence[tuple[Table, ...]],
) -> Figure:
    def gained(each: tuple[Table, ...]) -> float | None:
        before, after = map(measure, each)
        return None if before is None or after is None else after - before

    value = gained(tables)
    return Figure(value=value, interval=None if value is None else _between(map(gained, drawn)))


def _same(table: Table) -> float:
    return math.fsum(share for (a, b), share in table.cells.items() if a == b)


def _weights(scores: Sequence[float]) -> list[list[float]]:
    span = scores[-1] - scores[0]
    return [[1 - ((one - two) / span) ** 2 for two in scores] for one in scores]


def _cells(pairs: Pairs) -> _Cells:
    return tuple((pair, count / len(pairs)) for pair, count in Counter(pairs).items())


class _Lot:
    """Things by the kind of their labels, so that drawing them anew is quick."""

    def __init__(self, things: Sequence[tuple[_Cells, ...]]) -> None:
        self._kinds = list(dict.fromkeys(things))
        places = {kind: number for number, kind in enumerate(self._kinds)}
        self._things = [places[each] for each in things]

    def tables(self) -> tuple[Table, ...]:
        """A table for each of what the things have labels by."""
        return self._tables(self._things)

    def drawn(self, rng: random.Random, draws: int) -> Iterator[tuple[Table, ...]]:
        """The same of things that are drawn anew."""
        for _ in range(draws if self._things else 0):
            yield self._tables(rng.choices(self._things, k=len(self._things)))

    def _tables(self, things: Sequence[int]) -> tuple[Table, ...]:
        counts, total = Counter(things), len(things)
        width = len(self._kinds[0]) if self._kinds else 0
        return tuple(
            _table([(self._kinds[kind][at], times / total) for kind, times in counts.items()])
            for at in range(width)
        )


def _table(kinds: Iterable[tuple[_Cells, float]]) -> Table:
    cells: defaultdict[tuple[int, int], float] = defaultdict(float)
    for kind, weight in kinds:
        for pair, share in kind:
            cells[pair] += weight * share
    rows: defaultdict[int, float] = defaultdict(float)
    columns: defaultdict[int, float] = defaultdict(float)
    for (a, b), share in cells.items():
        rows[a] += share
        columns[b] += share
    return Table(cells=cells, rows=rows, columns=columns)


def _figure(
    measure: Callable[[Table], float | None],
    table: Table,
    drawn: Sequence[Table],
    same: Figure,
    things: int,
) -> Figure:
    """A figure with the interval of things drawn anew; where nothing differed, that of the share."""
    value = measure(table)
    if value is None:
        return Figure(value=None)
    between = _around(value, [measure(each) for each in drawn], things)
    if between is not None and between[1] - between[0] < _SAME and same.interval is not None:
        # No disagreement was seen, so drawing anew shows none: at most as many as the share allows.
        between = (max(-1.0, value - (1 - same.interval[0]) * 2), value)
    return Figure(value=value, interval=between)


def _around(value: float, drawn: Sequence[float | None], things: int) -> Interval | None:
    """The 95 % interval of a coefficient, by its spread over things that were drawn anew.

    On Fisher's scale, on which it does not end at 1: near that the middle of what is drawn is too narrow.
    """
    known = [each for each in drawn if each is not None]
    if len(known) < max(2, _LEAST_KNOWN * len(drawn)):
        return None
    if max(known) - min(known) < _SAME:
        return value, value
    most = 1 - 1 / (4 * things)
    scaled = [math.atanh(max(-most, min(most, each))) for each in known]
    mean = math.fsum(scaled) / len(scaled)
    spread = math.fsum((each - mean) ** 2 for each in scaled) / (len(scaled) - 1)
    reach = (_Z + _Z_PER_THING / things) * math.sqrt(spread * things / max(1, things - 1))
    middle = math.atanh(max(-most, min(most, value)))
    high = math.tanh(middle + reach)
    return math.tanh(middle - reach), max(high, value) if value <= most else 1.0


def _of_shares(shares: Sequence[float], seed: str, draws: int) -> Interval | None:
    if all(each in (0.0, 1.0) for each in shares):
        return exact_interval(round(sum(shares)), len(shares), MISS)
    rng = random.Random(f"{seed} shares")  # noqa: S311 - drawn anew by a fixed seed
    return _between(
        math.fsum(rng.choices(shares, k=len(shares))) / len(shares) for _ in range(draws)
    )


def _between(values: Iterable[float | None]) -> Interval | None:
    """The middle 95 % of what was drawn; None where a tenth of it could not be known."""
    drawn = list(values)
    known = sorted(each for each in drawn if each is not None)
    if not known or len(known) < _LEAST_KNOWN * len(drawn):
        return None
    last = len(known) - 1
    return known[round(last * MISS / 2)], known[round(last * (1 - MISS / 2))]

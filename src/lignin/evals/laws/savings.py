"""What a change saves, or costs more, by a column of the trials. Pure.

A pair's difference is taken relative to the larger of the two, so one case that costs a thousand times as
much as another counts no more than it. What all cases come to together is weighed beside that (`costs.py`).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.evals.laws.costs import NOTHING_PRICED, Priced, Total, cost_of, price, weigh_total
from lignin.evals.laws.table import FORBIDDEN, Table, Trial
from lignin.evals.laws.wealth import SURE, Wealth, told_wealth

COST_COLUMNS = (
    "cost_microusd",
    "cost_usd",
    "cost",
    "latency_s",
    "context_tokens",
    "tokens",
    "parts",
)
"""Columns that no change may let grow unseen."""
LATENCY = "latency_s"
FLOORS = {LATENCY: 0.05}
"""Differences below these are none: what is so fast takes its time from the machine."""
CHANCES = {LATENCY: 1.0}
"""Sums that grew by less than these a case leave nothing open: one trial that waits for the machine does that."""
EXACT_COLUMNS = ("parts", "harness_bytes")
"""What a revision has and every trial has alike: counted, not estimated."""
_ROOM_BYTES = 32 * 1024
_SHOWN = 10
ALLOWED_GROWTH = 0.25
"""The relative growth that is let pass where nobody asked for a saving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Of a column: both means, and the wealth against "nothing is saved" and "it grows no more than is
    allowed". What is exact was counted and rests on no trial; `total` is what all cases come to."""

    column: str
    before: float
    after: float
    pairs: int
    saved: float
    grown: float
    is_exact: bool = False
    total: Total | None = None

    @property
    def is_saved(self) -> bool:
        """Whether all cases together cost less."""
        return self.total is None or self.total.times < 1

    @property
    def told_total(self) -> str:
        """A sum that grew too much, in words; "" where it did not."""
        if self.total is None or not self.total.grown:
            return ""
        cases = ", ".join(self.total.grown[:_SHOWN])
        return f"{self.total.times:.3g} times as much over the same cases, most of it in {cases}"

    @property
    def is_open(self) -> bool:
        """Whether its sum grew too much, and a few trials say so."""
        return self.total is not None and bool(self.total.grown) and not self.total.is_certain

    def to_json(self) -> dict[str, Json]:
        told: dict[str, Json] = {
            "column": self.column,
            "before": float(f"{self.before:.6g}"),
            "after": float(f"{self.after:.6g}"),
            "pairs": self.pairs,
            "evidence_saved": told_wealth(self.saved),
            "evidence_grown": told_wealth(self.grown),
        }
        if self.total is not None:
            told["times"] = float(f"{self.total.times:.4g}")
            told["grown_cases"] = list(self.total.grown[:_SHOWN])
        return {**told, "exact": True} if self.is_exact else told


def weigh_saving(
    incumbent: Table,
    candidate: Table,
    column: str,
    known: Mapping[str, Priced] | None = None,
    chances: Mapping[str, float] = CHANCES,
) -> Saving | None:
    """Return what both tables say of a column; None where one of them says nothing.

    Args:
        known: What is known of the incumbent beforehand, by case: what trials without a pair are compared
            with. None: pairs alone count, and no sum, as in decisions of before.
        chances: By column the growth of a case's mean that a trial alone may make by chance.
    """
    floor = 0.0 if known is None else FLOORS.get(column, 0.0)
    before = _before(incumbent, candidate, column, known or {})
    beside = list(_pairs(incumbent, candidate, column))
    pairs = beside + list(_without_pair(incumbent, candidate, column, before) if known else ())
    if not pairs:
        return None
    # Neither may thin the other: what grows on the target, and what grows on all.
    grown = _grown(beside, floor), _grown(pairs, floor)
    after = {
        case: [value for each in trials if (value := cost_of(each, column)) is not None]
        for case, trials in candidate.cases.items()
    }
    return Saving(
        column=column,
        before=sum(old for old, _ in pairs) / len(pairs),
        after=sum(new for _, new in pairs) / len(pairs),
        pairs=len(pairs),
        saved=_wealth(beside or pairs, floor),
        grown=sum(grown) / 2 if beside else grown[1],
        total=None
        if known is None
        else weigh_total(before, after, floor, chances.get(column, 0.0)),
    )


def _wealth(
    pairs: Sequence[tuple[float, float]], floor: float, allowed: float | None = None
) -> float:
    """The wealth of bets that less is paid, or, where some growth is allowed, that it grows by more."""
    wealth = Wealth()
    differences = [
        (old - new) / max(old, new) if old != new and abs(old - new) >= floor else 0.0
        for old, new in pairs
    ]
    if allowed is not None:
        # A growth by the allowed part is a difference of so much of the larger.
        differences = [max(-1.0, -each - allowed / (1 + allowed)) for each in differences]
    wealth.take(differences)
    return wealth.value


def _grown(pairs: Sequence[tuple[float, float]], floor: float) -> float:
    return _wealth(pairs, floor, ALLOWED_GROWTH)


def against_costs(savings: Sequence[Saving], level: float) -> list[str]:
    """Return what costs say against a change: what is shown to grow more than is allowed, in words."""
    found = []
    for each in savings:
        if each.grown >= 1 / level:
            found.append(f"{each.column} grows from {each.before:.4g} to {each.after:.4g}")
        elif each.told_total and not each.is_open:
            found.append(f"{each.column} grows: {each.told_total}, in each trial of these")
    return found


def open_costs(savings: Sequence[Saving], level: float) -> list[str]:
    """Return which costs may have grown more than is allowed, without being shown to, in words."""
    return [
        f"whether {each.column} grows is not clear: {each.told_total}"
        for each in savings
        if each.is_open and each.grown < 1 / level
    ]


def count_saving(column: str, before: float, after: float) -> Saving:
    """Return what is known of a column without any trial; room is left for a harness to begin with."""
    room = _ROOM_BYTES if column == "harness_bytes" else math.inf
    has_grown = after > before * (1 + ALLOWED_GROWTH) + room
    return Saving(
        column=column,
        before=before,
        after=after,
        pairs=0,
        saved=SURE if after < before else 0.0,
        grown=SURE if has_grown else 0.0,
        is_exact=True,
    )


def forbidden_effects(incumbent: Table, candidate: Table) -> tuple[str, ...]:
    """Return the cases where the candidate did what is forbidden (column `forbidden`) and the incumbent
    never did."""
    return tuple(
        case
        for case, trials in candidate.cases.items()
        if any(map(_is_forbidden, trials))
        and not any(map(_is_forbidden, incumbent.cases.get(case, ())))
    )


def _is_forbidden(trial: Trial) -> bool:
    return bool(trial.rest.get(FORBIDDEN))


def _pairs(incumbent: Table, candidate: Table, column: str) -> Iterator[tuple[float, float]]:
    longest = max(map(len, candidate.cases.values()), default=0)
    for turn in range(longest):
        for case, trials in candidate.cases.items():
            others = incumbent.cases.get(case, ())
            if turn < len(trials) and turn < len(others):
                old, new = cost_of(others[turn], column), cost_of(trials[turn], column)
                if old is not None and new is not None:
                    yield old, new


def _before(
    incumbent: Table, candidate: Table, column: str, known: Mapping[str, Priced]
) -> dict[str, Priced]:
    return {
        case: known.get(case, NOTHING_PRICED).joined(price(incumbent.cases.get(case, ()), column))
        for case in candidate.cases
    }


def _without_pair(
    incumbent: Table, candidate: Table, column: str, before: Mapping[str, Priced]
) -> Iterator[tuple[float, float]]:
    """Trials that none of the incumbent stands beside, each with what its case cost on average."""
    for case, trials in candidate.cases.items():
        for trial in trials[len(incumbent.cases.get(case, ())) :]:
            if before[case].told and (value := cost_of(trial, column)) is not None:
                yield before[case].mean, value


def named(columns: Sequence[str], asked: str) -> tuple[str, ...]:
    """The columns to look at, the one that is to be saved first."""
    return tuple(dict.fromkeys([*([asked] if asked else []), *columns]))

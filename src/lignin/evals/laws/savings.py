"""What a change saves, or costs more, by a column of the trials. Pure.

A pair's difference is taken relative to the larger of the two, so one case that costs a thousand times as
much as another counts no more than it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.evals.laws.table import Table, Trial
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
EXACT_COLUMNS = ("parts", "harness_bytes")
"""What a revision has and every trial has alike: counted, not estimated."""
_ROOM_BYTES = 32 * 1024
ALLOWED_GROWTH = 0.25
"""The relative growth that is let pass where nobody asked for a saving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Of a column: both means, and the wealth against "nothing is saved" and "it grows no more than is
    allowed". What is exact was counted and rests on no trial."""

    column: str
    before: float
    after: float
    pairs: int
    saved: float
    grown: float
    is_exact: bool = False

    def to_json(self) -> dict[str, Json]:
        told: dict[str, Json] = {
            "column": self.column,
            "before": float(f"{self.before:.6g}"),
            "after": float(f"{self.after:.6g}"),
            "pairs": self.pairs,
            "evidence_saved": told_wealth(self.saved),
            "evidence_grown": told_wealth(self.grown),
        }
        return {**told, "exact": True} if self.is_exact else told


def weigh_saving(incumbent: Table, candidate: Table, column: str) -> Saving | None:
    """Return what both tables say of a column; None where one of them says nothing."""
    pairs = list(_pairs(incumbent, candidate, column))
    if not pairs:
        return None
    saved, grown = Wealth(), Wealth()
    for old, new in pairs:
        larger = max(old, new)
        difference = (old - new) / larger if larger else 0.0
        saved.take((difference,))
        # A growth by the allowed part is a difference of so much of the larger.
        grown.take((max(-1.0, -difference - ALLOWED_GROWTH / (1 + ALLOWED_GROWTH)),))
    return Saving(
        column=column,
        before=sum(old for old, _ in pairs) / len(pairs),
        after=sum(new for _, new in pairs) / len(pairs),
        pairs=len(pairs),
        saved=saved.value,
        grown=grown.value,
    )


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
    return bool(trial.rest.get("forbidden"))


def _pairs(incumbent: Table, candidate: Table, column: str) -> Iterator[tuple[float, float]]:
    longest = max(map(len, candidate.cases.values()), default=0)
    for turn in range(longest):
        for case, trials in candidate.cases.items():
            others = incumbent.cases.get(case, ())
            if turn < len(trials) and turn < len(others):
                old, new = _number(others[turn], column), _number(trials[turn], column)
                if old is not None and new is not None:
                    yield old, new


def _number(trial: Trial, column: str) -> float | None:
    value = trial.rest.get(column)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e300:
        return None
    return float(value)


def named(columns: Sequence[str], asked: str) -> tuple[str, ...]:
    """The columns to look at, the one that is to be saved first."""
    return tuple(dict.fromkeys([*([asked] if asked else []), *columns]))

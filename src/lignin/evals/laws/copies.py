"""Rows that are one run counted several times, though nobody gave it a name. Pure.

Equal scores, texts and usage prove nothing: a deterministic system comes to the same by right. What no two
runs share is the time they took, told finely enough. So rows of one case that say the same in every column but
their number are weighed by the chance that two runs take the same time, by how finely times are told and how
they spread. Rows that tell no times, or have a `session` of their own, are taken at their word.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median

from lignin.domain.codec import Json
from lignin.evals.laws.complete import OF_ROWS
from lignin.evals.laws.table import (
    GRADER_COLUMNS,
    SESSION,
    VERSION_COLUMNS,
    Fault,
    Table,
    Trial,
)

STEADY = 0.01
"""Where no case shows how far its times spread, they are taken to spread by this share of them."""
UNLIKELY = 1e-3
"""Copies are named where runs of their own would agree so often with less than this probability."""
_NAMES = ("latency", "duration", "elapsed", "seconds", "runtime", "wall")
_ENDINGS = ("_s", "_ms", "_us", "_ns")
_NO_MEASURES = ("limit", "timeout", "max", "start", "end", "stamp")
_SIDES = frozenset({*VERSION_COLUMNS, *GRADER_COLUMNS, OF_ROWS})
_SHOWN = 10
_NORMAL = 2 * math.sqrt(math.pi)
"""Two draws from a normal curve lie within a step with a probability of the step over so many widths."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that tells times and is no named run: `said` is all of it but its number and its side."""

    name: str
    times: Mapping[str, float]
    said: str


def find_copies(incumbent: Table, candidate: Table) -> tuple[Fault, ...]:
    """Return the fault of rows that are there several times, within a side or on both; none where chance allows
    for them, or nothing in them would tell."""
    names = list({**incumbent.cases, **candidate.cases})
    tables = (("incumbent", incumbent), ("candidate", candidate))
    sides = [[_rows(table, side, case) for case in names] for side, table in tables]
    found = [told for both in zip(*sides, strict=True) for told in _alike([*chain(*both)])]
    if not found:
        return ()
    chances = [_chances(side) for side in sides]
    expected = sum(
        chance * math.comb(len(rows), 2)
        for side, each in zip(sides, chances, strict=True)
        for rows, chance in zip(side, each, strict=True)
    ) + sum(
        max(one, other) * len(old) * len(new)
        for old, new, one, other in zip(*sides, *chances, strict=True)
    )
    if _at_least(len(found), expected) > UNLIKELY:
        return ()
    told = (
        "rows that say the same to the last digit of their times, as runs of their own do not: "
        f"{', '.join(found[:_SHOWN])}; a `session` of its own tells a run from a copy"
    )
    return (Fault(kind="duplicate_trial", told=told, where=tuple(found[:_SHOWN])),)


def _rows(table: Table, side: str, case: str) -> list[_Row]:
    found = []
    for each in table.cases.get(case, ()):
        times = {name: float(value) for name, value in each.rest.items() if _is_time(name, value)}
        if times and each.rest.get(SESSION) in (None, ""):
            found.append(_Row(f"{side} {case} trial {each.trial}", times, _said(each)))
    return found


def _is_time(column: str, value: Json) -> bool:
    name = column.lower()
    is_named = name.endswith(_ENDINGS) or any(each in name for each in _NAMES)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        is_named
        and not any(each in name for each in _NO_MEASURES)
        and is_number
        and 0 < value < 1e15
    )


def _said(trial: Trial) -> str:
    rest = {name: value for name, value in trial.rest.items() if name not in _SIDES}
    return json.dumps([trial.score, trial.error, rest], sort_keys=True)


def _alike(rows: Sequence[_Row]) -> Iterator[str]:
    first: dict[str, str] = {}
    for row in rows:
        if row.said in first:
            yield f"{row.name} (as {first[row.said]})"
        first.setdefault(row.said, row.name)


def _chances(cases: Sequence[Sequence[_Row]]) -> list[float]:
    """Of each case of a side how likely two of its runs take the same times."""
    told = [_of_column(column, cases) for column in _measured(cases)]
    return [min(each) for each in zip(*told, strict=True)] if told else [1.0] * len(cases)


def _measured(cases: Sequence[Sequence[_Row]]) -> list[str]:
    """The columns of times that every row tells, but for one that is the same everywhere: it was set, not
    measured."""
    every = [row.times for rows in cases for row in rows]
    columns = set(every[0]).intersection(*every) if every else set()
    return sorted(column for column in columns if len({times[column] for times in every}) > 1)


def _of_column(column: str, cases: Sequence[Sequence[_Row]]) -> list[float]:
    """The same by one column."""
    values = [sorted({row.times[column] for row in rows}) for rows in cases]
    step = 10.0 ** -max(_digits(each) for some in values for each in some)
    spreads = [_spread(some) for some in values]
    told = [spread / _mean(some) for some, spread in zip(values, spreads, strict=True) if spread]
    usual = median(told) if told else STEADY
    widths = [max(s, usual * _mean(some)) for some, s in zip(values, spreads, strict=True)]
    return [min(1.0, step / (_NORMAL * width)) if width else 1.0 for width in widths]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _spread(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.sqrt(sum((each - mean) ** 2 for each in values) / max(1, len(values) - 1))


def _digits(value: float) -> int:
    """How many digits behind the point a value is told with."""
    return len(f"{value:.9f}".rstrip("0").partition(".")[2])


def _at_least(count: int, expected: float) -> float:
    """How likely so many are where so many are expected (Poisson)."""
    if count <= expected:
        return 1.0
    term, below = math.exp(-expected), 0.0
    for number in range(count):
        below += term
        term *= expected / (number + 1)
    return max(0.0, 1 - below)

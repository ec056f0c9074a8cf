"""How much of what was tried tells anything, and where one side tells less than the other. Pure."""

import math
from collections.abc import Sequence

from lignin.evals.laws.table import Fault, Table

LEAST_COVERED = 0.95
LEAST_TOLD = 0.75
"""Of the trials that the other side tells of a case: where a side tells less, what it lacks may be what failed."""


def absent_rows(table: Table, other: Table) -> int:
    """How many rows a side lacks: of each case as many as the other has, but never more than it holds of
    the case that it was tried on most, for one side may have been tried less often throughout."""
    most = _most_rows(table)
    return sum(
        max(0, min(len(trials), most) - len(table.cases[case]))
        for case, trials in other.cases.items()
        if case in table.cases
    )


def thin_cases(table: Table, other: Table, cases: Sequence[str]) -> list[str]:
    """Those that were tried, and of which a side tells much less than the other, as `absent_rows` counts."""
    most = _most_rows(table)
    return [
        case
        for case in dict.fromkeys(cases)
        if case in table.cases
        and len(table.scores(case)) < LEAST_TOLD * min(len(other.scores(case)), most)
    ]


def _most_rows(table: Table) -> int:
    return max(map(len, table.cases.values()), default=0)


def share_told(*sides: tuple[Table, int]) -> float:
    """The share of trials that tell something, of both sides, each with the rows that it lacks, and of the
    cases that both were tried on."""
    shares = [
        1 - (table.missing + absent) / (table.trials + absent) if table.trials else 0.0
        for table, absent in sides
    ]
    (incumbent, _), (candidate, _) = sides
    both = sum(bool(candidate.scores(case)) for case in incumbent.cases)
    return min(*shares, both / len(incumbent.cases) if incumbent.cases else 0.0)


def thin_fault(thin: Sequence[str]) -> Fault:
    cases = sorted(set(thin))
    told = f"one side tells far fewer trials than the other of {', '.join(cases[:10])}"
    return Fault(kind="too_much_missing", told=told, where=tuple(cases[:10]))


def lacking_fault(lacking: Sequence[str]) -> Fault:
    told = (
        "trials of the target that are missing, or fewer than of other cases, count at their worst (--trials "
        f"says how many there were to be): {', '.join(lacking[:10])}"
    )
    return Fault(kind="too_much_missing", told=told, where=tuple(lacking[:10]))


def too_little(covered: float, whose: str = "", lacking: Sequence[str] = ()) -> Fault:
    """The fault of so small a share of trials that tell anything; rounded down, so as not to say 95 of 95."""
    share = math.floor(1000 * covered) / 10
    told = f"only {share:g} % of the trials{whose} tell anything, under {100 * LEAST_COVERED:g} %"
    if lacking:
        told = f"{told}: {', '.join(lacking)}"
    return Fault(kind="too_much_missing", told=told, where=tuple(lacking))

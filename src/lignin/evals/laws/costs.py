"""What cases cost by a column of their trials, of which the sum counts. Pure.

The bets of `savings.py` take each pair by its ratio, so that one case can neither hide nor make a growth of
all. Here what a case costs counts as it is: one in twenty that costs a thousand times as much is most of the
bill. Costs have long tails, so a sum that doubled may be chance: it leaves a decision open, and speaks
against a change only where the cases that make it up grew in each of several trials.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.evals.laws.table import Fault, Table, Trial

MOST_TIMES = 2.0
"""A sum that is more than so many times what it was has grown, or nobody can say that it has not."""
LEAST_TRIALS = 2
"""A case grew where each of so many trials, or more, says so, and as many were known before."""
LEAST_TOLD_ALWAYS = 0.95
"""Of a case's trials, where the incumbent tells its costs in every one."""
LEAST_TOLD = 0.75
"""A side that tells a cost in a smaller share of its trials than the other does not tell it."""
_MOST = 1e15
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What a case's trials tell of a column: their mean and the most, how many tell it, of how many that ended."""

    mean: float = 0.0
    most: float = 0.0
    told: int = 0
    of: int = 0

    def joined(self, other: "Priced") -> "Priced":
        """The same with other trials of the case."""
        told = self.told + other.told
        mean = (self.mean * self.told + other.mean * other.told) / told if told else 0.0
        most = max(self.most, other.most)
        return Priced(mean=mean, most=most, told=told, of=self.of + other.of)


NOTHING_PRICED = Priced()
Prices = Mapping[str, Mapping[str, Priced]]
"""By column, then by case."""


def cost_of(trial: Trial, column: str) -> float | None:
    """What a trial tells of a column; None where that is no cost."""
    value = trial.rest.get(column)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e300:
        return None
    return float(value)


def price(trials: Iterable[Trial], column: str) -> Priced:
    """Return what trials of one case tell of a column."""
    held = list(trials)
    values = [value for each in held if (value := cost_of(each, column)) is not None]
    mean, most = (sum(values) / len(values), max(values)) if values else (0.0, 0.0)
    return Priced(mean=mean, most=most, told=len(values), of=sum(map(_has_ended, held)))


def price_all(table: Table, columns: Iterable[str]) -> dict[str, dict[str, Priced]]:
    """Return what a table tells, by column and case."""
    return {
        column: {case: price(trials, column) for case, trials in table.cases.items()}
        for column in columns
    }


def _has_ended(trial: Trial) -> bool:
    return trial.score is not None and not trial.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A column's sum over the same cases, each by its mean: how many times what it was.

    Args:
        grown: Where that is too much, the cases that make it so, the dearest first, in words.
        is_certain: Whether each of several trials of such cases shows it.
    """

    times: float
    grown: tuple[str, ...] = ()
    is_certain: bool = False


def weigh_total(
    before: Mapping[str, Priced],
    after: Mapping[str, Sequence[float]],
    floor: float = 0.0,
    chance: float = 0.0,
) -> Total | None:
    """Return how a sum grew over the cases that both sides tell; None where there is none.

    Args:
        after: What the candidate's trials cost, by case.
        floor: A growth of the mean below this is none.
        chance: One below this is none either, unless each of several trials shows it.
    """
    cases = [case for case, values in after.items() if values and _of(before, case).told]
    if not cases:
        return None
    more = {case: _mean(after[case]) - before[case].mean for case in cases}
    old = sum(before[case].mean for case in cases)
    new = old + sum(more.values())
    times = min(new / old, _MOST) if old else (_MOST if new else 1.0)
    if times <= MOST_TIMES or new - old < floor * len(cases):
        return Total(times=times)
    certain = sum(more[case] for case in cases if _has_grown(before[case], after[case]))
    is_certain = old + certain > MOST_TIMES * old
    if not is_certain and new - old < chance * len(cases):
        return Total(times=times)
    grown = tuple(_dearest(before, more, old, new))
    return Total(times=times, grown=grown, is_certain=is_certain)


def _dearest(
    before: Mapping[str, Priced], more: Mapping[str, float], old: float, new: float
) -> Iterator[str]:
    """The cases without which it would not have grown so much."""
    for case in sorted(more, key=lambda case: (-more[case], case)):
        if new <= MOST_TIMES * old:
            return
        new -= more[case]
        yield f"{case} ({before[case].mean:.4g} to {before[case].mean + more[case]:.4g})"


def _has_grown(before: Priced, values: Sequence[float]) -> bool:
    """Whether each of several trials costs more than any did before, and far more than they did on average."""
    least = max(before.most, MOST_TIMES * before.mean)
    return min(len(values), before.told) >= LEAST_TRIALS and all(each > least for each in values)


def present(tables: Iterable[Table], columns: Iterable[str]) -> tuple[str, ...]:
    """Return those of some columns that any trial has."""
    held = {
        column
        for table in tables
        for trials in table.cases.values()
        for each in trials
        for column in each.rest
    }
    return tuple(column for column in columns if column in held)


def cost_faults(incumbent: Table, candidate: Table, columns: Sequence[str]) -> tuple[Fault, ...]:
    """Return what keeps the costs of two tables from being compared."""
    bad = find_bad_costs({"incumbent": incumbent, "candidate": candidate}, columns)
    return (*bad, *find_untold(price_all(incumbent, columns), price_all(candidate, columns)))


def find_bad_costs(sides: Mapping[str, Table], columns: Iterable[str]) -> tuple[Fault, ...]:
    """Return the faults of columns that hold what is no cost: text, yes or no, below 0, or no number."""
    found = []
    for column in columns:
        where = [
            f"{side} {case} trial {each.trial}"
            for side, table in sides.items()
            for case, trials in table.cases.items()
            for each in trials
            if _is_no_cost(each.rest.get(column)) and cost_of(each, column) is None
        ]
        if where:
            told = f"{column} is no number of 0 or more: {_listed(where)}"
            found.append(Fault(kind="not_a_cost", told=told, where=tuple(where[:_SHOWN])))
    return tuple(found)


def _is_no_cost(value: Json) -> bool:
    return value is not None and value != ""


def find_untold(before: Prices, after: Prices) -> tuple[Fault, ...]:
    """Return the faults of columns that the incumbent tells and the candidate does not, or hardly.

    Only trials that came to an end count, of cases that both were tried on. What the incumbent tells of
    every trial the candidate has to tell of every case, too: the one it leaves out may be the dear one.
    """
    return tuple([fault for column in before if (fault := _untold(column, before, after))])


def _untold(column: str, before: Prices, after: Prices) -> Fault | None:
    old = {case: each for case, each in before[column].items() if each.told}
    new = {case: each for case in old if (each := _of(after.get(column, {}), case)).of}
    if not new:
        return None
    known = sum(old[case].told for case in new), sum(max(old[case].of, 1) for case in new)
    told, of = sum(each.told for each in new.values()), sum(each.of for each in new.values())
    is_always = all(each.told >= each.of for each in before[column].values())
    least = LEAST_TOLD_ALWAYS if is_always else LEAST_TOLD
    lacking = [case for case, each in new.items() if each.told < least * each.of]
    if told * known[1] >= LEAST_TOLD * known[0] * of and not (is_always and lacking):
        return None
    what = f"{column} is told in {told} of {of} trials of the candidate, and in {known[0]} of {known[1]} of the incumbent"
    return Fault(
        kind="cost_not_told", told=f"{what}: {_listed(lacking)}", where=tuple(lacking[:_SHOWN])
    )


def _of(prices: Mapping[str, Priced], case: str) -> Priced:
    return prices.get(case, NOTHING_PRICED)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(each[:80] for each in names[:_SHOWN]) + more

"""Which layer a failure mode is to be blamed on, from contrasts between runs of the same tasks.

Pure. A value of a factor (a model, a harness revision, an artifact) is contrasted with its absence
task by task, after Mantel and Haenszel: so many of the mode's runs would fall on it if it made no
difference, so many do. A layer is named only where one factor alone shows; everything else is
`undetermined`, with the figures that were there.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lignin.domain.codec import Json
from lignin.domain.modes import Blame, Layer

LEAST_RUNS = 5
LEAST_Z = 3.0
LEAST_TASKS = 3
# Of a mode's runs, how many must be of tasks that nobody solves before the task is to blame.
_SHARE = 0.5


class Run(Protocol):
    """What of a filed run a contrast needs."""

    @property
    def session(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def votes(self) -> int: ...
    @property
    def facts(self) -> Mapping[str, Json]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A value of a factor against the rest, over the tasks that have runs with and without it."""

    factor: str
    value: str
    runs: int
    members: int
    other_runs: int
    other_members: int
    expected: float
    z: float

    def told(self) -> str:
        return (
            f"{self.factor} {self.value}: {self.members} of {self.runs} runs, "
            f"{self.other_members} of {self.other_runs} without it on the same tasks "
            f"({self.expected:.1f} expected if it made no difference)"
        )


_FACTORS: Mapping[str, Layer] = {
    "model": "model",
    "harness": "harness",
    "artifacts": "artifact",
    "source": "undetermined",  # files may differ in anything
}


def blame(members: Sequence[Run], runs: Sequence[Run]) -> Blame:
    """Return the layer a mode is blamed on and why.

    Args:
        members: The mode's runs.
        runs: All filed runs, members or not.
    """
    if all(each.verdict == "infrastructure" for each in members):
        return Blame(layer="environment", reason="the surroundings broke, not the agent")
    inside = {each.session for each in members}
    shown = [
        found
        for factor in _FACTORS
        for found in _contrasts(factor, runs, inside)
        if found.members >= LEAST_RUNS and found.z >= LEAST_Z
    ]
    shown.sort(key=lambda each: (-each.z, each.factor, each.value))
    named = [each for each in shown if _FACTORS[each.factor] != "undetermined"]
    factors = {each.factor for each in named}
    if len(factors) == 1:
        return Blame(layer=_FACTORS[named[0].factor], reason=named[0].told())
    if factors:
        reason = "; ".join(each.told() for each in named[:2])
        return Blame(layer="undetermined", reason=f"they go together: {reason}")
    if unsolved := _unsolved(members, runs):
        return unsolved
    if shown:
        return Blame(layer="undetermined", reason=shown[0].told())
    reason = f"{len(members)} runs show no contrast between models, revisions or artifacts"
    return Blame(layer="undetermined", reason=reason)


def _contrasts(factor: str, runs: Sequence[Run], inside: set[str]) -> list[Contrast]:
    values = {value for run in runs for value in _values(run, factor)}
    by_task: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_task[run.task].append(run)
    counted = [_contrast(factor, value, by_task, inside) for value in sorted(values)]
    return [each for each in counted if each is not None]


def _contrast(
    factor: str, value: str, by_task: Mapping[str, Sequence[Run]], inside: set[str]
) -> Contrast | None:
    runs = members = other_runs = other_members = 0
    expected = variance = 0.0
    for tried in by_task.values():
        with_it = [run for run in tried if value in _values(run, factor)]
        n, a = len(tried), len(with_it)
        if a in (0, n):
            continue
        m = sum(run.session in inside for run in tried)
        mine = sum(run.session in inside for run in with_it)
        runs, members = runs + a, members + mine
        other_runs, other_members = other_runs + n - a, other_members + m - mine
        expected += a * m / n
        variance += a * (n - a) * m * (n - m) / (n * n * (n - 1))
    if not variance:
        return None
    return Contrast(
        factor=factor,
        value=value,
        runs=runs,
        members=members,
        other_runs=other_runs,
        other_members=other_members,
        expected=expected,
        z=(members - expected) / math.sqrt(variance),
    )


def _values(run: Run, factor: str) -> Sequence[str]:
    value = run.facts.get(factor)
    if factor == "source":  # files of one name in two folders are two
        value = run.facts.get("path") or value
    return value if isinstance(value, list) else [value] if value else []


def _unsolved(members: Sequence[Run], runs: Sequence[Run]) -> Blame | None:
    """Blame the task where nobody solves it: the grader if all came to the same, else what it asks."""
    failed: defaultdict[str, int] = defaultdict(int)
    tried: defaultdict[str, int] = defaultdict(int)
    for run in runs:
        if run.verdict in ("failure", "success"):
            tried[run.task] += 1
            failed[run.task] += run.verdict == "failure"
    hopeless = {task for task, count in tried.items() if count > 2 and failed[task] == count}
    hit = [each for each in members if each.task in hopeless]
    tasks = {each.task for each in hit}
    if len(tasks) < LEAST_TASKS or len(hit) < _SHARE * len(members):
        return None
    agreed = [each for each in hit if each.votes + 1 >= tried[each.task]]
    reason = f"{len(hit)} of {len(members)} runs are of {len(tasks)} tasks that no run solved"
    if len(agreed) > len(hit) / 2:
        return Blame(layer="grader", reason=f"{reason}, though their runs all came to the same")
    return Blame(layer="specification", reason=f"{reason}, each in its own way")

"""What is usual over the runs of all tasks: steps that come before any other, and closed choices.

Pure. A change that many tasks begin with, whatever they go on to, is a step to be taken first; leaving
it out is another cause than leaving out what was asked for. An argument that takes the same few values
from task to task is a choice; another of them is another cause than a value of one's own making.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from lignin.traces.modes.account import Account

Slot = tuple[str, str]
"""A tool and the name of one of its arguments."""

_FIRST = 0.9
_CLOSED = 0.9
_TASKS = 5
_FOLLOWERS = 3
_CHOICES = 12
_RIGHT_IN = 2
_SHORT_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual.

    Args:
        first: Tools whose change comes before those of others.
        choices: The values of each argument that is a closed choice.
    """

    first: frozenset[str] = frozenset()
    choices: Mapping[Slot, frozenset[Hashable]] = field(default_factory=dict)


def is_short(value: object) -> TypeGuard[str]:
    """True for a text short enough to be a name or a choice."""
    return isinstance(value, str) and len(value) <= _SHORT_CHARS


def has_figure(value: str) -> bool:
    """True for a text with a figure in it, as names of single things have."""
    return any(character.isdigit() for character in value)


def usual_of(accounts: Sequence[Account]) -> Usual:
    """Return what is usual over runs, whatever became of them."""
    return Usual(first=_first(accounts), choices=_choices(accounts))


def _first(accounts: Sequence[Account]) -> frozenset[str]:
    first: Counter[str] = Counter()
    together: Counter[str] = Counter()
    tasks: defaultdict[str, set[str]] = defaultdict(set)
    followers: defaultdict[str, set[str]] = defaultdict(set)
    for each in accounts:
        tools = list(dict.fromkeys(made.call.name for made in each.run.writes))
        if len(tools) < 2:
            continue
        together.update(tools)
        first[tools[0]] += 1
        tasks[tools[0]].add(str(each.run.trajectory.task_id))
        followers[tools[0]].update(tools[1:])
    return frozenset(
        tool
        for tool, count in first.items()
        if count >= _FIRST * together[tool]
        and len(tasks[tool]) >= _TASKS
        and len(followers[tool]) >= _FOLLOWERS
    )


def _choices(accounts: Sequence[Account]) -> dict[Slot, frozenset[Hashable]]:
    used: defaultdict[Slot, defaultdict[str, Counter[Hashable]]] = defaultdict(
        lambda: defaultdict(Counter)
    )
    runs: Counter[str] = Counter()
    for each in accounts:
        task = str(each.run.trajectory.task_id)
        runs[task] += 1
        for effect in {made.effect for made in each.run.writes if not made.failed}:
            for name, value in effect.arguments:
                if isinstance(value, bool) or (is_short(value) and not has_figure(value)):
                    used[effect.tool, name][task][value] += 1
    found = {}
    for slot, by_task in used.items():
        right = Counter(
            value
            for task, values in by_task.items()
            for value, count in values.items()
            if count > runs[task] / 2
        )
        choices = frozenset(value for value, tasks in right.items() if tasks >= _RIGHT_IN)
        covered = sum(right[value] for value in choices)
        is_closed = 2 <= len(choices) <= _CHOICES and covered >= _CLOSED * right.total()
        if is_closed and right.total() >= _TASKS:
            found[slot] = choices
    return found

"""Runs as steps with dataflow: what each argument's value is, and where it had been seen before.

An encoded run holds all that induction and cover need, so a run is read once. What a tool returned is
not kept, only the places in it that a later argument came from, the short facts it told, and those of
the elements of each list that a later argument came from.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.traces import ToolCall, Trajectory
from lignin.traces.effects import effect_of, is_failed
from lignin.traces.routines.commands import as_command
from lignin.traces.routines.values import (
    Key,
    elements_at,
    facts_of,
    general,
    key_of,
    leaves,
    list_paths,
    parse_result,
)

WINDOW = 24
"""How many of the run's calls a reference may reach back."""
MAX_PATHS = 4
TELLING_DIGITS = 3
"""A number with fewer digits is in many results by chance: its place has to have its name too."""
MAX_SLOTS = 40
MAX_ELEMENTS = 64
"""Of a longer list no element is picked."""
KEY = "~"
"""Where an element of a mapping has its key among its facts."""
_MAX_DEPTH = 6
_DULL = frozenset(["", "true", "false", "null", "True", "False", "None"])

Leaves = Sequence[tuple[str, Key]]
Facts = Mapping[str, Json]
Source = tuple[int, str]
"""A call's place in its run and the path in its result."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Args:
        place: Which of the run's calls it is, from 0.
        tool: The tool, or the programs of a shell command.
        names: Its arguments' names; nested records are opened (`address.city`).
        raw: Their values.
        keys: Their values in the form that compares.
        sources: Per argument the places in earlier results where its value lay.
        said: Per argument whether the user had said it.
        facts: Short values that its result told of itself, by path.
        lists: Those of the elements of the lists in its result that a later argument came from, by path.
        works: It did not fail.
        changes: It may change something.
        returns: Something came back.
    """

    place: int
    tool: str
    names: tuple[str, ...]
    raw: tuple[Json, ...]
    keys: tuple[Key, ...]
    sources: tuple[tuple[Source, ...], ...]
    said: tuple[bool, ...]
    facts: Facts
    works: bool
    changes: bool
    returns: bool
    lists: Mapping[str, Sequence[Facts]] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """True where it did something: neither failed, nor only thought aloud."""
        return self.works and (self.changes or self.returns)


@dataclass(frozen=True, slots=True)
class Encoded:
    """One run; `passed` is None where nobody says. `line` are its calls that did something, those that
    go over one list together; `tools` are theirs."""

    session: str
    task: str
    model: str
    passed: bool | None
    calls: tuple[Call, ...]
    line: tuple[tuple[Call, ...], ...]
    tools: frozenset[str]


def encode(trajectory: Trajectory, passed: bool | None) -> Encoded:
    """Return a run with the dataflow between its calls."""
    calls = _Reader().read(trajectory)
    task = trajectory.task_id if trajectory.task_id is not None else trajectory.session
    return Encoded(
        trajectory.session,
        str(task),
        trajectory.model or next((step.model for step in trajectory.steps if step.model), ""),
        passed,
        calls,
        line_of(calls),
        frozenset(call.tool for call in calls if call.counts),
    )


def line_of(calls: Sequence[Call]) -> tuple[tuple[Call, ...], ...]:
    """Put the calls that did something in a row, those that go over one list together."""
    line: list[list[Call]] = []
    for call in calls:
        if not call.counts:
            continue
        before = line[-1] if line else None
        if before and _goes_on(before, call, calls):
            before.append(call)
        else:
            line.append([call])
    return tuple(map(tuple, line))


def _goes_on(before: Sequence[Call], call: Call, calls: Sequence[Call]) -> bool:
    """True where a call does with another element of a list what the ones before did.

    Elements of a list lie at one path of one tool's results, or were all said by the user.
    """
    last = before[-1]
    if last.tool != call.tool or last.names != call.names:
        return False
    if any(other.keys == call.keys for other in before):
        return False
    for slot, key in enumerate(call.keys):
        if key != last.keys[slot]:
            if call.said[slot] and last.said[slot]:
                return True
            lists = {(calls[at].tool, general(path)) for at, path in last.sources[slot]}
            if any((calls[at].tool, general(path)) in lists for at, path in call.sources[slot]):
                return True
    return False


class _Reader:
    """Reads one run from its start and remembers where each value was seen."""

    def __init__(self) -> None:
        self._seen: dict[Key, list[Source]] = defaultdict(list)
        self._said = ""

    def read(self, trajectory: Trajectory) -> tuple[Call, ...]:
        place = 0
        found: list[Call] = []
        values: list[Any] = []
        for step in trajectory.steps:
            if step.role == "user":
                self._said += "\n" + step.text.lower()
            mine = [call for call in step.calls if call.requestor == "assistant"]
            returned = [parse_result(call.observation or "") for call in mine]
            for offset, (call, value) in enumerate(zip(mine, returned, strict=True)):
                found.append(self._call(place + offset, call, value))
            for offset, (call, value) in enumerate(zip(mine, returned, strict=True)):
                # Only now: calls made together do not know of each other.
                self._remember(place + offset, call, list(leaves(value)))
            values += returned
            place += len(mine)
        return _with_lists(found, values)

    def _call(self, place: int, call: ToolCall, result: Any) -> Call:
        command = as_command(call)
        tool, arguments = command or (call.name, call.arguments)
        slots = sorted(_opened(arguments, "", 0), key=lambda slot: _order(slot[0]))[:MAX_SLOTS]
        keys = tuple([key_of(value) for _, value in slots])
        return Call(
            place,
            tool,
            tuple([name for name, _ in slots]),
            tuple([value for _, value in slots]),
            keys,
            tuple(
                [
                    self._sources(place, name, key)
                    for (name, _), key in zip(slots, keys, strict=True)
                ]
            ),
            tuple([self._was_said(key) for key in keys]),
            facts_of(result),
            not is_failed(call),
            effect_of(call) != "read",
            bool((call.observation or "").strip()),
        )

    def _remember(self, place: int, call: ToolCall, result: Leaves) -> None:
        if is_failed(call):
            return
        for path, key in result:
            if key not in _DULL:
                self._seen[key].append((place, path))

    def _sources(self, place: int, name: str, key: Key) -> tuple[Source, ...]:
        if isinstance(key, tuple):
            exact = [each for each in self._seen.get(key, ()) if each[0] >= place - WINDOW]
            held: set[Source] | None = None
            for each in key:
                found = {(at, general(path)) for at, path in self._seen.get(each, ())}
                held = found if held is None else held & found
            return _shortest([*exact, *(held or ())], place)
        seen = self._seen.get(key, [])
        if seen and key.isdecimal() and len(key) < TELLING_DIGITS:
            seen = [each for each in seen if _is_named(each[1], name)]
        return _shortest(seen, place)

    def _was_said(self, key: Key) -> bool:
        if not self._said:
            return False
        words = key if isinstance(key, tuple) else (key,)
        return bool(words) and all(word and word.lower() in self._said for word in words)


def _with_lists(calls: Sequence[Call], values: Sequence[Any]) -> tuple[Call, ...]:
    """The calls with the elements of the lists in their results that an argument came from."""
    needed: dict[int, set[str]] = defaultdict(set)
    for call in calls:
        for sources in call.sources:
            for at, path in sources:
                if found := list_paths(path):
                    needed[at].add(found[0])
    kept = list(calls)
    for at, paths in sorted(needed.items()):
        lists = {path: told for path in sorted(paths) if (told := told_by(values[at], path))}
        kept[at] = replace(calls[at], lists=lists)
    return tuple(kept)


def told_by(value: Any, path: str) -> list[Facts]:
    """Return what the elements at a path tell of themselves; nothing where they are none or too many."""
    try:
        elements = elements_at(value, path)
    except LookupError:
        return []
    if len(elements) > MAX_ELEMENTS:
        return []
    return [{KEY: key, **facts_of(each)} if key else facts_of(each) for key, each in elements]


def _is_named(path: str, name: str) -> bool:
    """True where a path ends in an argument's name, or in a part of it."""
    field, argument = path.rpartition(".")[2].lower(), name.rpartition(".")[2].lower()
    return bool(field) and (field in argument or argument in field)


def _shortest(found: Sequence[Source], place: int) -> tuple[Source, ...]:
    """Of each result the shortest paths, one of those that are alike but for places in lists."""
    if not found:
        return ()
    if len(found) == 1:
        return (found[0],) if found[0][0] >= place - WINDOW else ()
    by_call: dict[int, dict[str, str]] = defaultdict(dict)
    for at, path in found:
        if at >= place - WINDOW:
            by_call[at].setdefault(general(path), path)
    return tuple(
        (at, paths[form])
        for at, paths in sorted(by_call.items())
        for form in sorted(paths, key=lambda p: (p.count(".") + p.count("["), len(p), p))[
            :MAX_PATHS
        ]
    )


def _opened(arguments: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Json]]:
    for name, value in arguments.items():
        if isinstance(value, dict) and value and depth < _MAX_DEPTH:
            yield from _opened(value, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}", value


def _order(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (0, name)

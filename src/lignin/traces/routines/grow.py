"""Grows patterns of tools that runs have in common, with at most `GAP` other steps in between.

Growth is by level and additive: a pattern keeps its occurrences, and only what is new is extended,
so new runs do not scan the old ones. A pattern is extended once it is asked for and frequent; which
patterns there are does not depend on the order of the runs. Pure.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

GAP = 1
LONGEST = 7
SURE = 2.0
FEW = 10
"""Where chance brings fewer occurrences than this, it says nothing about how many there are."""

Token = tuple[str, tuple[str, ...]]
"""A tool and the names of its arguments."""
Places = tuple[int, ...]
Occurrence = tuple[int, Places]
"""Which run, and which of its steps."""
Pattern = tuple[Token, ...]


@dataclass(slots=True)
class _Node:
    occurrences: list[Occurrence] = field(default_factory=list)
    longer: "dict[int, _Node] | None" = None


class Growth:
    """The patterns of the runs that were added."""

    def __init__(self, gap: int = GAP, sure: float = SURE) -> None:
        """Start with no runs.

        Args:
            gap: How many other steps may lie between two of a pattern.
            sure: How many standard deviations above chance a longer pattern is to be.
        """
        self._gap, self._sure = gap, sure
        self._numbers: dict[Token, int] = {}
        self._lines: list[list[int]] = []
        self._shortest: dict[int, _Node] = {}
        self._steps = 0

    def add(self, lines: Sequence[Sequence[Token]]) -> None:
        """Add runs; each is its tokens in order."""
        new: dict[int, list[Occurrence]] = {}
        for line in lines:
            run = len(self._lines)
            numbered = [self._numbers.setdefault(each, len(self._numbers)) for each in line]
            self._lines.append(numbered)
            self._steps += len(numbered)
            for place, number in enumerate(numbered):
                new.setdefault(number, []).append((run, (place,)))
        self._push(self._shortest, new)

    def patterns(self, least: int) -> Iterator[tuple[Pattern, list[Occurrence]]]:
        """Yield every pattern that occurs often enough, and no more than a few by chance."""
        tokens = list(self._numbers)
        usual = {number: len(node.occurrences) for number, node in self._shortest.items()}
        todo: list[tuple[tuple[int, ...], _Node]] = [
            ((number,), node)
            for number, node in self._shortest.items()
            if len(node.occurrences) >= least
        ]
        while todo:
            numbers, node = todo.pop()
            yield tuple([tokens[number] for number in numbers]), node.occurrences
            if len(numbers) == LONGEST:
                continue
            if node.longer is None:
                node.longer = {}
                self._extend(node.longer, node.occurrences)
            chance = (self._gap + 1) * len(node.occurrences) / self._steps
            for number, child in node.longer.items():
                count, expected = len(child.occurrences), chance * usual[number]
                if count >= least and not _is_chance(count, expected, self._sure):
                    todo.append(((*numbers, number), child))

    def _extend(self, longer: dict[int, _Node], occurrences: Sequence[Occurrence]) -> None:
        found: dict[int, list[Occurrence]] = {}
        lines = self._lines
        for run, places in occurrences:
            line, last = lines[run], places[-1] + 1
            reached: int | None = None
            for place in range(last, min(len(line), last + self._gap + 1)):
                if line[place] != reached:  # of two alike the nearer one
                    reached = line[place]
                    found.setdefault(reached, []).append((run, (*places, place)))
        self._push(longer, found)

    def _push(self, nodes: dict[int, _Node], new: dict[int, list[Occurrence]]) -> None:
        for number, occurrences in new.items():
            node = nodes.get(number)
            if node is None:
                node = nodes[number] = _Node()
            node.occurrences += occurrences
            if node.longer is not None:
                self._extend(node.longer, occurrences)


def _is_chance(count: int, expected: float, sure: float) -> bool:
    return expected >= FEW and count < expected + sure * math.sqrt(expected)

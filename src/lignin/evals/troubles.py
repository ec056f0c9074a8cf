"""Why trials tell nothing or came to nothing, put together for a person. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.trials import TOLD, TrialKind

ENDED_WELL: frozenset[TrialKind] = frozenset({"passed", "failed", "scored"})
"""Trials that came to an end that could be judged."""
LINE_CHARS = 200
_TRACEBACK = "Traceback (most recent call last)"
_WHY: Mapping[str, str] = {
    "missing_file": "its program, or a file of it, is not there",
    "not_executable": "its program may not be run",
    "time_limit": "it ran out of time",
    "memory_limit": "it ran out of memory",
    "killed": "it was killed",
    "failed": "it ended with an error",
    "raised": "it raised an error",
    "too_much_said": "it said more than is kept",
    "outside": "something outside of it did not hold",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why one trial came to nothing; `line` is foreign text without its secrets."""

    kind: TrialKind
    cause: str
    case: str
    line: str

    @property
    def told(self) -> str:
        """The cause in words, else the kind."""
        return _WHY.get(self.cause) or TOLD[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """Several trials of one kind and cause; `line` is the one that most of them end with."""

    kind: TrialKind
    cause: str
    told: str
    count: int
    cases: int
    line: str


def telling_line(text: str) -> str:
    """The first line of what went wrong; of a traceback the last one, which names the error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    line = lines[-1] if lines[0].startswith(_TRACEBACK) else lines[0]
    return line if len(line) <= LINE_CHARS else f"{line[: LINE_CHARS - 3]}..."


def group_troubles(found: Iterable[Trouble]) -> Sequence[Troubles]:
    """Put together what is of one kind and cause, the most frequent first."""
    groups: dict[tuple[TrialKind, str], list[Trouble]] = {}
    for each in found:
        groups.setdefault((each.kind, each.cause), []).append(each)
    return sorted(
        (_grouped(group) for group in groups.values()),
        key=lambda each: (-each.count, each.kind, each.cause),
    )


def _grouped(group: Sequence[Trouble]) -> Troubles:
    first = group[0]
    [(line, _)] = Counter(each.line for each in group).most_common(1)
    return Troubles(
        kind=first.kind,
        cause=first.cause,
        told=first.told,
        count=len(group),
        cases=len({each.case for each in group}),
        line=line,
    )

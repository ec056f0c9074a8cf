"""A judge: scores a run by a rubric, or says which of two runs is better.

It is told the rubric, the task and the run, and nothing else: not which arm of a decision the run is of, who
made or proposed what it runs with, what others gave it, what people said. What it hands back is read
strictly; everything else is no verdict, and counts for nobody. Conformance: `lignin.testing.conformance.judge`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from lignin.domain.codec import Digest, Json
from lignin.domain.rubrics import Level, Rubric, Side

JudgeEnd = Literal["judged", "unreadable", "refused", "unavailable"]
"""It gave a verdict; what it said is none; it would not; it, or the way to it, did not hold."""
FORMAT = "lignin.sheet/1"
LIMIT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a judge is told. Task and run are foreign text."""

    rubric: Rubric
    task: Mapping[str, Json]
    run: Mapping[str, Json]

    def to_json(self) -> dict[str, Json]:
        return _told(self.rubric, self.task) | {"run": dict(self.run)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two runs of one task."""

    rubric: Rubric
    task: Mapping[str, Json]
    first: Mapping[str, Json]
    second: Mapping[str, Json]

    def to_json(self) -> dict[str, Json]:
        return _told(self.rubric, self.task) | {"runs": [dict(self.first), dict(self.second)]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of asking for a score: `level` where it judged, else `why` not.

    Args:
        cost_microusd: What asking cost, whatever came of it; None where nobody knows.
    """

    ended: JudgeEnd
    level: Level | None = None
    reason: str = ""
    why: str = ""
    cost_microusd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What came of asking which run is better; the cost as a `Verdict` has it."""

    ended: JudgeEnd
    better: Side | None = None
    reason: str = ""
    why: str = ""
    cost_microusd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeAsked:
    """Which judge is wanted.

    Args:
        spec: `model:PROVIDER:MODEL`, a command line, or `python:MODULE:FUNCTION`.
        folder: Where the files lie that a command line names.
        environment: Variables that an unconfined command is given.
        unsandboxed: Run it as the user, with all that the user may do.
        limit_s: Time for one verdict, in seconds.
    """

    spec: str
    folder: Path
    environment: Mapping[str, str]
    unsandboxed: bool = False
    limit_s: float = LIMIT_S


class Judge(Protocol):
    """Judges runs. Verdicts share nothing with each other."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def digest(self) -> Digest:
        """Its version: all that decides what it says, as far as that can be known."""
        ...

    @property
    def model(self) -> str:
        """The model that judges, "" where none does or nobody knows."""
        ...

    def score(self, sheet: Sheet) -> Verdict:
        """Score a run. Never raises for what the judge does."""
        ...

    def choose(self, pair: Pair) -> Choice:
        """Say which of two runs is better. Never raises for what the judge does."""
        ...


def _told(rubric: Rubric, task: Mapping[str, Json]) -> dict[str, Json]:
    return {"format": FORMAT, "rubric": rubric.to_json(), "task": dict(task)}

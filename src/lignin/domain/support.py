"""What a routine stands on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lignin.domain.codec import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """What a routine stands on: its uses in passing runs, and beside them those in failing ones.

    `applied` counts the uses in passing runs that the runs can be rewritten with; None where nobody
    counted.
    """

    occurrences: int = 0
    calls: int = 0
    sessions: tuple[str, ...] = ()
    tasks: int = 0
    models: tuple[str, ...] = ()
    failing: int = 0
    applied: int | None = None

    def to_json(self) -> dict[str, Json]:
        return {
            "occurrences": self.occurrences,
            "calls": self.calls,
            "sessions": list(self.sessions),
            "tasks": self.tasks,
            "models": list(self.models),
            "failing": self.failing,
            "applied": self.applied,
        }


def parse_support(value: Mapping[str, Any]) -> Support:
    """Read support back from its JSON object."""
    return Support(
        occurrences=value["occurrences"],
        calls=value["calls"],
        sessions=tuple(value["sessions"]),
        tasks=value["tasks"],
        models=tuple(value["models"]),
        failing=value["failing"],
        applied=value.get("applied"),
    )

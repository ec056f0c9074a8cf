"""What is noted of the calls of one task, so that a change is never made twice.

A change is noted before it is made and again when its result is there (decision record 5): after a crash
between the two nobody knows whether it took effect, and that is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lignin.domain.codec import Json
from lignin.ports.tools import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One call that was made for a task.

    Args:
        number: Which one, from 1.
        tag: The same for equal calls: tool and arguments, whatever was hidden in what is kept of them.
        changes: The tool may change something.
        observation: What came back; None where the call was begun and nobody knows.
        going_on: It was made by somebody who went on with the task.
    """

    number: int
    tool: str
    arguments: Mapping[str, Json]
    tag: str
    changes: bool
    observation: Observation | None = None
    going_on: bool = False


class Journal(Protocol):
    """Keeps what was made. When a method returns, it is durable as far as the journal is."""

    def made(self) -> tuple[Made, ...]:
        """Return what was made for the task until now, by anybody, in order."""
        ...

    def tag(self, tool: str, arguments: Mapping[str, Json]) -> str:
        """Return what equal calls have in common."""
        ...

    def intend(self, made: Made) -> None:
        """Note that a change is about to be made.

        Raises:
            ConflictError: Somebody else noted something since this journal last looked or noted.
        """
        ...

    def settle(self, made: Made) -> None:
        """Note what a call brought back; of a read this may wait for the next change."""
        ...

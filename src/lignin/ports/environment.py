"""Where a run happens: tools over a state with a digest, live or replayed from a recording.

Source: decision record 5. A live environment can be put back to its start; its state is compared
by digest. What was recorded from one can be served again by whoever implements this port over a
`Recording`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from lignin.domain.codec import Digest, Json
from lignin.ports.tools import Observation, ToolSpec

EnvironmentKind = Literal["live", "recorded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """One call as it happened.

    `state_version` numbers the state it was made in, 0 at the start. `next_version` is the state that
    a successful write left; None where they are counted, which is so where one run was recorded.
    """

    tool: str
    arguments: Mapping[str, Json]
    observation: Observation
    state_version: int
    next_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The calls of one run in order, with what they started from."""

    start_state: Digest
    calls: tuple[RecordedCall, ...]


class Environment(Protocol):
    """Tools over a state. Not thread-safe: one run at a time."""

    @property
    def kind(self) -> EnvironmentKind:
        """`live` answers from a state, `recorded` from a recording."""
        ...

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The tools by name, each with its schema digest."""
        ...

    @property
    def start_state(self) -> Digest:
        """Digest of the state right after `reset`."""
        ...

    @property
    def seed(self) -> int:
        """What the start state was made from."""
        ...

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:
        """Call one tool; a refusal is an observation."""
        ...

    def state_digest(self) -> Digest:
        """Digest of the whole state now."""
        ...

    def reset(self) -> None:
        """Put the state back to its start."""
        ...

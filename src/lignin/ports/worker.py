"""A program that works in a tree: a coding agent on a piece, a planner, or an acceptance check.

It is told something on its standard input and may change what lies in the tree; what it says and leaves is
text and files, and nothing that it says of its own success counts. Conformance:
`tests/conformance/test_worker.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

WorkEnd = Literal["done", "failed", "late", "stopped", "infrastructure"]
"""It came to an end with exit 0; with another; its time was over; we ended it; something else broke."""
MAX_SAID_BYTES = 2**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What a run came to. `said` is the end of what it wrote, `why` why it did not end well."""

    ended: WorkEnd
    said: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerAsked:
    """Which program is wanted, behind which walls.

    Args:
        spec: A command line; a leading `command:` is left out.
        argv: Its words instead, which name no files of the caller's.
        folder: Where the files lie that `spec` names.
        unsandboxed: Run it as the user. Else in the sandbox, without a network.
        network: Run it behind walls that have a network, where it may read `share` and is given `variables`.
    """

    spec: str = ""
    argv: tuple[str, ...] = ()
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    unsandboxed: bool = False
    network: bool = False
    share: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


class Worker(Protocol):
    """Something that works in trees. Thread-safe; runs share nothing but what a tree holds."""

    @property
    def name(self) -> str:
        """What people call it: its command line."""
        ...

    @property
    def walls(self) -> str:
        """What it is behind: `sandbox`, `network` or `none`."""
        ...

    def run(self, tree: Path, told: str, limit_s: float, stop: Callable[[], bool]) -> Worked:
        """Run it once in a tree. Never raises for what it does; what it began is ended with it.

        Args:
            stop: Asked now and then whether to end it.
        """
        ...

    def end_left(self, tree: Path) -> None:
        """End what a process that died had begun in a tree, where it still runs."""
        ...

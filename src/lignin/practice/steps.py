"""What a simulated session consists of, before either client writes it down.

Steps are in order; a run's observation (`printed`) is filled in once the workbench has seen it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from lignin.practice.runner import Move, PracticeRun
from lignin.practice.scrapbook import Quality, Variant
from lignin.practice.workbench import Printed, RunAct

Client = Literal["claude_code", "codex"]
CLIENTS: tuple[Client, ...] = ("claude_code", "codex")
TIMED_OUT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class SayStep:
    """The agent says something."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStep:
    """A call of a desk tool."""

    move: Move


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteStep:
    """A file written whole: by the client's own file tool, or by a shell heredoc."""

    path: str
    text: str
    heredoc: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EditStep:
    """A file changed in one place. `before` and `after` are the whole texts."""

    path: str
    before: str
    after: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStep:
    """A file looked at."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellStep:
    """A shell command. Without an `act` it was never run here and is shown as timed out."""

    command: str
    description: str
    act: RunAct | None
    printed: Printed | None = None


Step: TypeAlias = SayStep | DeskStep | WriteStep | EditStep | ReadStep | ShellStep


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedHelper:
    """The planted truth about one helper in one session.

    `uses` counts its observed runs that exited with 0, in its last version. `fault` is empty for a
    good one. `name` is the scrap's, shared by its variants; `path` the file in this session.
    """

    name: str
    quality: Quality
    fault: str
    variant: Variant
    path: str
    uses: int
    session: str
    client: Client


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionScript:
    """One simulated session, ready to be written in its client's form."""

    session: str
    client: Client
    cwd: str
    started_at: datetime
    run: PracticeRun
    steps: tuple[Step, ...]
    helpers: tuple[PlantedHelper, ...]


def numbered(text: str, first: int = 1) -> str:
    """Return a text with line numbers as file readers show it."""
    lines = text.removesuffix("\n").split("\n")
    return "\n".join(f"{number:>6}\u2192{line}" for number, line in enumerate(lines, start=first))

"""The system under test: any agent with any harness, given one task at a time.

A system is told what is asked and never how it is judged: no check, no answer, no name of a case that
has checks. What it leaves behind is read by whoever scores it; nothing that it says of its own success
counts. Three ends are kept apart: it came to an end, it crashed (its own failure), or something outside
of it did not hold (infrastructure: the trial is missing). Conformance: `lignin.testing.conformance.system`.
"""

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json
from lignin.domain.errors import InvalidRequestError
from lignin.ports.sandbox import never
from lignin.ports.tools import Tools

SystemEnd = Literal["done", "crashed", "infrastructure"]
LIMIT_S = 300.0
MAX_SAID_BYTES = 4 * 2**20
SystemCause = Literal[
    "missing_file",
    "not_executable",
    "time_limit",
    "memory_limit",
    "killed",
    "failed",
    "raised",
    "too_much_said",
    "outside",
]
"""Why a run did not come to an end: its program is not there or is none, a limit, a signal, its own exit
code or exception, more output than is kept, or something outside of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRun:
    """What one run left.

    Args:
        said: What it wrote, at most `MAX_SAID_BYTES`; `lignin.evals.output` reads it.
        why: Why it did not come to an end, in words; `cause` of which kind that is, None where it did.
        errors: What it wrote to its error stream, whole lines of the beginning and the end.
        latency_s: How long it took, None where that tells nothing (a simulated agent).
        read: Files of its harness that it read, by path; None where nobody can tell.
        data: Files of its folder that it read and that its digest may not cover: what they held, by path, as
            far as somebody saw it.
    """

    ended: SystemEnd
    said: bytes = b""
    why: str = ""
    cause: SystemCause | None = None
    errors: bytes = b""
    latency_s: float | None = None
    read: frozenset[str] | None = None
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemAsked:
    """Which system is wanted.

    Args:
        spec: A command line, or `python:MODULE:FUNCTION`.
        folder: Where the files lie that a command line names.
        command, files: Of an artifact or a repository: the words that run it, and its tree in place of
            the folder.
        in_place: Its tree is the folder that it works in, as a repository's is.
        place: Of an unconfined command: the folder that it works in itself. Nothing is copied, and what
            it changes there stays; None is a fresh folder with copies of the files that it names.
        harness: Files of the harness revision it runs with, by path; laid beside it as `harness/`.
        environment: Variables that an unconfined command is given.
        unsandboxed: Run it as the user, with all that the user may do.
        limit_s: Time for one run, in seconds.
        reads: Files and folders that an unconfined system reads besides what its digest covers by itself.
        variables: Names of variables of the environment that decide what it does, likewise.
        stop: Asked a few times a second while a command runs; where it says so, the command is
            ended with all that it started, and the run is missing.
    """

    spec: str
    folder: Path
    command: tuple[str, ...] = ()
    files: Mapping[str, File] = field(default_factory=dict)
    harness: Mapping[str, File] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    unsandboxed: bool = False
    in_place: bool = False
    place: Path | None = None
    limit_s: float = LIMIT_S
    reads: tuple[Path, ...] = ()
    variables: tuple[str, ...] = ()
    stop: Callable[[], bool] = field(default=never, compare=False)


class System(Protocol):
    """Something that does tasks. Runs share nothing with each other."""

    @property
    def name(self) -> str:
        """What people call it: the command line, or how it was named."""
        ...

    @property
    def digest(self) -> Digest:
        """Digest of all that decides what it does, as far as that can be known: evidence is only ever
        used for the very same."""
        ...

    @property
    def simulated(self) -> bool:
        """True where nothing it does is evidence about real agents."""
        ...

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
        """Do one task. Never raises for what the system does.

        Args:
            task: What is asked, as JSON.
            seed: The trial's; the same system, task and seed may still come to something else.
            tools: The task's own tools, at their start. What is called here is seen and need not be told.
        """
        ...


@runtime_checkable
class Covered(Protocol):
    """A system that may read more than its digest covers, and says so."""

    @property
    def covers(self) -> str:
        """What its digest covers and what not, in words."""
        ...


@runtime_checkable
class MadeOfFiles(Protocol):
    """A system that is made of files of the user, and names them."""

    @property
    def made_of(self) -> tuple[str, ...]:
        """The files and, with a `/` at their end, the folders at the top of what it brings, in order."""
        ...


@runtime_checkable
class Reads(Protocol):
    """A system that notes in a run's `data` what it reads beside what its digest covers."""

    def held(self, paths: Iterable[str]) -> Mapping[str, str]:
        """What such files hold now, by path, told as in a run's `data`."""
        ...


@runtime_checkable
class Metered(Protocol):
    """A system whose runs are rationed, also where somebody else makes them, and paid once filed."""

    def reserve(self) -> None:
        """Take one run off the ration; `run` does it for its own.

        Raises:
            LimitedError: There is none left.
        """
        ...

    def release(self) -> None:
        """Give back a run that was reserved and never made."""
        ...

    def settle(self, cost_microusd: int | None) -> None:
        """Take note of what a trial cost; None where it does not tell."""
        ...


def split_words(command: str) -> tuple[str, ...]:
    """The words of a command line.

    Raises:
        InvalidRequestError: It is none.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise InvalidRequestError(f"{command!r:.80} is no command line: {error}") from None
    if not words:
        raise InvalidRequestError(
            "an empty command line", hint="a program with its words, or desk:NAME"
        )
    return words

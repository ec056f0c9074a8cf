"""Who proposes a change to a harness: rules mined from runs, a model, a coding agent, a person.

A proposer is shown what failed and what may be changed, and nothing of what judges: no check, no hidden or
held-out case, no score of a single trial. What it hands in is a draft; whether that is any good is not
for it to say. Conformance: `lignin.testing.conformance.proposer`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, Protocol

from lignin.domain.artifacts import File, require_safe_path
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.evidence import GateOutcome

Ended = Literal["drafted", "nothing", "refused", "failed"]
"""A draft was handed in; it had none (any more); it would not; it broke."""
DRAFT_LIMIT_S = 900.0
MAX_DRAFT_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCase:
    """A case of the target as a proposer sees it. All of it is foreign text.

    Args:
        task: What is asked, as the system under test is told it.
        went_wrong: What the failed run did wrong, in the words of its failure mode.
        run: The failed run, readable, cut.
    """

    case: str
    task: Mapping[str, Json]
    went_wrong: tuple[str, ...] = ()
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedBefore:
    """An earlier draft for the same target, and what came of it; reasons name no hidden case."""

    kind: str
    hypothesis: str
    outcome: GateOutcome
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What a proposer is told.

    Args:
        mode: The failure mode that is to be mended; `told` says it in words.
        files: What may be read, by path: `SLOT/PATH` of a harness, or `PATH` in the agent's own folder.
        surface: What may be changed: patterns as `fnmatch` reads them, over the same paths.
        avoid: Kinds of change that failed too often here; another one is wanted.
    """

    mode: str
    told: str
    cases: tuple[ShownCase, ...]
    files: Mapping[str, File]
    surface: tuple[str, ...]
    tried: tuple[TriedBefore, ...] = ()
    avoid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A change: each path with its new content, or None where it goes.

    Args:
        kind: What sort of change it is (`lesson`, `routine`, `prompt`, `code`, `removal`, ...).
        predicted: The gain on the target that is expected, 0 to 1; None where nothing was said.
    """

    kind: str
    hypothesis: str
    files: Mapping[str, File | None]
    predicted: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What came of asking. `model` is the one that wrote the draft, "" where none did.

    `secrets` names the files of a draft that held a secret, for which it was not taken.
    """

    ended: Ended
    draft: Draft | None = None
    why: str = ""
    model: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    cost_microusd: int | None = None
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposerAsked:
    """Which proposer is wanted.

    Args:
        spec: `model:PROVIDER:MODEL`, `command:WORDS`, or `person:WHO`.
        folder: Where the files lie that a command names.
        environment: Variables that an unconfined command is given; keys of models.
        unsandboxed: Run a command as the user, with all that the user may do.
        network: Run a command behind walls that have a network.
        share: What of the user's files it then may read; `variables` which of the variables it is given.
        limit_s: Time for one draft, in seconds.
        draft: Of a person: what was handed in.
    """

    spec: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    unsandboxed: bool = False
    network: bool = False
    share: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    limit_s: float = DRAFT_LIMIT_S
    draft: Draft | None = None


class Proposer(Protocol):
    """Proposes one change at a time. Asked twice with the same brief and number it may say another."""

    @property
    def name(self) -> str:
        """What its accept rate is kept under: `mined`, `model:NAME`, `command:NAME`, `person:SUB`."""
        ...

    def propose(self, brief: Brief, number: int) -> Proposed:
        """Propose a change. Never raises for what a model or a command does.

        Args:
            number: Which ask of this proposer for this target, from 0.
        """
        ...


def outside_surface(paths: Iterable[str], surface: Sequence[str]) -> tuple[str, ...]:
    """Return the paths that no pattern of a surface allows to be changed, sorted."""
    return tuple(
        sorted(path for path in paths if not any(fnmatchcase(path, each) for each in surface))
    )


def faults_of(draft: Draft, brief: Brief) -> tuple[str, ...]:
    """Return why a draft cannot be taken, each with its path; nothing where it can.

    What it changes must lie within the surface, have a path that stays in its folder, and differ from
    what is there.
    """
    surface = ", ".join(brief.surface)
    found = [
        f"{path} may not be changed: it lies outside the surface ({surface})"
        for path in outside_surface(draft.files, brief.surface)
    ]
    for path in sorted(draft.files):
        try:
            require_safe_path(path)
        except InvalidRequestError as error:
            found.append(error.message)
    if sum(len(file.content) for file in draft.files.values() if file) > MAX_DRAFT_BYTES:
        found.append(f"it is larger than {MAX_DRAFT_BYTES // 2**20} MiB")
    absent = [
        path for path, file in draft.files.items() if file is None and path not in brief.files
    ]
    found += [f"{path} is to go, and is not there" for path in sorted(absent)]
    if all(brief.files.get(path) == file for path, file in draft.files.items()):
        found.append("it changes nothing")
    return tuple(found)

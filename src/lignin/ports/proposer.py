"""Who proposes a change to a harness: rules mined from runs, a model, a coding agent, a person.

A proposer is shown what failed and what may be changed, and nothing of what judges: no check, no hidden or
held-out case, no score of a single trial. What it hands in is a draft; whether that is any good is not
for it to say. Conformance: `lignin.testing.conformance.proposer`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lignin.domain.artifacts import File
from lignin.domain.codec import Json
from lignin.domain.evidence import GateOutcome

Ended = Literal["drafted", "nothing", "refused", "failed"]
"""A draft was handed in; it had none (any more); it would not; it broke."""


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
    """What came of asking. `model` is the one that wrote the draft, "" where none did."""

    ended: Ended
    draft: Draft | None = None
    why: str = ""
    model: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    cost_microusd: int | None = None


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

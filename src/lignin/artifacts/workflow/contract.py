"""What the interpreter of workflows is given, what it needs of its surroundings, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from lignin.artifacts.workflow.asks import Ask
from lignin.artifacts.workflow.records import Record
from lignin.domain.artifacts import File, Manifest
from lignin.domain.codec import Digest, Json
from lignin.domain.workflows import WorkflowTerms

Outcome = Literal["success", "failure", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One version of a workflow, laid out for the sandbox: its own files and what it leans on."""

    name: str
    digest: Digest
    files: Mapping[str, File]
    manifest: Manifest

    @property
    def terms(self) -> WorkflowTerms:
        """What its manifest says of a workflow."""
        return self.manifest.workflow or WorkflowTerms()


class Outside(Protocol):
    """What answers the steps of one run.

    Answers are `{"value": ...}` or `{"error": {"class", "code", "message"}}` (`answers.failure` makes one);
    `key` is the same in every attempt at one step and serves as its idempotency key.
    """

    def now(self) -> datetime: ...

    def begin(self, flow: Flow) -> Mapping[str, Json]:
        """What the run starts with: `seed` of its chance, and `missed`, the failed runs before it."""
        ...

    def guard(self, flow: Flow) -> Mapping[str, Json] | None:
        """Why a version may take no further step (`{"stopped": {"code", "message"}}`), or which one the
        run goes on with (`{"moved": digest}`); None where it goes on as it is."""
        ...

    def load(self, digest: Digest) -> Flow:
        """Another version of the same workflow."""
        ...

    def is_repeatable(self, flow: Flow, ask: Ask) -> bool:
        """Whether a step may be made again where nobody knows whether it happened."""
        ...

    def spend(self, flow: Flow, cost: Mapping[str, Json]) -> None:
        """Count what a step cost (`microusd`, `tokens`), once for each step and attempt at the run.

        Raises:
            LimitedError: With that, the run has spent more than it may.
        """
        ...

    def answer(self, flow: Flow, ask: Ask, key: str) -> Record:
        """Answer a tool, a call, an agent or a state. Raises LigninError, which is an answer, too."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run came out.

    `error` has `class`, `code`, `message`; `handled` is what `on_failure` answered, itself with a
    `value` or an `error`; `digest` the version it ended on.
    """

    outcome: Outcome
    digest: Digest
    steps: int
    value: Json = None
    error: Mapping[str, Json] | None = None
    handled: Mapping[str, Json] | None = None
    stdout: str = ""

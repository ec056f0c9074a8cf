"""What is said about a head: the decision on a proposal, and one move of its history. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from lignin.domain.codec import Digest, Json
from lignin.domain.evidence import GateOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a gate says about a proposal, with every reason."""

    outcome: GateOutcome
    reasons: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    gate: str = ""

    def to_json(self) -> dict[str, Json]:
        return {
            "outcome": self.outcome,
            "reasons": list(self.reasons),
            "evidence": list(self.evidence),
            "gate": self.gate,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move of a head, from its history."""

    position: int
    at: str
    by: str
    came_from: Digest
    to: Digest
    proposal: str | None
    claim: str | None
    slots: Mapping[str, Json]

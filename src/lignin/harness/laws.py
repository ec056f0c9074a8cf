"""What is said about a head: the decision on a proposal, what puts it in doubt, and a head's moves.

Pure. A decision in doubt is reopened and no more: the head stays where it is until a person, or the
gate once nothing speaks against it any more, has decided anew.
"""

from collections.abc import Collection, Mapping
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
class LateFinding:
    """What came to be known later of a run, of versions, or of a decision itself.

    Args:
        label: What it is held to be now; `before` what until then, None where nothing was known.
        told: How that is known, in words.
        session: The run; empty where the finding is about none.
        versions: `NAME@DIGEST` of the versions that the run used, or that are meant.
        proposal: The decision that is meant; empty where none is named.
    """

    label: str
    before: str | None
    told: str
    session: str = ""
    versions: Collection[str] = ()
    proposal: str = ""


_FOR = frozenset({"accepted", "applied"})
_AGAINST = frozenset({"rejected"})


def why_reopen(
    proposal: str, stands: str, put: Collection[str], sessions: Collection[str], found: LateFinding
) -> tuple[str, ...]:
    """Return why a finding puts a decision in doubt; empty where it does not.

    What confirms a decision never reopens it, nor does what was known already.

    Args:
        stands: The proposal's state; where it was reopened before, the one it was reopened from.
        put: `NAME@DIGEST` of every version that it puts into a slot.
        sessions: The runs that its evidence came from.
    """
    contradicts = {"failure": _FOR, "infrastructure": _FOR | _AGAINST, "success": _AGAINST}
    if found.label == found.before or stands not in contradicts.get(found.label, frozenset()):
        return ()
    reasons = []
    if found.proposal == proposal and found.label != "infrastructure":
        reasons.append(f"found to be a {found.label}: {found.told}")
    if found.session and found.session in sessions:
        reasons.append(f"its evidence {found.session} is held to be {found.label}: {found.told}")
    if found.label == "failure" and stands in _FOR:
        run = f"run {found.session}, which used it, was" if found.session else "it was"
        reasons += [
            f"{version.partition('@')[0]}: {run} found to be a failure: {found.told}"
            for version in sorted(set(put) & set(found.versions))
        ]
    return tuple(reasons)


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

"""What is found in a run, and what a run is judged to be."""

from dataclasses import dataclass
from typing import Literal

FindingKind = Literal[
    "abandoned",
    "answer",
    "consensus",
    "contradiction",
    "correction",
    "declared",
    "error",
    "feedback",
    "infrastructure",
    "loop",
    "precondition",
    "signs",
    "waste",
]
RunVerdict = Literal["failure", "success", "infrastructure", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that speaks for or against a run.

    `step` is the origin's own 1-based index, None where it concerns the run as a whole; `evidence`
    is one sentence; `probability` that the run failed, going by this alone.
    """

    kind: FindingKind
    step: int | None
    call_id: str | None = None
    evidence: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a run is taken for.

    `probability` is that of failure; `step` the one that first made the run unrecoverable, None
    where the run is not taken for failed. An `infrastructure` run failed through no fault of the
    agent. `unknown`: there is nothing to go by.
    """

    verdict: RunVerdict
    probability: float
    step: int | None
    findings: tuple[Finding, ...] = ()

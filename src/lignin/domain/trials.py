"""Trials: one try of one system at one case, scored. Its name says everything that decides the score."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lignin.domain.codec import Digest, Json
from lignin.domain.counts import known_sum
from lignin.domain.ids import derive_id

TrialKind = Literal[
    "passed",
    "failed",
    "scored",
    "crashed",
    "no_outcome",
    "infrastructure",
    "inconclusive",
    "forged_score",
    "not_a_score",
    "contradicting_scores",
    "not_a_cost",
    "several_runs",
    "untrue_run",
]
CHANGED = "changed"
"""In place of what a file held: it held something else before, in the same process."""
MISSING: frozenset[TrialKind] = frozenset({"infrastructure", "inconclusive"})
"""Trials that tell nothing; every other one has a score."""
NOT_BELIEVED: frozenset[TrialKind] = frozenset(
    {
        "forged_score",
        "not_a_score",
        "contradicting_scores",
        "not_a_cost",
        "several_runs",
        "untrue_run",
    }
)
"""Trials in which a system said what is not so: failures, and nothing that has one is accepted."""
TOLD: Mapping[TrialKind, str] = {
    "passed": "it passed",
    "failed": "it failed",
    "scored": "it was scored",
    "crashed": "it crashed",
    "no_outcome": "it ended without saying anything",
    "infrastructure": "something outside of it did not hold",
    "inconclusive": "nothing tells whether it passed",
    "forged_score": "it gave itself a score where the case's checks judge, and nothing to judge",
    "not_a_score": "its score is no number from 0 to 1",
    "contradicting_scores": "its score, resolved and error contradict each other",
    "not_a_cost": "what it says it cost is no number of 0 or more",
    "several_runs": "it handed in several runs of one trial",
    "untrue_run": "its calls do not come to what it says of them",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """How one try went; `score` is None where it tells nothing, else from 0 to 1.

    Args:
        reasons: Why; foreign text.
        forbidden: It did what its case forbids.
        context_tokens: What its largest call of a model was given, as far as it tells.
        effects: Digest of what it changed, in order, and of the state it left; None where nobody saw.
        slots: Slots of its harness that it read or named; None where nobody can tell.
        tools: Tools that it called; None where nobody can tell.
        judge_microusd: What a judge cost that scored it, as far as that is known: paid beside what the try
            itself cost, and nothing that the system is compared by.
        data: What files of its folder held that it read and its digest may not cover, by path.
    """

    kind: TrialKind
    score: float | None
    reasons: tuple[str, ...] = ()
    forbidden: bool = False
    latency_s: float | None = None
    tokens: int | None = None
    cost_microusd: int | None = None
    context_tokens: int | None = None
    effects: Digest | None = None
    slots: tuple[str, ...] | None = None
    tools: tuple[str, ...] | None = None
    judge_microusd: int | None = None
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialKey:
    """What a trial is of. The same key is never tried again, another one never taken for it.

    Args:
        system: Digest of the system with its harness revision.
        case: Digest of the case.
        grader: What judged, with its version.
        number: Which trial of these three, from 0; also its seed.
    """

    system: Digest
    case: Digest
    grader: str
    number: int

    @property
    def trial(self) -> str:
        """The trial's id."""
        return derive_id("trl", [self.system, self.case, self.grader, self.number])


def paid_microusd(body: Mapping[str, Json]) -> int | None:
    """What a filed trial took of a budget: its own cost and its judge's; None where nobody knows either."""
    return known_sum((body["cost_microusd"], body.get("judge_microusd")))


def trial_row(body: Mapping[str, Json], mode: str = "") -> dict[str, Json]:
    """A filed trial as a row that `gate decide` reads."""
    row: dict[str, Json] = {
        "case": body["case"],
        "trial": body["number"],
        "system": body["system"],
        "grader": body["grader"],
        "kind": body["kind"],
        "case_digest": body["case_digest"],
    }
    if mode:
        row["mode"] = mode
    if body["score"] is None:
        row["error"] = f"infrastructure: {body['kind']}"
    else:
        row["score"] = body["score"]
        if body["kind"] not in ("passed", "failed", "scored"):
            row["error"] = body["kind"]
    for column in ("latency_s", "tokens", "cost_microusd", "context_tokens", "effects"):
        if body.get(column) is not None:  # trials of before know nothing of the last two
            row[column] = body[column]
    if body["forbidden"]:
        row["forbidden"] = True
    return row

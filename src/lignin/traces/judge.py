"""The verdict on a run from what the detectors saw.

Three logistic scores: for a run alone, for one whose task has one or two other runs to compare with,
and for one with more. The coefficients come from `benchmarks/detection.py --fit`, fitted on recorded
runs with known outcomes. Pure.
"""

import math
from collections.abc import Mapping

from lignin.domain.findings import Finding, Judgement, RunVerdict
from lignin.traces.detector import Case, Seen

FEW_SIBLINGS = 2
THRESHOLD_AMONG = 0.42
THRESHOLD_FEW = 0.35
THRESHOLD_ALONE = 0.38
"""From which probability a run is called failed. With little to go by precision and recall are in
balance further down."""

AMONG: Mapping[str, float] = {
    "": 4.128,
    "belief": 0.14,
    "wrong": 2.003,
    "reliability": -2.324,
    "likeness": -2.119,
    "agreeing": -0.217,
    "rival": 0.224,
    "siblings": -0.504,
    "unsaid": 1.879,
    "repeats": 0.642,
    "open_end": 1.098,
    "unconfirmed": 0.311,
    "idle": -1.756,
}
FEW: Mapping[str, float] = {
    "": 0.617,
    "belief": 0.201,
    "wrong": 1.158,
    "reliability": -0.43,
    "likeness": -0.679,
    "agreeing": -0.351,
    "rival": 0.197,
    "siblings": -0.077,
    "repeats": 0.5,
    "open_end": 0.823,
    "unconfirmed": 0.196,
    "idle": -0.843,
}
ALONE: Mapping[str, float] = {
    "": -0.587,
    "asked": 0.638,
    "calls": 0.663,
    "open_end": 0.609,
    "refusals": 0.221,
    "late_refusal": 0.246,
    "handed_over": -0.073,
    "idle": 0.101,
    "ungrounded": 0.444,
    "corrections": -0.116,
    "unrepaired": 0.206,
    "errors": -0.14,
    "repeats": 0.18,
    "unconfirmed": 0.121,
}


def judge(case: Case, seen: Seen, step: int | None) -> Judgement:
    """Return the judgement: a declared outcome first, then broken machinery, then the score.

    A run without others to compare with is failed or unknown: that nothing was found says little.

    Args:
        step: Where the run went wrong, if it did.
    """
    verdict, probability = _verdict(case, seen)
    if verdict not in ("failure", "infrastructure"):
        step = None
    return Judgement(
        verdict=verdict, probability=round(probability, 4), step=step, findings=_told(seen)
    )


def _verdict(case: Case, seen: Seen) -> tuple[RunVerdict, float]:
    outcome = case.run.trajectory.outcome
    if outcome == "success":
        return "success", 0.0
    if outcome in ("failure", "infrastructure"):
        return outcome, 1.0
    if any(finding.kind == "infrastructure" for finding in seen.findings):
        return "infrastructure", 1.0
    if case.belief.siblings:
        few = case.belief.siblings <= FEW_SIBLINGS
        probability = score(FEW if few else AMONG, seen.features)
        failed = probability >= (THRESHOLD_FEW if few else THRESHOLD_AMONG)
        return ("failure" if failed else "success"), probability
    probability = score(ALONE, seen.features)
    return ("failure" if is_failed_alone(case, seen, probability) else "unknown"), probability


def is_failed_alone(case: Case, seen: Seen, probability: float) -> bool:
    """True where a run without others to compare with is taken for failed.

    The score was fitted on dialogues; a run that is none must also have been found wanting.
    """
    found = case.run.is_dialogue or any(finding.kind != "waste" for finding in seen.findings)
    return found and probability >= THRESHOLD_ALONE


def _told(seen: Seen) -> tuple[Finding, ...]:
    """The findings, the weightiest first."""
    return tuple(sorted(seen.findings, key=lambda finding: -finding.probability))


def score(coefficients: Mapping[str, float], features: Mapping[str, float]) -> float:
    """Return the probability of failure."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds(coefficients, features)))))


def log_odds(coefficients: Mapping[str, float], features: Mapping[str, float]) -> float:
    """Return the log odds of failure; the intercept stands under the empty name."""
    return sum(
        weight * (features.get(name, 0.0) if name else 1.0) for name, weight in coefficients.items()
    )

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


_SIGNS = {
    "asked": "more was asked than usual",
    "calls": "more calls than usual",
    "late_refusal": "the last words refuse",
    "open_end": "the end is open",
    "refusals": "refusals",
    "repeats": "repeated calls",
    "rival": "others agree on something else",
    "unconfirmed": "changes without the user's word",
    "ungrounded": "values that nothing named",
    "unsaid": "figures not told",
    "wrong": "others' changes are likelier",
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
    findings = tuple(sorted(seen.findings, key=lambda finding: -finding.probability))
    if verdict == "failure" and not findings:
        findings = (_signs(case, seen, probability),)
    return Judgement(
        verdict=verdict, probability=round(probability, 4), step=step, findings=findings
    )


def _verdict(case: Case, seen: Seen) -> tuple[RunVerdict, float]:
    outcome = case.run.trajectory.outcome
    if outcome == "success":
        return "success", 0.0
    if outcome in ("failure", "infrastructure"):
        return outcome, 1.0
    if any(finding.kind == "infrastructure" for finding in seen.findings):
        return "infrastructure", 1.0
    coefficients, threshold = _scale(case)
    probability = score(coefficients, seen.features)
    if case.belief.siblings:
        return ("failure" if probability >= threshold else "success"), probability
    return ("failure" if is_failed_alone(case, seen, probability) else "unknown"), probability


def _scale(case: Case) -> tuple[Mapping[str, float], float]:
    """The coefficients and the threshold for a run with so many siblings."""
    if case.belief.siblings > FEW_SIBLINGS:
        return AMONG, THRESHOLD_AMONG
    return (FEW, THRESHOLD_FEW) if case.belief.siblings else (ALONE, THRESHOLD_ALONE)


def _signs(case: Case, seen: Seen, probability: float) -> Finding:
    """What weighed most where no single thing was found."""
    weights = {
        name: weight * seen.features.get(name, 0.0)
        for name, weight in _scale(case)[0].items()
        if name in _SIGNS and weight > 0 and seen.features.get(name, 0.0) > 0
    }
    most = [_SIGNS[name] for name in sorted(weights, key=lambda name: -weights[name])[:3]]
    return Finding(
        kind="signs",
        step=None,
        evidence=f"No single finding; weighed together: {', '.join(most) or 'what the others did'}.",
        probability=round(probability, 4),
    )


def is_failed_alone(case: Case, seen: Seen, probability: float) -> bool:
    """True where a run without others to compare with is taken for failed.

    The score was fitted on dialogues; a run that is none must also have been found wanting.
    """
    found = case.run.is_dialogue or any(finding.kind != "waste" for finding in seen.findings)
    return found and probability >= THRESHOLD_ALONE


def score(coefficients: Mapping[str, float], features: Mapping[str, float]) -> float:
    """Return the probability of failure."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds(coefficients, features)))))


def log_odds(coefficients: Mapping[str, float], features: Mapping[str, float]) -> float:
    """Return the log odds of failure; the intercept stands under the empty name."""
    return sum(
        weight * (features.get(name, 0.0) if name else 1.0) for name, weight in coefficients.items()
    )

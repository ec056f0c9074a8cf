"""The outcome that the origin declares, or that somebody told later."""

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen


def examine(case: Case) -> Seen:
    """Report an outcome that is declared or was told later; it outranks whatever else is seen."""
    outcome, told = case.run.trajectory.outcome, case.run.trajectory.outcome_told
    if outcome not in ("success", "failure", "infrastructure"):
        return Seen()
    finding = Finding(
        kind="feedback" if told else "declared",
        step=None,
        evidence=told or f"The origin declares the outcome {outcome}.",
        probability=0.0 if outcome == "success" else 1.0,
    )
    return Seen(findings=(finding,))


DETECTOR = Detector(name="declared", examine=examine)

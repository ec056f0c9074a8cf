"""The outcome that the origin declares."""

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen


def examine(case: Case) -> Seen:
    """Report a declared outcome; it outranks whatever else is seen."""
    outcome = case.run.trajectory.outcome
    if outcome not in ("success", "failure", "infrastructure"):
        return Seen()
    finding = Finding(
        kind="declared",
        step=None,
        evidence=f"The origin declares the outcome {outcome}.",
        probability=0.0 if outcome == "success" else 1.0,
    )
    return Seen(findings=(finding,))


DETECTOR = Detector(name="declared", examine=examine)

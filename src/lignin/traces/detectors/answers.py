"""Figures that the user asked for: told in the other runs, not in this one."""

from collections import Counter

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.runs import Run

_SHARE = 0.75
_LEAST_SIBLINGS = 2
_DIGITS = 5


def examine(case: Case) -> Seen:
    """Report figures that nearly all other runs gave in answer and this run never said."""
    others = [run for run in case.siblings if not run.is_empty]
    if len(others) < _LEAST_SIBLINGS or case.run.is_empty:
        return Seen()
    counts = Counter(number for run in others for number in run.answered)
    missing = sorted(
        number
        for number, count in counts.items()
        if count >= _SHARE * len(others)
        and number not in case.run.told
        and (len(number) >= _DIGITS or "." in number)
    )
    if not missing:
        return Seen()
    finding = Finding(
        kind="answer",
        step=_last_said(case.run),
        evidence=f"The other runs told the user {', '.join(missing[:3])}; this one did not.",
        probability=0.75,
    )
    return Seen(findings=(finding,), features={"unsaid": float(min(2, len(missing)))})


def _last_said(run: Run) -> int | None:
    said = [step.index for step in run.trajectory.steps if step.role == "assistant" and step.text]
    return said[-1] if said else None


DETECTOR = Detector(name="answers", examine=examine)

"""What a run cost, against the other runs of its task."""

import math
from statistics import median

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.runs import Run

_FAR_MORE = 2.0
_LEAST_SIBLINGS = 2


def examine(case: Case) -> Seen:
    """Report a run that took at least twice what its siblings take."""
    run = case.run
    words = sum(len(step.text.split()) for step in run.users)
    features = {"calls": math.log1p(len(run.made)), "asked": math.log1p(words)}
    siblings = [each for each in case.siblings if not each.is_empty]
    unit = "tokens" if all(map(_tokens, (run, *siblings))) else "steps"
    own, *others = (
        _tokens(each) if unit == "tokens" else len(each.trajectory.steps)
        for each in (run, *siblings)
    )
    findings: tuple[Finding, ...] = ()
    if len(others) >= _LEAST_SIBLINGS and own >= _FAR_MORE * median(others) > 0:
        findings = (
            Finding(
                kind="waste",
                step=None,
                evidence=f"The run took {own / median(others):.1f} times the {unit} of the other "
                "runs of its task.",
                probability=0.36,
            ),
        )
    return Seen(findings=findings, features=features)


def _tokens(run: Run) -> int:
    """Tokens of a run; 0 where the trace counts none."""
    return sum((s.input_tokens or 0) + (s.output_tokens or 0) for s in run.trajectory.steps)


DETECTOR = Detector(name="waste", examine=examine)

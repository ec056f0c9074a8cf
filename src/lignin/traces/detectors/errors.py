"""Calls that failed, and whether the run got over it."""

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.effects import Made, unrepaired

_SHOWN_CHARS = 100


def examine(case: Case) -> Seen:
    """Report writes that failed and were not done later."""
    open_ones = unrepaired(case.run.made)
    failed = [made for made in case.run.made if made.failed]
    findings = tuple(
        Finding(
            kind="error",
            step=made.step,
            call_id=made.call.call_id,
            evidence=f"{made.call.name} failed and was never done: {_shown(made)}",
            probability=0.58,
        )
        for made in open_ones
    )
    features = {
        "unrepaired": float(min(2, len(open_ones))),
        "errors": float(min(3, len(failed) - len(open_ones))),
    }
    return Seen(findings=findings, features=features)


def _shown(made: Made) -> str:
    text = " ".join((made.call.observation or "no observation").split())
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."


DETECTOR = Detector(name="errors", examine=examine)

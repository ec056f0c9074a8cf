"""The user says that something is wrong."""

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.talk import CORRECTION


def examine(case: Case) -> Seen:
    """Report answers of the user that correct the agent; his first words are the task."""
    found = [step for step in case.run.users[1:] if CORRECTION.search(step.text)]
    findings = tuple(
        Finding(
            kind="correction",
            step=step.index,
            evidence="The user says that something is not as it should be.",
            probability=0.36,
        )
        for step in found
    )
    return Seen(findings=findings, features={"corrections": float(min(3, len(found)))})


DETECTOR = Detector(name="corrections", examine=examine)

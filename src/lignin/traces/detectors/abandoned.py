"""Work that was given up: handed over, refused, or left open."""

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.talk import REFUSAL

_LAST_WORDS = 2


def examine(case: Case) -> Seen:
    """Report a run that ended without the work done, by what its last steps say."""
    run = case.run
    said = [s for s in run.trajectory.steps if s.role == "assistant" and s.text]
    refused = [step for step in said if REFUSAL.search(step.text)]
    handed = [made for made in run.made if made.kind == "hand over"]
    open_end = run.is_dialogue and run.trajectory.steps[-1].role != "user"
    late = bool(refused) and refused[-1] in said[-_LAST_WORDS:]
    findings: list[Finding] = []
    if handed:
        findings.append(_finding(handed[0].step, "The work was handed over.", 0.5))
    elif open_end and not run.effects:
        last = run.trajectory.steps[-1].index
        findings.append(_finding(last, "The dialogue breaks off with nothing changed.", 0.5))
    elif late and not run.effects:
        step = refused[-1].index
        findings.append(_finding(step, "The agent refused and changed nothing.", 0.55))
    features = {
        "open_end": float(open_end),
        "refusals": float(min(4, len(refused))),
        "late_refusal": float(late),
        "handed_over": float(bool(handed)),
        "idle": float(not run.effects and _could_write(case)),
    }
    return Seen(findings=tuple(findings), features=features)


def _finding(step: int, evidence: str, probability: float) -> Finding:
    return Finding(kind="abandoned", step=step, evidence=evidence, probability=probability)


def _could_write(case: Case) -> bool:
    """True where changing something is what runs of this kind do; else idleness says nothing."""
    return case.run.is_dialogue or any(run.effects for run in case.siblings)


DETECTOR = Detector(name="abandoned", examine=examine)

"""Figures that the user asked for: told in the other runs, not in this one."""

import re
from collections import Counter

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.runs import Run

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_ASKED = re.compile(
    r"how (?:much|many|long)|total|tracking|amount|difference|number|what (?:is|are|was)|which",
    re.IGNORECASE,
)
_SHARE = 0.75
_LEAST_SIBLINGS = 2
_DIGITS = 5


def examine(case: Case) -> Seen:
    """Report figures that nearly all other runs gave in answer and this run never said."""
    others = [run for run in case.siblings if not run.is_empty]
    if len(others) < _LEAST_SIBLINGS or case.run.is_empty:
        return Seen()
    counts = Counter(number for run in others for number in _told(run, asked=True))
    told = _told(case.run, asked=False)
    missing = sorted(
        number
        for number, count in counts.items()
        if count >= _SHARE * len(others)
        and number not in told
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


def _numbers(text: str) -> set[str]:
    return {found.replace(",", "").rstrip(".") for found in _NUMBER.findall(text)}


def _told(run: Run, *, asked: bool) -> set[str]:
    """Numbers the agent told; with `asked` those new to the user, after a question of his."""
    told: set[str] = set()
    known: set[str] = set()
    question = ""
    for step in run.trajectory.steps:
        if step.role == "user" and step.text:
            question = step.text
            known |= _numbers(question)
        elif step.role == "assistant" and step.text:
            if not asked:
                told |= _numbers(step.text)
            elif _ASKED.search(question):
                told |= _numbers(step.text) - known
    return told


def _last_said(run: Run) -> int | None:
    said = [step.index for step in run.trajectory.steps if step.role == "assistant" and step.text]
    return said[-1] if said else None


DETECTOR = Detector(name="answers", examine=examine)

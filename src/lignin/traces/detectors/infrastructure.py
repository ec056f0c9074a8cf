"""Runs that the machinery broke: never the agent's fault."""

import re

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen

_BROKEN = re.compile(
    r"connection (?:refused|reset|aborted)|(?:agent|harness|sandbox|container|tool server).{0,40}"
    r"(?:not found|crashed|unavailable|not running|timed out)|command not found|"
    r"service unavailable|\b50[234]\b.{0,20}(?:gateway|unavailable|timeout)|no space left|"
    r"out of memory|rate limit|api[ _]?key|internal server error",
    re.IGNORECASE,
)
_SHARE = 0.8
_HEAD_CHARS = 2000


def examine(case: Case) -> Seen:
    """Report a run without any work of the agent, or whose calls the tools' machinery refused."""
    run = case.run
    if run.is_empty:
        return Seen(findings=(_finding(None, "The run is empty: the agent never came to act."),))
    failing = [
        made
        for made in run.made
        if (made.failed or made.call.is_error is None)
        and _BROKEN.search((made.call.observation or "")[:_HEAD_CHARS])
    ]
    if failing and len(failing) >= _SHARE * len(run.made):
        said = " ".join((failing[0].call.observation or "").split())[:80]
        return Seen(
            findings=(
                _finding(
                    failing[0].step,
                    f"{len(failing)} of {len(run.made)} calls met broken machinery: {said}",
                ),
            )
        )
    return Seen()


def _finding(step: int | None, evidence: str) -> Finding:
    return Finding(kind="infrastructure", step=step, evidence=evidence, probability=1.0)


DETECTOR = Detector(name="infrastructure", examine=examine)

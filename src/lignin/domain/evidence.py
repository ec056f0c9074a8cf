"""Verdicts and what they rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lignin.domain.codec import Json

Verdict = Literal["pass", "fail", "inconclusive"]
GateOutcome = Literal["accept", "reject", "undecided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check says, with every reason in words. `measured` holds its figures as JSON."""

    check: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    measured: Mapping[str, Json] = field(default_factory=dict)
    advisory: bool = False

    def to_json(self) -> dict[str, Json]:
        """The result as a JSON object."""
        return {
            "check": self.check,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "measured": dict(self.measured),
            "advisory": self.advisory,
        }


def join_verdicts(results: tuple[CheckResult, ...]) -> Verdict:
    """Join checks: any fail fails; else any inconclusive, or none that counts, is inconclusive.

    Advisory checks are reported and never counted.
    """
    counted = [result.verdict for result in results if not result.advisory]
    if "fail" in counted:
        return "fail"
    if "inconclusive" in counted or not counted:
        return "inconclusive"
    return "pass"

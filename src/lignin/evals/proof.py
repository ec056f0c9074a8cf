"""Whether a case is accepted: it must fail on a failed run and pass on one that passed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from lignin.domain.judging import Judged

LIVE_RUNS = 20
"""So many times over, a live case must fail on the failed run and pass on the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How often a case was tried on failed runs and on runs that passed, and how often it told right.

    `passing` is 0 where no run passed that it could be tried on.
    """

    faulty: int
    failed: int
    passing: int
    passed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Whether a case is accepted, with the reason where it is not."""

    accepted: bool
    proof: Proof
    reason: str = ""


def decide_acceptance(faulty: Sequence[Judged], passing: Sequence[Judged]) -> Acceptance:
    """Return whether a case is accepted.

    Args:
        faulty: Verdicts on failed runs, made again.
        passing: Verdicts on runs that passed; empty where there are none.
    """
    proof = Proof(
        faulty=len(faulty),
        failed=sum(each.verdict == "fail" for each in faulty),
        passing=len(passing),
        passed=sum(each.verdict == "pass" for each in passing),
    )
    for side, verdicts, wanted in (("failed", faulty, "fail"), ("passed", passing, "pass")):
        unlike = next((each for each in verdicts if each.verdict != wanted), None)
        if unlike:
            how = {"pass": "passes", "fail": "fails"}.get(unlike.verdict, "cannot be judged")
            reason = f"tried again on a run that {side}, it {how}"
            return Acceptance(accepted=False, proof=proof, reason=reason)
    return Acceptance(accepted=bool(faulty), proof=proof, reason="" if faulty else "nothing failed")

"""Do the examples that were held out come out as recorded? The first line against overfitting."""

from lignin.artifacts.check import Check, Observations, conclude, infrastructure_doubts
from lignin.artifacts.oracle import wrong_answers
from lignin.domain.evidence import CheckResult


def judge(observations: Observations) -> CheckResult:
    """Judge the held-out examples just as the visible ones."""
    runs = observations.held_out_runs
    faults = [f"held out: {reason}" for reason in wrong_answers(observations, runs)]
    doubts = infrastructure_doubts(run.observed for run in runs)
    measured = {"run": len(runs), "wrong": len(faults)}
    return conclude("held_out", faults=faults, doubts=doubts, measured=measured)


CHECK = Check(name="held_out", needs=frozenset({"files", "held_out"}), judge=judge, version=2)

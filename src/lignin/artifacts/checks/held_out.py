"""Do the examples that were held out come out as recorded? The first line against overfitting."""

from lignin.artifacts.breaks import measured_breaks
from lignin.artifacts.check import Check, Observations, conclude, infrastructure_doubts
from lignin.artifacts.oracle import told_wrong, wrong_answers, wrong_breaks
from lignin.domain.evidence import CheckResult


def judge(observations: Observations) -> CheckResult:
    """Judge the held-out examples just as the visible ones."""
    runs = observations.held_out_runs
    wrong = wrong_answers(observations, runs)
    doubts = infrastructure_doubts(run.observed for run in runs)
    breaks = wrong_breaks(wrong, is_call=observations.is_call, how="a held-out example")
    measured = {"run": len(runs), "wrong": len(wrong), **measured_breaks(breaks)}
    faults = told_wrong(wrong, "held out: ")
    return conclude("held_out", faults=faults, doubts=doubts, measured=measured)


CHECK = Check(name="held_out", needs=frozenset({"files", "held_out"}), judge=judge, version=2)

"""Does a workflow come to the same when its process dies after every step and another replays it?

A replay under another hash seed must ask for the same steps in the same order, end with the same answer
and have made no effect twice.
"""

from lignin.artifacts.answers import outcome_of, runs_agree, told
from lignin.artifacts.breaks import Break, broken, measured_breaks
from lignin.artifacts.check import (
    Check,
    Observations,
    RepeatRun,
    conclude,
    infrastructure_doubts,
    shown_use,
)
from lignin.artifacts.oracle import MAX_REASONS
from lignin.domain.evidence import CheckResult
from lignin.ports.sandbox import Observed

STEP = "step"


def judge(observations: Observations) -> CheckResult:
    """Compare every killed run with the one of the same example that went through."""
    faults: list[str] = []
    breaks: list[Break] = []
    steps = 0
    for run in observations.resumed:
        steps += len(_steps(run.observed))
        if what := _difference(run):
            fault = f"{what}, for {shown_use(run.example)}"
            faults.append(fault)
            breaks.append(
                broken(
                    run.example,
                    run.observed,
                    is_call=True,
                    fault=what,
                    expected=outcome_of(run.base, is_call=True),
                    how=run.variant,
                )
            )
    doubts = [*infrastructure_doubts(run.observed for run in observations.resumed)]
    if not observations.resumed:
        doubts.append("no example came to its end, so none was killed and replayed")
    return conclude(
        "resumption",
        faults=faults[:MAX_REASONS],
        doubts=doubts,
        measured={
            "runs": len(observations.resumed), "steps": steps, **measured_breaks(breaks),
        },
    )  # fmt: skip


def _difference(run: RepeatRun) -> str:
    """What a killed run did otherwise; empty where it did the same or nothing can be told."""
    base, killed = run.base, run.observed
    if "infrastructure" in {base.status, killed.status}:
        return ""
    if killed.error == "DivergedError":
        return f"diverges when it is replayed: {killed.message}"
    if not runs_agree(base, killed, is_call=True):
        return f"killed between its steps it answers {told(killed, is_call=True)}, else {told(base, is_call=True)}"
    if len(killed.told) > len(base.told):
        return f"killed between its steps it calls {len(killed.told)} times, else {len(base.told)}"
    if _steps(base) != _steps(killed) or base.told != killed.told:
        return "killed between its steps it takes other steps"
    return ""


def _steps(observed: Observed) -> list[str]:
    return [effect.target for effect in observed.effects if effect.kind == STEP]


CHECK = Check(name="resumption", needs=frozenset({"files", "resumed"}), judge=judge)

"""What brings the ledger and an engine together again. Pure.

The ledger says what is asked for and what ended; an engine says how far runs came. A job that is open
and has no run gets one: it was just opened, or the engine lost its memory. A run that ended without the
ledger hearing of it is ended there. A run of a job that is no longer open is stopped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.jobs import Job, JobEnd, JobError
from lignin.ports.engine import ENDED, RunState

_STOPPED = JobError(
    code="limited",
    message="its run was stopped: it took longer than it may",
    hint="`lignin job retry` tries once more",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An open job whose run is over, and what that came to."""

    job: Job
    state: JobEnd
    error: JobError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done.

    Args:
        start: Jobs that want a run.
        end: Jobs that are to be ended on the ledger.
        stop: Names of runs to cancel.
    """

    start: tuple[Job, ...]
    end: tuple[Ended, ...]
    stop: tuple[str, ...]


def plan_reconcile(
    jobs: Sequence[Job], open_runs: Mapping[str, RunState], closed: Sequence[str]
) -> Plan:
    """Return what makes an engine do what the ledger says.

    Args:
        jobs: All that are open on the ledger.
        open_runs: The state of each of these jobs' runs that the engine knows, by name.
        closed: Names of runs that go on in the engine though their job is not open, or in another turn.
    """
    start, end = [], []
    for job in jobs:
        state = open_runs.get(job.run)
        if state is None:
            start.append(job)
        elif state in ENDED:
            end.append(_ended(job, state))
    return Plan(start=tuple(start), end=tuple(end), stop=tuple(closed))


def _ended(job: Job, state: RunState) -> Ended:
    if state == "succeeded":
        return Ended(job=job, state="succeeded")
    if (
        state == "cancelled"
    ):  # not by anybody: a cancel is on the ledger before the engine hears of it
        return Ended(job=job, state="failed", error=_STOPPED)
    return Ended(job=job, state="dead" if state == "dead" else "failed")

"""Judging the stored runs: what detection, audit and feedback share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from lignin.domain.errors import LigninError
from lignin.domain.findings import Judgement
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.operations.context import Context
from lignin.operations.intake import load_trajectory
from lignin.ports.ledger import View, every_row
from lignin.traces.detect import detect
from lignin.traces.detector import load_detectors

PROGRESS_EVERY = 100
MAX_REASON_CHARS = 120  # of a reason that evidence repeats
Label = Literal["failure", "success", "infrastructure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRun:
    """A stored run with its judgement; `feedback` is the label that somebody gave it later."""

    session: str
    row: Row
    trajectory: Trajectory
    judgement: Judgement
    feedback: Label | None = None


def judge_stored(context: Context, *, with_feedback: bool = True) -> tuple[JudgedRun, ...]:
    """Judge every run that was taken in; runs whose records no longer parse are passed over.

    Runs that were taken in with the outcome hidden are judged among themselves, so that the same
    runs with their outcome tell nothing about them.

    Args:
        with_feedback: Let labels that were given later stand for the declared outcome.
    """
    runs = _stored_runs(context)
    found: list[JudgedRun] = []
    for hidden in (False, True):
        part = [run for run in runs if bool(run[0].body.get("outcome_hidden")) is hidden]
        found += _judged(part, with_feedback)
    return tuple(sorted(found, key=lambda run: run.session))


def _stored_runs(context: Context) -> list[tuple[Row, Trajectory]]:
    found = []
    with context.view() as view:
        rows = [row for row in every_row(view, "session") if "source" in row.body]
        for number, row in enumerate(rows):
            if number % PROGRESS_EVERY == 0:
                context.progress("reading the stored runs", number, len(rows))
            if run := load_run(context, view, row.key):
                found.append((row, run))
    return found


def load_run(context: Context, view: View, session: str) -> Trajectory | None:
    """A stored run; None where its records no longer parse, or tell of no run.

    A run that a harness names though the agent never came to act has a task or an outcome; records
    that were only kept have neither, and blame nobody.
    """
    try:
        run = load_trajectory(context, view, session)
    except LigninError:
        return None
    named = run.task_id is not None or run.outcome is not None
    return run if run.steps or named else None


def _judged(runs: Sequence[tuple[Row, Trajectory]], with_feedback: bool) -> list[JudgedRun]:
    labels = [feedback_of(row) for row, _ in runs]
    trajectories = [
        told_later(row, trajectory) if with_feedback else trajectory for row, trajectory in runs
    ]
    return [
        JudgedRun(
            session=row.key, row=row, trajectory=trajectory, judgement=judgement, feedback=label
        )
        for (row, trajectory), label, judgement in zip(
            runs, labels, detect(trajectories, load_detectors()), strict=True
        )
    ]


def told_later(row: Row, trajectory: Trajectory) -> Trajectory:
    """The run with the outcome that feedback says it came to; as it is where there is none."""
    last = latest(row)
    if last is None:
        return trajectory
    reason = " ".join(str(last["reason"]).split())
    told = f"Feedback of {last['at'][:10]} says that the outcome was {last['label']}"
    told += f": {reason}" if len(reason) <= MAX_REASON_CHARS else "."
    return replace(trajectory, outcome=last["label"], outcome_told=told)


def feedback_of(row: Row) -> Label | None:
    """The label of a session by the feedback that came last in its own time; None without any."""
    last = latest(row)
    return last["label"] if last else None


def told_label(row: Row) -> dict[str, str | None]:
    """A session's label as it is told: what, since when and why."""
    last = latest(row) or {}
    return {
        "label": last.get("label"),
        "labelled_at": last.get("at"),
        "label_reason": last.get("reason"),
    }


def standing(given: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The feedback that was not taken back."""
    return [each for each in given if "withdrawn" not in each]


def latest(row: Row) -> Mapping[str, Any] | None:
    """The piece of a session's feedback that counts: the last in its own time; None without any."""
    return last_of(standing(row.body.get("feedback") or []))


def last_of(given: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The piece of some feedback that came last in its own time."""
    return max(given, key=lambda each: str(each["at"]), default=None)


def stratum_of(run: JudgedRun) -> str:
    """The stratum of a run for audits: its format, and what detection had to go by."""
    if run.trajectory.outcome is not None:
        basis = "declared"
    else:
        basis = "alone" if run.judgement.verdict == "unknown" else "among others"
    return f"{run.trajectory.format}, {basis}"

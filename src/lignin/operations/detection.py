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
        replace(trajectory, outcome=label) if label and with_feedback else trajectory
        for (_, trajectory), label in zip(runs, labels, strict=True)
    ]
    return [
        JudgedRun(
            session=row.key, row=row, trajectory=trajectory, judgement=judgement, feedback=label
        )
        for (row, trajectory), label, judgement in zip(
            runs, labels, detect(trajectories, load_detectors()), strict=True
        )
    ]


def feedback_of(row: Row) -> Label | None:
    """The label of a session by the feedback that came last in its own time; None without any."""
    given = row.body.get("feedback") or []
    return latest_label(given) if given else None


def told_label(row: Row) -> dict[str, str | None]:
    """A session's label as it is told: what, since when and why."""
    given = row.body.get("feedback") or []
    last = latest(given) if given else {}
    return {
        "label": last.get("label"),
        "labelled_at": last.get("at"),
        "label_reason": last.get("reason"),
    }


def latest_label(given: Sequence[Mapping[str, Any]]) -> Label:
    """The label of some feedback that came last in its own time."""
    label: Label = latest(given)["label"]
    return label


def latest(given: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The piece of feedback that came last in its own time."""
    return max(given, key=lambda each: str(each["at"]))


def stratum_of(run: JudgedRun) -> str:
    """The stratum of a run for audits: its format, and what detection had to go by."""
    if run.trajectory.outcome is not None:
        basis = "declared"
    else:
        basis = "alone" if run.judgement.verdict == "unknown" else "among others"
    return f"{run.trajectory.format}, {basis}"

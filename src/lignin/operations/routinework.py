"""Inducing routines of what was taken in: which runs are new, which of all passed, what comes of it.

A run is read once. Whether it passed is what was declared of it; where nothing was, it is judged with
the failure modes, which may change as others of its task come in, so that is asked each time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from lignin.domain.counts import counted
from lignin.domain.errors import NotFoundError
from lignin.domain.routines import Routine
from lignin.domain.traces import Trajectory
from lignin.operations.context import Context
from lignin.operations.detection import feedback_of, load_run
from lignin.operations.filing import file_new, touched_sessions
from lignin.operations.intake import cycles_left_alone
from lignin.ports.ledger import View, every_row
from lignin.traces.importer import import_trace
from lignin.traces.read import find_traces, read_trace
from lignin.traces.routines.encode import Encoded, encode
from lignin.traces.routines.induce import FEWEST, MOST, Induced, Inducer
from lignin.traces.routines.service import PASSED, Read, Routines

LOT = 500
SURELY_FAILED = 0.8
"""From which probability a run that is judged to have failed counts as failing."""


def induce_routines(context: Context, limit: int) -> Induced:
    """Read the runs that are new, and file the routines of all of them."""
    service = Routines(context.ids)
    with context.view() as view:
        position, start = view.position, service.position(view)
        touched = touched_sessions(view, start)
    for first in range(0, len(touched), LOT):
        context.progress("reading runs", first, len(touched))
        lot = touched[first : first + LOT]
        done = position if first + LOT >= len(touched) else start
        with context.view() as view, cycles_left_alone():
            runs = _read(context, view, lot)
        context.decide_and_commit(
            lambda view, runs=runs, done=done: (  # type: ignore[misc]
                None,
                [service.keep(view, context.scope, runs, done)],
            )
        )
    with context.view() as view:
        is_declared = all(row.body["outcome"] for row in every_row(view, "encoded"))
    if not is_declared:
        file_new(context)
    with context.view() as view, cycles_left_alone():
        inducer = Inducer()
        inducer.add(service.kept(view, judged(view)))
        found = inducer.induce(limit)
    context.decide_and_commit(
        lambda view: (None, service.file(view, context.scope, found.routines, found.refused))
    )
    return found


def form_of(routine: Routine, runs: Iterable[Encoded]) -> Routine | None:
    """A routine as it comes out of some runs alone; None where too few of them make its steps."""
    inducer = Inducer()
    inducer.add(runs)
    return inducer.form_of(routine)


def routines_of(context: Context, takes: Callable[[str], bool]) -> tuple[Routine, ...]:
    """The routines that are induced of some of the runs alone."""
    inducer = Inducer()
    inducer.add(run for run in kept_runs(context) if takes(run.session))
    return inducer.induce(MOST).routines


def kept_runs(context: Context) -> list[Encoded]:
    """All runs as they were read, those of which nothing was declared as they were judged."""
    with context.view() as view, cycles_left_alone():
        return list(Routines(context.ids).kept(view, judged(view)))


def passing_sessions(view: View) -> list[str]:
    """The sessions that routines are induced of, in order."""
    verdicts = judged(view)
    found = []
    for row in every_row(view, "encoded"):
        outcome = row.body["outcome"]
        if PASSED.get(outcome) if outcome else verdicts.get(row.key):
            found.append(row.key)
    return found


def _read(context: Context, view: View, sessions: Sequence[str]) -> dict[str, Read]:
    found: dict[str, Read] = {}
    rows = view.rows([f"session/{session}" for session in sessions])
    for session in sessions:
        run = load_run(context, view, session)
        if run:
            declared = feedback_of(rows[f"session/{session}"]) or run.outcome
            outcome = None if declared == "unknown" else declared
            found[session] = replace(encode(run, None), session=session), outcome
    return found


def judged(view: View) -> dict[str, bool | None]:
    """Which runs were judged to have passed, by session; None where nobody can say.

    A run is judged to have failed only where that is nearly certain: a verdict that may well be wrong
    is no evidence against what the run did.
    """
    doubtful = {
        row.key for row in every_row(view, "judgement") if row.body["probability"] < SURELY_FAILED
    }
    found = {row.key: PASSED.get(row.body["verdict"]) for row in every_row(view, "filing")}
    return {
        session: None if passed is False and session in doubtful else passed
        for session, passed in found.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How the runs that were taken in ended, declared or judged."""

    passed: int
    failed: int
    unknown: int


def told_of(view: View) -> Told:
    """Count the runs that were read by how they ended."""
    verdicts = judged(view)
    ended = [
        PASSED.get(outcome) if (outcome := row.body["outcome"]) else verdicts.get(row.key)
        for row in every_row(view, "encoded")
    ]
    return Told(passed=ended.count(True), failed=ended.count(False), unknown=ended.count(None))


def untold(passed: int, failed: int, unknown: int) -> list[str]:
    """What to say of runs with no known outcome; nothing where there are none."""
    if not unknown:
        return []
    every = passed + failed + unknown
    runs = (
        f"{unknown} of {counted(every, 'run')} {'has' if unknown == 1 else 'have'} no known outcome"
    )
    so = (
        "so nothing supports a routine"
        if not passed
        else f"so {'it supports' if unknown == 1 else 'they support'} no routine"
    )
    return [f"{runs}, {so}: tell it with `lignin trace feedback`, or import traces that declare it"]


def too_few(passed: int) -> list[str]:
    """What to say where too few runs passed for any routine."""
    if passed >= FEWEST:
        return []
    there = {0: "none is", 1: "1 is"}.get(passed, f"{passed} are")
    return [f"at least three passing runs are needed, {there} there"]


def read_runs(context: Context, paths: Sequence[str]) -> list[Trajectory]:
    """Read the runs of trace files and folders, and keep nothing of them.

    Raises:
        NotFoundError: A path is not there.
        InvalidRequestError: A file is no trace, or no importer knows it.
    """
    importers = context.load_importers()
    runs: list[Trajectory] = []
    for path in paths:
        root = context.path(path)
        if not root.exists():
            raise NotFoundError(f"{root} does not exist", hint="name a file or folder")
        for each in find_traces(root, importers).paths:
            name, data = read_trace(each)
            runs += [run for run, _ in import_trace(importers, name, data).sessions]
    return runs

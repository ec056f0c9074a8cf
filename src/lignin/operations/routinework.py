"""Inducing routines of what was taken in: which runs are new, which of all passed, what comes of it.

A run is read once. Which runs passed is judged with the failure modes, and may change as others of
their task come in, so it is asked each time.
"""

from collections.abc import Sequence
from dataclasses import replace

from lignin.domain.errors import NotFoundError
from lignin.domain.traces import Trajectory
from lignin.operations.context import Context
from lignin.operations.filing import file_new, load_run, touched_sessions
from lignin.ports.ledger import View, every_row
from lignin.traces.importer import import_trace
from lignin.traces.read import find_traces, read_trace
from lignin.traces.routines.encode import Encoded, encode
from lignin.traces.routines.induce import Induced, Inducer
from lignin.traces.routines.service import Routines

LOT = 500


def induce_routines(context: Context, limit: int) -> Induced:
    """Read the runs that are new, and file the routines of all of them."""
    file_new(context)
    service = Routines(context.ids)
    with context.view() as view:
        position, start = view.position, service.position(view)
        touched = touched_sessions(view, start)
    for first in range(0, len(touched), LOT):
        context.progress("reading runs", first, len(touched))
        lot = touched[first : first + LOT]
        done = position if first + LOT >= len(touched) else start
        with context.view() as view:
            runs = _read(context, view, lot)
        context.decide_and_commit(
            lambda view, runs=runs, done=done: (  # type: ignore[misc]
                None,
                [service.keep(view, context.scope, runs, done)],
            )
        )
    with context.view() as view:
        inducer = Inducer()
        inducer.add(service.kept(view, _passed(view)))
    found = inducer.induce(limit)
    context.decide_and_commit(
        lambda view: (None, service.file(view, context.scope, found.routines, found.refused))
    )
    return found


def _read(context: Context, view: View, sessions: Sequence[str]) -> dict[str, Encoded]:
    runs = {session: load_run(context, view, session) for session in sessions}
    return {
        session: replace(encode(run, None), session=session) for session, run in runs.items() if run
    }


def _passed(view: View) -> dict[str, bool | None]:
    """Which runs passed, by session: declared, else judged; None where nobody can say."""
    verdicts: dict[str, bool | None] = {"success": True, "failure": False}
    return {row.key: verdicts.get(row.body["verdict"]) for row in every_row(view, "filing")}


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

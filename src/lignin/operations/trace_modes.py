"""Failure modes of the runs that were taken in."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from lignin.domain.errors import NotFoundError
from lignin.domain.states import Row
from lignin.operations.context import Context
from lignin.operations.intake import load_trajectory
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.ports.ledger import View, every_row
from lignin.traces.detector import load_detectors
from lignin.traces.modes.mine import facts_of, group_of, mine, task_of
from lignin.traces.modes.report import Filed, ModeReport, report
from lignin.traces.modes.service import FailureModes, Filing

CHUNK = 2000
_TOUCHING = frozenset({"session", "record", "feedback"})


class TraceModes(Request):
    limit: int = Field(50, ge=1, le=1000, description="at most so many modes")
    after: str | None = Field(None, description="go on after this mode")


class TraceMode(Request):
    mode: str = positional("a mode's id, as `trace modes` shows it")


class ModeMember(Response):
    session: str = Field(description="the session's id")
    source: str = Field(description="the file it came from")
    task_id: str | int | None = Field(description="the task, where the file names one")
    trial: str | int | None = Field(description="the trial, where the file names one")


class ModeView(Response):
    mode: str = Field(description="the mode's id: stays as runs are added")
    name: str = Field(description="what goes wrong, in a few words")
    runs: int = Field(description="how many failed runs are in it")
    layer: str = Field(description="what to blame: model, harness, artifact, environment ...")
    reason: str = Field(description="the contrast that says so, in figures")
    older: int = Field(description="its runs among the older half of all runs")
    newer: int = Field(description="its runs among the newer half")
    cost_microusd: int | None = Field(description="what its runs cost together, where they tell")
    models: dict[str, int] = Field(description="its runs by model")
    artifacts: dict[str, int] = Field(description="its runs by artifact used")
    exemplars: list[str] = Field(description="sessions that show it best")
    description: str = Field(description="a paragraph from the evidence")
    members: list[ModeMember] = Field(description="its runs; each failed run is in one mode only")


class ModesListed(Listed):
    items: list[ModeView] = Field(description="this page of the list, the largest first")
    judged: int = Field(description="runs judged in all")
    failed: int = Field(description="of those, failed runs, broken surroundings included")


class ModeMove(Response):
    event: str = Field(description="founded, split off or merged back")
    at: str = Field(description="when")
    runs: int | None = Field(description="the runs that it stood on")


class ModeShown(ModeView):
    coarse: str | None = Field(description="the mode it was split off from")
    history: list[ModeMove] = Field(description="what became of it, oldest first")


@operation("trace.modes", effect="write", idempotent=True)
def modes(context: Context, request: TraceModes) -> ModesListed:
    """Cluster the failed runs that were taken in into failure modes with stable ids.

    Only tasks with new runs are looked at again. Runs of one task are compared with each other, so
    no outcome need be known.
    """
    _file_new(context)
    with context.view() as view:
        filed = list(_filed(view))
        reports = _reports(view, filed)
    names = [each.mode for each in reports]
    start = names.index(request.after) + 1 if request.after in names else 0
    page = reports[start : start + request.limit]
    is_end = start + request.limit >= len(reports)
    return ModesListed(
        items=[ModeView(**_told(each)) for each in page],
        total=len(reports),
        next_after=None if is_end else page[-1].mode,
        judged=len(filed),
        failed=sum(each.mode is not None for each in filed),
    )


@operation("trace.mode", effect="read", idempotent=True)
def mode(context: Context, request: TraceMode) -> ModeShown:
    """Show one failure mode: its runs, what is to blame, how it came about."""
    with context.view() as view:
        reports = _reports(view, list(_filed(view)))
        found = next((each for each in reports if each.mode == request.mode), None)
        if found is None:
            raise NotFoundError(
                f"no failure mode {request.mode!r} has runs of its own", hint="`lignin trace modes`"
            )
        stream = f"mode/{request.mode}"
        row, events = view.row(stream), view.events(stream)
    history = [
        ModeMove(event=_MOVES[event.type], at=event.at, runs=event.payload.get("support"))
        for event in events
    ]
    return ModeShown(**_told(found), coarse=row.parent if row else None, history=history)


_MOVES = {"mode.founded": "founded", "mode.split": "split off", "mode.merged": "merged back"}


def _told(found: ModeReport) -> dict[str, Any]:
    members = [
        ModeMember(
            session=each.session,
            source=each.facts["source"],
            task_id=each.facts["task_id"],
            trial=each.facts["trial"],
        )
        for each in found.members
    ]
    return {
        "mode": found.mode,
        "name": found.name,
        "runs": len(members),
        "layer": found.blame.layer,
        "reason": found.blame.reason,
        "older": found.trend[0],
        "newer": found.trend[1],
        "cost_microusd": found.cost_microusd,
        "models": dict(found.models),
        "artifacts": dict(found.artifacts),
        "exemplars": list(found.exemplars),
        "description": found.description,
        "members": members,
    }


def _file_new(context: Context) -> None:
    """Judge and file the runs of every task that something new came to."""
    service = FailureModes(context.ids)
    with context.view() as view:
        position, start = view.position, service.position(view)
        tasks = _touched_tasks(context, view, start)
    chunks = list(_chunks(tasks))
    for number, sessions in enumerate(chunks):
        context.progress("comparing runs", number, len(chunks))
        filings = _filings(context, sessions)
        done = position if number == len(chunks) - 1 else start
        context.decide_and_commit(
            lambda view, filings=filings, done=done: (  # type: ignore[misc]
                None,
                [service.file(view, context.scope, filings, done)],
            )
        )


def _touched_tasks(context: Context, view: View, start: int) -> dict[str, set[str]]:
    """Task to its sessions, for every task that has a session with something new."""
    touched: dict[str, None] = {}
    after = start
    while events := view.log(after=after, limit=1000):
        for event in events:
            kind, _, key = event.stream.partition("/")
            if kind in _TOUCHING:
                touched[key] = None
        after = events[-1].position
    rows = view.rows([f"session/{session}" for session in touched])
    tasks: dict[str, set[str]] = {}
    for row in rows.values():
        if "source" in row.body:
            task = task_of(row.key, load_trajectory(context, view, row.key))
            tasks.setdefault(task, set()).add(row.key)
    for task, sessions in tasks.items():
        sessions.update(_filed_before(view, task))
    return tasks


def _filed_before(view: View, task: str) -> Iterator[str]:
    after: str | None = None
    while True:
        page = view.page("filing", parent=task, after=after, limit=1000)
        yield from (row.key for row in page.rows)
        after = page.next_after
        if after is None:
            return


def _chunks(tasks: dict[str, set[str]]) -> Iterator[list[str]]:
    """Sessions in bounded lots, those of a task together."""
    lot: list[str] = []
    for task in sorted(tasks):
        lot += sorted(tasks[task])
        if len(lot) >= CHUNK:
            yield lot
            lot = []
    if lot:
        yield lot


def _filings(context: Context, sessions: Sequence[str]) -> list[Filing]:
    with context.view() as view:
        rows = view.rows([f"session/{session}" for session in sessions])
        runs = [load_trajectory(context, view, session) for session in sessions]
    mined = mine(runs, load_detectors())
    filings = []
    for place, (session, run) in enumerate(zip(sessions, runs, strict=True)):
        row = rows[f"session/{session}"]
        facts = {
            **facts_of(run),
            "at": next((step.at for step in run.steps if step.at), row.body["started_at"]),
            "harness": row.body["revision"] or "",
            "group": group_of(place, mined, sessions),
        }
        filings.append(
            Filing(
                session=session,
                task=task_of(session, run),
                verdict=mined[place].judgement.verdict,
                signature=mined[place].signature,
                facts=facts,
            )
        )
    return filings


def _filed(view: View) -> Iterator[Filed]:
    errors: dict[str, str] = {}
    for row in every_row(view, "filing"):
        digest = row.body["error"]
        if digest and digest not in errors:
            errors[digest] = view.blob(digest).decode()
        yield _read(row, errors.get(digest, ""))


def _read(row: Row, error: str) -> Filed:
    signature = row.body["signature"] or {}
    return Filed(
        session=row.key,
        task=row.body["facts"]["group"],
        verdict=row.body["verdict"],
        mode=row.body["mode"],
        coarse=row.body["coarse"],
        difference=signature.get("difference"),
        tool=signature.get("tool", ""),
        arguments=tuple(signature.get("arguments", ())),
        votes=signature.get("votes", 0),
        error=error,
        facts=row.body["facts"],
    )


def _reports(view: View, filed: Sequence[Filed]) -> list[ModeReport]:
    """Every mode that has runs, the largest first."""
    split = {row.key for row in every_row(view, "mode", state="open") if row.parent}
    members: dict[str, list[Filed]] = {}
    for each in filed:
        if each.mode and each.coarse:
            members.setdefault(each.mode if each.mode in split else each.coarse, []).append(each)
    reports = [report(mode, mode in split, runs, filed) for mode, runs in members.items()]
    return sorted(reports, key=lambda each: (-len(each.members), each.mode))

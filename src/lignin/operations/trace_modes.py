"""Failure modes of the runs that were taken in."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from lignin.domain.errors import NotFoundError
from lignin.domain.modes import ANY_FAILURE
from lignin.domain.states import Row
from lignin.evals.releases import sealed_sessions
from lignin.operations.context import Context
from lignin.operations.filing import file_new
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.ports.ledger import View, every_row
from lignin.traces.modes.report import Filed, ModeReport, report
from lignin.traces.view import told


class TraceModes(Request):
    limit: int = Field(50, ge=1, le=1000, description="at most so many modes")
    after: str | None = Field(None, description="go on after this mode")


class TraceMode(Request):
    mode: str = positional("a mode's id, as `trace modes` shows it")


class ModeMember(Response):
    session: str = Field(description="the session's id")
    source: str = Field(description="the file it came from")
    path: str = Field(description="that file with the folder it lay in")
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

    def to_text(self) -> str:
        lines = [f"{self.judged} runs judged, {self.failed} failed, {self.total} failure modes"]
        for each in self.items:
            lines += ["", *_lines(each)]
        if self.next_after:
            lines += ["", f"more: --after {self.next_after}"]
        return told(lines)


class ModeMove(Response):
    event: str = Field(description="founded, split off or merged back")
    at: str = Field(description="when")
    runs: int | None = Field(description="the runs that it stood on")


class ModeShown(ModeView):
    coarse: str | None = Field(description="the mode it was split off from, where it is one")
    history: list[ModeMove] = Field(description="what became of it, oldest first")

    def to_text(self) -> str:
        moves = [f"  {move.at}  {move.event}" for move in self.history]
        runs = [f"  {m.session}  {m.source} task {m.task_id} trial {m.trial}" for m in self.members]
        return told([*_lines(self), "", *moves, "", *runs])


def _lines(mode: ModeView) -> list[str]:
    """What is told of a mode to a person."""
    lines = [f"{mode.mode}  {mode.name}: {mode.runs} runs", f"  {mode.description}"]
    blamed = "nothing sure" if mode.layer == "undetermined" else mode.layer
    lines.append(f"  to blame: {blamed} ({mode.reason})")
    lines.append(f"  {mode.older} in the older half of all runs, {mode.newer} in the newer")
    if mode.cost_microusd is not None:
        lines.append(f"  they cost ${mode.cost_microusd / 1e6:.2f}")
    if mode.models:
        lines.append("  models: " + ", ".join(f"{name} {n}" for name, n in mode.models.items()))
    lines.append(f"  seen best in {', '.join(mode.exemplars)}")
    return lines


@operation("trace.modes", effect="write", idempotent=True)
def modes(context: Context, request: TraceModes) -> ModesListed:
    """Cluster the failed runs that were taken in into failure modes with stable ids.

    Only tasks with new runs are looked at again. Runs of one task are compared with each other, so
    no outcome need be known.
    """
    file_new(context)
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
    coarse = row.parent if row and row.parent != ANY_FAILURE else None
    return ModeShown(**_told(found), coarse=coarse, history=history)


_MOVES = {"mode.founded": "founded", "mode.split": "split off", "mode.merged": "merged back"}


def _told(found: ModeReport) -> dict[str, Any]:
    members = [
        ModeMember(
            session=each.session,
            source=each.facts["source"],
            path=each.facts.get("path", ""),
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


def _filed(view: View) -> Iterator[Filed]:
    errors: dict[str, str] = {}
    sealed = sealed_sessions(view)
    for row in every_row(view, "filing"):
        if row.key in sealed:
            continue
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
        manner=signature.get("manner", ""),
        tool=signature.get("tool", ""),
        arguments=tuple(signature.get("arguments", ())),
        votes=signature.get("votes", 0),
        artifacts=tuple(signature.get("artifacts", ())),
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

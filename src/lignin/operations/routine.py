"""Routines: what agents do again and again, mined from the runs that were taken in."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import Field

from lignin.domain.codec import Json
from lignin.domain.counts import counted
from lignin.domain.routines import Routine
from lignin.domain.states import Row
from lignin.operations.context import Context
from lignin.operations.off_heads import found_wrong
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.routinework import induce_routines, read_runs, told_of, too_few, untold
from lignin.ports.ledger import View, every_row, require_known
from lignin.traces.routines.cover import cover as cover_runs
from lignin.traces.routines.draw import draw, name_of
from lignin.traces.routines.induce import LIMIT, Refused
from lignin.traces.routines.service import read, refusals, standing
from lignin.traces.view import told


class RoutineInduce(Request):
    limit: int = Field(LIMIT, ge=1, le=1000, description="at most so many, what saves most first")


class RoutineList(Request):
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this routine")


class RoutineShow(Request):
    routine: str = positional("a routine's id, as `routine list` shows it")


class RoutineCover(Request):
    traces: list[str] = Field(description="trace files or folders; they are read and not kept")
    first: int = Field(1000, ge=1, le=1000, description="with the first so many routines only")
    passing: bool = Field(False, description="only runs that are declared to have passed")


class RoutineView(Response):
    routine: str = Field(description="the routine's id: the hash of its steps")
    name: str = Field(description="its tools; `*` for each of a list, `[ ]` in some uses")
    parameters: list[str] = Field(description="what varies between uses")
    occurrences: int = Field(description="uses in passing runs")
    sessions: int = Field(description="passing runs with a use")
    applied: int | None = Field(
        None,
        description="uses that can be made at one go: nothing else is changed between the steps",
    )
    tasks: int = Field(description="their tasks")
    models: list[str] = Field(description="their models")
    failing: int = Field(description="uses in failing runs")
    wrong: str = Field(description="what proving it found against it, and what is proposed")
    proof: str = Field(
        description="what `routine prove` came to: proven, refused, inconclusive, not tried"
    )
    why: str = Field(description="why it is not proven, where it was tried")
    heads: list[str] = Field(description="heads whose stable revision has its proven program")


class RefusedView(Response):
    tools: list[str] = Field(description="what recurs")
    reason: str = Field(description="why it is no routine")
    passing: int = Field(description="uses in passing runs")
    failing: int = Field(description="uses in failing runs")


class RoutinesListed(Listed):
    items: list[RoutineView] = Field(description="this page, what saves most first")
    refused: list[RefusedView] = Field(description="what recurs and is no routine")
    passed: int = Field(description="runs that passed, declared or judged: these support routines")
    failed: int = Field(description="runs that failed, declared or surely judged")
    unknown: int = Field(description="runs with no known outcome: they support nothing")

    def to_text(self) -> str:
        lines = [f"routines: {self.total}", *untold(self.passed, self.failed, self.unknown)]
        lines += too_few(self.passed)
        for each in self.items:
            lines += [
                "",
                f"{each.routine}  {each.name}",
                f"  {counted(each.occurrences, 'use')} in {counted(each.sessions, 'passing run')} of "
                f"{counted(each.tasks, 'task')}, {each.failing} in failing runs"
                f"{_at_one_go(each)}; "
                f"takes {', '.join(each.parameters) or 'nothing'}",
                f"  {_standing(each)}",
            ]
        if self.refused:
            lines += ["", "refused:"]
            lines += [
                f"  {' > '.join(each.tools)}: {each.reason} "
                f"({counted(each.passing, 'use')} in passing runs, {each.failing} in failing)"
                for each in self.refused
            ]
        if self.next_after:
            lines += ["", f"more: --after {self.next_after}"]
        return told(lines)


class RoutineShown(RoutineView):
    state: str = Field(description="induced, or withdrawn")
    content: dict[str, Json] = Field(description="the routine itself: steps, parameters, support")
    drawn: list[str] = Field(description="the same for a person")
    history: list[dict[str, str]] = Field(description="what became of it, oldest first")
    form: list[str] = Field(
        description="where the form that was proven is another than the routine; empty where it is not"
    )
    served: dict[str, Json] = Field(
        description="tasks that its program was run for: how many, handed over, for which reasons"
    )

    def to_text(self) -> str:
        lines = [*self.drawn, f"  {_standing(self)}"]
        lines += [f"    in the form in which {each}" for each in self.form]
        if served := self.served:
            tasks = counted(served["runs"], "task")
            lines.append(f"  served {tasks}, handed over {served['handed_over']}")
            lines += [f"    {why}: {count}" for why, count in served["reasons"].items()]
        if self.state != "induced":
            lines.append(f"  {self.state}")
        return told([*lines, "", *(f"  {each['at']}  {each['event']}" for each in self.history)])


class Covered(Response):
    steps: int = Field(description="tool calls")
    covered: int = Field(description="calls inside an applied use of a routine")
    units: int = Field(description="calls after rewriting, a use being one")
    coverage: float | None = Field(description="covered / steps; none where there are no calls")
    compression: float | None = Field(description="steps / units; none where there are no calls")
    replayed: int = Field(description="applied uses; each was replayed")
    equivalent: int = Field(description="those whose replay makes the run's own calls")
    at_once: int = Field(description="those whose parameters were known before their first step")
    runs: int = Field(description="runs that were looked at")
    left_out: int = Field(description="runs that do not declare to have passed, with --passing")
    routines: int = Field(description="routines they were rewritten with")

    def to_text(self) -> str:
        if self.left_out and not self.runs:
            runs = f"{counted(self.left_out, 'run')} read, and none declares to have passed"
            return f"{runs}: without `--passing` all are looked at"
        if not self.steps:
            return f"{counted(self.runs, 'run')} without calls"
        return (
            f"{self.covered} of {counted(self.steps, 'call')} of {counted(self.runs, 'run')} are inside "
            f"uses of {counted(self.routines, 'routine')} ({self.coverage:.1%})\n"
            f"rewritten: {counted(self.units, 'unit')}, {self.compression:.2f} calls each\n"
            f"replayed: {counted(self.replayed, 'use')}, of which {self.equivalent} with the run's own "
            f"calls; in {self.at_once} every parameter is known before the start"
        )


@operation("routine.induce", effect="write", idempotent=True)
def induce(context: Context, request: RoutineInduce) -> RoutinesListed:
    """Mine routines from the runs that were taken in: what agents do again and again.

    Only runs that passed support a routine, declared or judged; runs that were read before are not
    read again. No model is asked.
    """
    found = induce_routines(context, request.limit)
    return RoutinesListed(
        items=_views(context, found.routines),
        total=len(found.routines),
        refused=[_refused(each) for each in found.refused],
        **_runs(context),
    )


@operation("routine.list", effect="read", idempotent=True)
def list_(context: Context, request: RoutineList) -> RoutinesListed:
    """List the routines that stand, what saves most first."""
    with context.view() as view:
        routines, refused = standing(view), refusals(view)
    names = [each.routine_id for each in routines]
    start = names.index(request.after) + 1 if request.after in names else 0
    page = routines[start : start + request.limit]
    is_end = start + request.limit >= len(routines)
    return RoutinesListed(
        items=_views(context, page),
        total=len(routines),
        next_after=None if is_end else page[-1].routine_id,
        refused=[_refused(each) for each in refused],
        **_runs(context),
    )


@operation("routine.show", effect="read", idempotent=True)
def show(context: Context, request: RoutineShow) -> RoutineShown:
    """Draw one routine: parameters, steps with where each argument comes from, guards, support."""
    with context.view() as view:
        row = require_known(view, f"routine/{request.routine}")
        routine = read(view, row)
        history = [
            {"at": event.at, "event": event.type.partition(".")[2]}
            for event in view.events(row.stream)
            if event.type != "routine.counted"
        ]
        standing_ = _standings(context, view, [row])[row.key]
    return RoutineShown(
        **_told(routine),
        **standing_,
        state=str(row.state),
        content=routine.to_json(),
        drawn=draw(routine),
        history=history,
        form=list((row.body.get("proof") or {}).get("differs", ())),
        served=dict(row.body.get("served") or {}),
    )


@operation("routine.cover", effect="read", idempotent=True, remote=False)
def cover(context: Context, request: RoutineCover) -> Covered:
    """Measure how the routines cover traces that are read but not kept.

    Every use that is applied is replayed against what the run itself got back.
    """
    every = runs = read_runs(context, request.traces)
    if request.passing:
        runs = [run for run in every if run.outcome == "success"]
    with context.view() as view:
        routines = standing(view)[: request.first]
    seen = cover_runs(routines, runs)
    return Covered(
        steps=seen.steps,
        covered=seen.covered,
        units=seen.units,
        coverage=seen.coverage,
        compression=seen.compression,
        replayed=seen.replayed,
        equivalent=seen.equivalent,
        at_once=seen.at_once,
        runs=len(runs),
        left_out=len(every) - len(runs),
        routines=len(routines),
    )


def _told(routine: Routine) -> dict[str, Any]:
    support = routine.support
    return {
        "routine": routine.routine_id,
        "name": name_of(routine),
        "parameters": [each.name for each in routine.parameters],
        "occurrences": support.occurrences,
        "sessions": len(support.sessions),
        "applied": support.applied,
        "tasks": support.tasks,
        "models": list(support.models),
        "failing": support.failing,
    }


def _at_one_go(view: RoutineView) -> str:
    if view.applied is None or view.applied >= view.occurrences:
        return ""
    return f", {view.applied} can be made at one go"


_MAX_WHY_CHARS = 200
_PROOFS = {"pass": "proven", "fail": "refused", "inconclusive": "inconclusive"}


def _runs(context: Context) -> dict[str, Any]:
    with context.view() as view:
        return asdict(told_of(view))


def _views(context: Context, routines: Sequence[Routine]) -> list[RoutineView]:
    with context.view() as view:
        rows = view.rows([f"routine/{each.routine_id}" for each in routines])
        found = _standings(context, view, rows.values())
    return [RoutineView(**_told(each), **found[each.routine_id]) for each in routines]


def _standings(context: Context, view: View, rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """What proving each routine came to, and which heads serve what was proven."""
    slots = {
        head.key: context.harness.resolve(view, context.harness.stable(view, head.key)[0])
        for head in every_row(view, "head")
    }
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        proof = row.body.get("proof") or {}
        version = proof.get("version")
        found[row.key] = {
            "proof": _PROOFS.get(proof.get("verdict", ""), "not tried"),
            "why": str(proof.get("reason", "")),
            "wrong": found_wrong(view, row),
            "heads": [
                head
                for head, filled in slots.items()
                if version and filled.get(proof["artifact"]) == version
            ],
        }
    return found


def _standing(view: RoutineView) -> str:
    told = view.proof if view.proof != "not tried" else "not proven yet"
    why = " ".join((view.wrong or view.why).split())
    told += f": {why[:_MAX_WHY_CHARS]}{'…' * (len(why) > _MAX_WHY_CHARS)}" if why else ""
    return told + (f"; served on {', '.join(view.heads)}" if view.heads else "")


def _refused(refused: Refused) -> RefusedView:
    return RefusedView(
        tools=list(refused.tools),
        reason=refused.reason,
        passing=refused.passing,
        failing=refused.failing,
    )

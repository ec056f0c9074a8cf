"""What routines spare: in runs that are rewritten with them, and where agents really called them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from lignin.domain.counts import counted, dollars
from lignin.domain.routines import Routine
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.operations.context import Context
from lignin.operations.detection import load_run
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.routine_proof import is_held_out
from lignin.operations.routinework import kept_runs, read_runs, routines_of
from lignin.operations.uses import versions_used
from lignin.ports.ledger import View, every_row, require_known
from lignin.traces.routines.apply import apply_routines
from lignin.traces.routines.encode import Encoded
from lignin.traces.routines.reuse import (
    DISTANCES,
    Reuse,
    Sum,
    distance_of,
    origin_of,
    reuses,
    summed,
)
from lignin.traces.routines.service import read, standing
from lignin.traces.routines.within import is_within
from lignin.traces.view import told

DIRECT = "direct call"
UPPER = "an upper bound: the routine stands on these runs"


class RoutineReuse(Request):
    routine: str = positional("a routine's id; default: all that stand, together", "")
    traces: list[str] = Field(
        default_factory=list,
        description="rewrite the runs of these files or folders instead; they are not kept",
    )


class SumView(Response):
    uses: int = Field(description="uses that runs are rewritten with")
    equivalent: int = Field(description="those whose replay makes the run's own calls")
    calls: int = Field(description="tool calls spared by the equivalent ones")
    turns: int = Field(description="turns of the model spared")
    input_tokens: int | None = Field(description="of those turns, where told; none: nowhere")
    output_tokens: int | None = Field(description="of those turns, where told; none: nowhere")
    tokens_known: int = Field(description="equivalent uses of which the traces tell the tokens")
    cost_microusd: int | None = Field(description="of those turns, where told; none: nowhere")
    cost_known: int = Field(description="equivalent uses of which the traces tell the cost")
    per_use: dict[str, float | None] = Field(
        description="the same per equivalent use, over those of which it is known"
    )


_MODELS = {True: "same", False: "other", None: "unknown"}


class ReuseGroup(SumView):
    basis: str = Field(description="`held out`, or `induced from`, which is an upper bound")
    at_once: bool = Field(
        description="every parameter was known before the first step; else one is chosen on the way"
    )
    distance: str = Field(description="from the runs it stands on: task, family, domain, other")
    model: str = Field(description="the run's model; empty where it is not told")
    same_model: bool | None = Field(
        description="a run that it stands on was of this model; null where the models are not told"
    )


class ReuseTotal(SumView):
    basis: str = Field(description="`held out`, or `induced from`, which is an upper bound")
    at_once: bool = Field(description="every parameter was known before the first step")


class RealCalls(Response):
    routine: str = Field(description="the routine's id")
    artifact: str = Field(description="the version that it was proven as")
    calls: int = Field(description="calls of it by agents in the runs that were taken in")
    sessions: int = Field(description="in how many runs")
    models: dict[str, int] = Field(description="calls by model")
    distances: dict[str, int] = Field(description="calls by distance from the runs it stands on")
    estimated_calls: float | None = Field(
        description="an estimate: tool calls spared per replayed use, times the calls"
    )
    estimated_tokens: float | None = Field(
        description="an estimate: tokens spared per replayed use, times the calls; none: not known"
    )


class ReuseReport(Response):
    runs: int = Field(description="runs that were looked at")
    rewritten: int = Field(description="runs with a use")
    routines: int = Field(description="routines they were rewritten with")
    totals: list[ReuseTotal] = Field(description="together, held out apart from the upper bound")
    groups: list[ReuseGroup] = Field(description="by basis, distance and model")
    real: list[RealCalls] = Field(description="calls of the proven programs by agents")

    def to_text(self) -> str:
        lines = [
            f"{self.rewritten} of {counted(self.runs, 'run')} can be rewritten with "
            f"{counted(self.routines, 'routine')}; "
            "each use was replayed, and only those that make the run's own calls spare anything"
        ]
        for total in self.totals:
            lines += ["", f"{total.basis}, {_known(total.at_once)}: {_said(total)}"]
            if total.basis != "held out":
                lines.append(f"  ({UPPER})")
            lines += [
                f"  {each.distance:12} {each.model or '(model not told)':24} "
                f"{_MODELS[each.same_model]} model: {_said(each)}"
                for each in self.groups
                if (each.basis, each.at_once) == (total.basis, total.at_once)
            ]
        for real in self.real:
            lines += [
                "",
                f"called by agents: {real.artifact}, {counted(real.calls, 'time')} in "
                f"{counted(real.sessions, 'run')}",
            ]
            if real.estimated_calls is not None:
                lines.append(f"  spares about {real.estimated_calls:.0f} calls (an estimate)")
        return told(lines)


def _known(at_once: bool) -> str:
    return "all known before the start" if at_once else "something chosen on the way"


def _said(total: SumView) -> str:
    tokens = "tokens not told"
    if total.input_tokens is not None and total.output_tokens is not None:
        tokens = counted(total.input_tokens + total.output_tokens, "token")
        if total.tokens_known < total.equivalent:
            tokens += f" (told of {total.tokens_known})"
    cost = "cost not told"
    if total.cost_microusd is not None:
        cost = dollars(total.cost_microusd)
    return (
        f"{total.equivalent} of {counted(total.uses, 'use')} equivalent, "
        f"spare {counted(total.calls, 'call')}, {counted(total.turns, 'turn')}, {tokens}, {cost}"
    )


@operation("routine.reuse", effect="read", idempotent=True)
def reuse(context: Context, request: RoutineReuse) -> ReuseReport:
    """Say what routines spare: calls, turns, tokens and cost, per use and in total.

    Runs are rewritten with the routines and each use replayed. What comes of runs that a routine does
    not stand on is told apart from the rest, which is an upper bound; by model and by distance of
    reuse. Beside it: calls of the proven programs by agents. What traces do not tell is none.
    """
    with context.view() as view:
        routines = _asked(view, request.routine)
    kept = {run.session: run for run in kept_runs(context)}
    origins = _origins(context, routines, kept)
    passing = sum(run.passed is not False for run in kept.values())
    given = list(
        _given(context, request.traces) if request.traces else _stored(context, routines, kept)
    )
    found = [each for session, run in given for each in reuses(routines, run, session, origins)]
    return ReuseReport(
        runs=len(given) if request.traces else passing,
        rewritten=len({each.session for each in found}),
        routines=len(routines),
        totals=_totals(found),
        groups=_groups(found),
        real=_real(context, routines, _Known(kept, origins, found)),
    )


def _asked(view: View, routine: str) -> tuple[Routine, ...]:
    return (read(view, require_known(view, f"routine/{routine}")),) if routine else standing(view)


def _origins(
    context: Context, routines: Sequence[Routine], kept: Mapping[str, Encoded]
) -> dict[str, list[Encoded]]:
    """The runs that each routine stands on: where it also comes of the rest alone, without those that
    are held out."""
    others = routines_of(context, lambda session: not is_held_out(session)) if routines else ()
    proven = {r.routine_id for r in routines if any(is_within(r, other) for other in others)}
    return {
        each.routine_id: [
            kept[session]
            for session in each.support.sessions
            if session in kept and not (each.routine_id in proven and is_held_out(session))
        ]
        for each in routines
    }


def _stored(
    context: Context, routines: Sequence[Routine], kept: Mapping[str, Encoded]
) -> Iterator[tuple[str, Trajectory]]:
    """The stored runs that have a use and did not fail."""
    chosen = [
        session
        for session, run in sorted(kept.items())
        if run.passed is not False and apply_routines(routines, run)
    ]
    with context.view() as view:
        for number, session in enumerate(chosen):
            context.progress("rewriting runs", number, len(chosen))
            if run := load_run(context, view, session):
                yield session, run


def _given(context: Context, paths: Sequence[str]) -> Iterator[tuple[str, Trajectory]]:
    """The runs of some files, under the names of the stored sessions that they are, if any."""
    with context.view() as view:
        known = {
            (row.body["source"], row.body["origin"]): row.key
            for row in every_row(view, "session")
            if "source" in row.body
        }
    for run in read_runs(context, paths):
        if run.outcome != "failure":
            yield known.get((run.source, run.session), run.session), run


def _totals(found: Sequence[Reuse]) -> list[ReuseTotal]:
    parts = _parted(found, lambda each: (each.basis != "held out", not each.at_once))
    return [
        ReuseTotal(basis=uses[0].basis, at_once=uses[0].at_once, **_sum(summed(uses)))
        for uses in parts
    ]


def _groups(found: Sequence[Reuse]) -> list[ReuseGroup]:
    parts = _parted(
        found,
        lambda each: (
            each.basis != "held out",
            not each.at_once,
            DISTANCES.index(each.distance),
            each.model,
            str(each.same_model),
        ),
    )
    return [
        ReuseGroup(
            basis=uses[0].basis,
            at_once=uses[0].at_once,
            distance=uses[0].distance,
            model=uses[0].model,
            same_model=uses[0].same_model,
            **_sum(summed(uses)),
        )
        for uses in parts
    ]


def _parted(found: Iterable[Reuse], key: Any) -> list[list[Reuse]]:
    parts: dict[Any, list[Reuse]] = {}
    for each in found:
        parts.setdefault(key(each), []).append(each)
    return [parts[name] for name in sorted(parts)]


def _sum(total: Sum) -> dict[str, Any]:
    facts = {name: getattr(total, name) for name in total.__dataclass_fields__}
    per_use = {
        "calls": _share(total.calls, total.equivalent),
        "turns": _share(total.turns, total.equivalent),
        "input_tokens": _share(total.input_tokens, total.tokens_known),
        "output_tokens": _share(total.output_tokens, total.tokens_known),
        "cost_microusd": _share(total.cost_microusd, total.cost_known),
    }
    return {**facts, "per_use": per_use}


def _share(total: int | None, count: int) -> float | None:
    return None if total is None or not count else round(total / count, 2)


@dataclass(frozen=True, slots=True)
class _Called:
    version: str
    session: str


@dataclass(frozen=True, slots=True)
class _Known:
    """The runs as they were read, those that each routine stands on, and the uses in rewritten ones."""

    kept: Mapping[str, Encoded]
    origins: Mapping[str, Sequence[Encoded]]
    found: Sequence[Reuse]


def _real(context: Context, routines: Sequence[Routine], known: _Known) -> list[RealCalls]:
    """What agents really called of the programs that the routines were proven as."""
    with context.view() as view:
        rows = view.rows([f"routine/{each.routine_id}" for each in routines])
        proven = {
            row.key: f"{proof['artifact']}@{proof['version']}"
            for row in rows.values()
            if (proof := row.body.get("proof")) and proof.get("artifact")
        }
        calls = list(_calls(context, view, frozenset(proven.values()))) if proven else []
    views = []
    for routine, version in proven.items():
        mine = [each for each in calls if each.version == version]
        if mine:
            views.append(_real_view(routine, mine, known))
    return views


def _calls(context: Context, view: View, versions: frozenset[str]) -> Iterator[_Called]:
    rows: list[Row] = [row for row in every_row(view, "session") if "source" in row.body]
    for number, row in enumerate(rows):
        context.progress("looking for calls", number, len(rows))
        run = load_run(context, view, row.key)
        used = versions_used(context, view, row, run) if run else {}
        for version in versions & used.keys():
            if used[version].startswith(DIRECT):
                yield _Called(version, row.key)


def _real_view(routine: str, calls: Sequence[_Called], known: _Known) -> RealCalls:
    origin = origin_of(known.origins[routine])
    runs = [known.kept[each.session] for each in calls if each.session in known.kept]
    usual = summed(each for each in known.found if each.routine == routine)
    spared = _share(usual.calls, usual.equivalent)
    tokens = None
    if usual.input_tokens is not None and usual.output_tokens is not None:
        tokens = _share(usual.input_tokens + usual.output_tokens, usual.tokens_known)
    return RealCalls(
        routine=routine,
        artifact=calls[0].version,
        calls=len(calls),
        sessions=len({each.session for each in calls}),
        models=_counted(run.model for run in runs if run.model),
        distances=_counted(distance_of(run, origin) for run in runs),
        estimated_calls=None if spared is None else round(spared * len(calls), 1),
        estimated_tokens=None if tokens is None else round(tokens * len(calls), 1),
    )


def _counted(values: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return dict(sorted(found.items()))

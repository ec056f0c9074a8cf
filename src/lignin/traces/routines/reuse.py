"""What runs would have spared with routines, counted use by use. Pure.

A use is one that the run can be rewritten with and whose replay makes the run's own calls. With it, the
turn of its first call stays and becomes the one call of the routine; the turns all of whose calls are
inside the use fall away, with the tokens and the cost that the trace tells of them. What later turns
would be spared for having less before them is not counted. What a trace does not tell is None.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.routines import Routine
from lignin.domain.traces import Step, Trajectory
from lignin.traces.routines.apply import Occurrence, apply_routines
from lignin.traces.routines.cover import is_equivalent, is_known_before, results_of
from lignin.traces.routines.encode import Encoded, encode

Basis = Literal["induced from", "held out"]
Distance = Literal["same task", "same family", "same domain", "other"]
DISTANCES: tuple[Distance, ...] = ("same task", "same family", "same domain", "other")
SAME_DOMAIN = 0.8
"""Runs are of one domain where this share of the tools of one is among those of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What one use spares; None where the trace does not tell."""

    calls: int
    turns: int
    input_tokens: int | None
    output_tokens: int | None
    cost_microusd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The runs that a routine stands on, as far as other runs are compared with them."""

    sessions: frozenset[str]
    tasks: frozenset[str]
    families: frozenset[frozenset[str]]
    tools: frozenset[str]
    models: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """One use of a routine in a run that is rewritten with it.

    Args:
        basis: Whether the routine stands on this run, or was not known from it.
        distance: How near the run is to those that the routine stands on, itself left out.
        same_model: One of those is of the run's model; None where the run or those do not tell theirs.
        at_once: Every parameter was known before the first step; else one was chosen on the way.
        saved: What it spares; None where its replay does not make the run's own calls.
    """

    routine: str
    session: str
    model: str
    basis: Basis
    distance: Distance
    same_model: bool | None
    at_once: bool
    saved: Saved | None


def of_one_model(origin: Origin, run: Encoded) -> bool | None:
    """True where a run is of a model that an origin's runs are of; None where either is not told."""
    return run.model in origin.models if run.model and origin.models else None


def origin_of(runs: Iterable[Encoded]) -> Origin:
    """Return what the runs that a routine stands on come to."""
    known = list(runs)
    return Origin(
        sessions=frozenset(run.session for run in known),
        tasks=frozenset(run.task for run in known),
        families=frozenset(filter(None, map(family_of, known))),
        tools=frozenset(tool for run in known for tool in run.tools),
        models=frozenset(run.model for run in known if run.model),
    )


def family_of(run: Encoded) -> frozenset[str]:
    """What a run is about, told by which of its tools may change something; empty for none."""
    return frozenset(call.tool for call in run.calls if call.counts and call.changes)


def distance_of(run: Encoded, origin: Origin) -> Distance:
    """How near a run is to those that a routine stands on."""
    shared = len(run.tools & origin.tools)
    if not run.tools or shared < SAME_DOMAIN * len(run.tools):
        return "other"
    if run.task in origin.tasks:
        return "same task"
    return "same family" if family_of(run) in origin.families else "same domain"


def reuses(
    routines: Sequence[Routine],
    trajectory: Trajectory,
    session: str,
    origins: Mapping[str, Sequence[Encoded]],
) -> Iterator[Reuse]:
    """Yield the uses that a run is rewritten with.

    Args:
        session: The run's, as the origins name theirs.
        origins: By routine the runs that it stands on; the run itself may be among them.
    """
    run, results = encode(trajectory, None), results_of(trajectory)
    steps = steps_of_calls(trajectory)
    for routine, use in apply_routines(routines, run):
        known = origins[routine.routine_id]
        origin = origin_of(each for each in known if each.session != session)
        is_own = any(each.session == session for each in known)
        replayed = is_equivalent(routine, use, results)
        yield Reuse(
            routine=routine.routine_id,
            session=session,
            model=run.model,
            basis="induced from" if is_own else "held out",
            distance=distance_of(run, origin),
            same_model=of_one_model(origin, run),
            at_once=is_known_before(routine, use),
            saved=saved_by(use, steps) if replayed else None,
        )


def steps_of_calls(trajectory: Trajectory) -> tuple[Step, ...]:
    """Return for each of the agent's calls the turn that made it."""
    return tuple(
        step for step in trajectory.steps for call in step.calls if call.requestor == "assistant"
    )


def saved_by(use: Occurrence, steps: Sequence[Step]) -> Saved:
    """Return what a use spares in a run.

    Args:
        steps: For each call of the run the turn that made it.
    """
    places = set(use.places)
    mixed = {id(step) for place, step in enumerate(steps) if place not in places}
    first = steps[min(places)]
    gone = {
        id(steps[place]): steps[place]
        for place in sorted(places)
        if id(steps[place]) not in mixed and steps[place] is not first
    }
    turns = list(gone.values())
    return Saved(
        calls=len(places) - 1,
        turns=len(turns),
        input_tokens=_sum(step.input_tokens for step in turns),
        output_tokens=_sum(step.output_tokens for step in turns),
        cost_microusd=_sum(map(_cost, turns)),
    )


def _cost(step: Step) -> int | None:
    """What a turn cost; one that cost nothing though it took tokens was not priced."""
    tokens = (step.input_tokens or 0) + (step.output_tokens or 0)
    return None if tokens and not step.cost_microusd else step.cost_microusd


def _sum(values: Iterable[int | None]) -> int | None:
    """The sum; None where one of them is not known. Nothing that falls away costs nothing."""
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What some uses come to together; a total is over those that are known, None where none is.

    Args:
        uses: Uses that the runs are rewritten with.
        equivalent: Those whose replay makes the run's own calls; only these spare anything.
        calls: Tool calls spared.
        turns: Turns of the model spared.
        tokens_known: Equivalent uses of which the trace tells the tokens.
        cost_known: Those of which it tells the cost.
    """

    uses: int
    equivalent: int
    calls: int
    turns: int
    input_tokens: int | None
    output_tokens: int | None
    tokens_known: int
    cost_microusd: int | None
    cost_known: int


def summed(found: Iterable[Reuse]) -> Sum:
    """Return what uses come to together."""
    uses = list(found)
    saved = [each.saved for each in uses if each.saved]
    told = [
        (each.input_tokens, each.output_tokens)
        for each in saved
        if each.input_tokens is not None and each.output_tokens is not None
    ]
    costs = [each.cost_microusd for each in saved if each.cost_microusd is not None]
    return Sum(
        uses=len(uses),
        equivalent=len(saved),
        calls=sum(each.calls for each in saved),
        turns=sum(each.turns for each in saved),
        input_tokens=sum(one for one, _ in told) if told else None,
        output_tokens=sum(other for _, other in told) if told else None,
        tokens_known=len(told),
        cost_microusd=sum(costs) if costs else None,
        cost_known=len(costs),
    )

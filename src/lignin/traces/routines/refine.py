"""What speaks against a routine in runs that it does not come from, and what it becomes then. Pure.

A routine is refused by name: *poisoned*, *trivial* or *over-generalised*. A constant that other runs
contradict becomes a parameter, a guard that passing uses contradict goes, and where some uses come to
something else than the run, the routine is kept for those that a condition tells from them. Such a
condition is taken from one half of the uses and has to hold for the other.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.domain.codec import Json
from lignin.domain.ids import drawn
from lignin.domain.routines import (
    Constant,
    Guard,
    Parameter,
    Reference,
    Routine,
    RoutineStep,
    Use,
    moved,
    parameters_in,
    parse_reference,
    renumbered,
)
from lignin.traces.routines.apply import Occurrence, find_uses
from lignin.traces.routines.compose import parameter_name, type_of
from lignin.traces.routines.encode import Encoded
from lignin.traces.routines.guards import guarded, separating
from lignin.traces.routines.preconditions import broken_guards, given, is_chosen
from lignin.traces.routines.unify import AGREE
from lignin.traces.routines.values import MAX_FACT_CHARS, key_of

SURE = 0.01
MOST_ROUNDS = 3
HALF = 0.5
LEAST = 3
"""A guard has to have held in so many uses."""
FEWEST = 2
"""So many uses have to speak against a constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What speaks against a routine, and what it becomes; None where nothing helps."""

    reason: str
    change: str = ""
    refined: Routine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A use in a run that was held out, and whether the program came to what the run did."""

    run: Encoded
    use: Occurrence
    is_equal: bool


def guarded_by(routine: Routine, runs: Sequence[Encoded]) -> Routine:
    """Return a routine with the guards that some runs alone show."""
    plain = _unguarded(routine)
    passing = [(run, find_uses(plain, run)) for run in runs if run.passed]
    return guarded(plain, passing, runs, LEAST)


def against(
    routine: Routine, held_out: Sequence[Encoded], every: Sequence[Encoded]
) -> Ruling | None:
    """Return what runs that were held out say against a routine; None where they say nothing.

    Args:
        held_out: Runs that it does not come from.
        every: All runs, also those that failed.
    """
    passing = [run for run in held_out if run.passed]
    return (
        _trivial(routine)
        or poisoned(routine, every)
        or _overgeneralised(routine, passing)
        or _contradicted(routine, passing)
    )


def _trivial(routine: Routine) -> Ruling | None:
    steps = routine.steps
    if len(steps) == 1 and not steps[0].is_repeated:
        return Ruling(reason="trivial: one call, nothing is saved")
    return None


def poisoned(routine: Routine, every: Sequence[Encoded]) -> Ruling | None:
    """Refuse what failing runs do and passing ones hardly: more than chance would bring."""
    plain = _unguarded(routine)
    judged = [run for run in every if run.passed is not None]
    using = [run for run in judged if find_uses(plain, run)]
    failing = sum(run.passed is False for run in using)
    failed = sum(run.passed is False for run in judged)
    if 2 * failing <= len(using) or _at_least(failing, len(using), failed, len(judged)) >= SURE:
        return None
    reason = (
        f"poisoned: {failing} of the {len(using)} runs with a use failed, "
        f"of all {len(judged)} runs {failed}"
    )
    return Ruling(reason=reason)


def _at_least(hits: int, drawn_: int, marked: int, total: int) -> float:
    """How probable it is that so many of those drawn are marked, by accident."""
    ways = sum(
        math.comb(marked, n) * math.comb(total - marked, drawn_ - n)
        for n in range(hits, min(marked, drawn_) + 1)
    )
    return ways / math.comb(total, drawn_)


def _overgeneralised(routine: Routine, passing: Sequence[Encoded]) -> Ruling | None:
    """Refuse a constant that other runs contradict; it becomes a parameter."""
    for number, step in enumerate(routine.steps):
        for name, slot in step.arguments.items():
            if not isinstance(slot, Constant):
                continue
            looser = _given(_unguarded(routine), number, name, slot)
            values = [
                (run.task, key_of(call.raw[call.names.index(name)]))
                for run in passing
                for use in find_uses(looser, run, applied=True)
                for call in use.groups[number][:1]
            ]
            wrong = [task for task, value in values if value != key_of(slot.value)]
            if len(set(wrong)) < FEWEST or len(wrong) <= (1 - AGREE) * len(values):
                continue
            return Ruling(
                reason=f"over-generalised: {name} of {step.tool} is {slot.value!r}, and is not in "
                f"{len(wrong)} of {len(values)} uses that were held out",
                change=f"{name} of {step.tool} is given",
                refined=_given(routine, number, name, slot),
            )
    return None


def _given(routine: Routine, number: int, name: str, slot: Constant) -> Routine:
    """The routine with a parameter in the place of a constant."""
    step = routine.steps[number]
    kind = type_of([slot.value])
    taken = {each.name for each in routine.parameters}
    parameter = Parameter(name=parameter_name(step.tool, name, kind, taken), type=kind)
    loose = replace(step, arguments={**step.arguments, name: Use(parameter.name)})
    return replace(_with_step(routine, number, loose), parameters=(*routine.parameters, parameter))


def _contradicted(routine: Routine, passing: Sequence[Encoded]) -> Ruling | None:
    """Refuse a guard that does not hold before a use that passed."""
    plain = _unguarded(routine)
    for run in passing:
        for use in find_uses(plain, run, applied=True):
            for number, guard in broken_guards(routine, use.groups, use.bindings):
                step = routine.steps[number]
                rest = tuple(each for each in step.guards if each != guard)
                at = guard.at.parameter if isinstance(guard.at, Use) else str(guard.at)
                asked = f"that {at} is {guard.expected(repr)}"
                return Ruling(
                    reason=f"over-strict: {step.tool} asks {asked}, and a run passed without",
                    change=f"{step.tool} no longer asks {asked}",
                    refined=_with_step(routine, number, replace(step, guards=rest)),
                )
    return _chosen_elsewhere(routine, plain, passing)


def _chosen_elsewhere(
    routine: Routine, plain: Routine, passing: Sequence[Encoded]
) -> Ruling | None:
    """Refuse to ask that parameters are among what was read where a use that passed had others."""
    uses = [use for run in passing for use in find_uses(plain, run, applied=True)]
    wrong = {
        each.name
        for each in routine.parameters
        if each.checked and not all(is_chosen(routine, each, use.groups) for use in uses)
    }
    if not wrong:
        return None
    told = ", ".join(sorted(wrong))
    parameters = tuple(
        replace(each, checked=each.checked and each.name not in wrong)
        for each in routine.parameters
    )
    return Ruling(
        reason=f"over-strict: {told} had to be among what was read, and a run passed without",
        change=f"{told} may be anything",
        refined=replace(routine, parameters=parameters),
    )


def after(routine: Routine, trials: Sequence[Trial]) -> Ruling:
    """Return what a routine becomes some of whose uses come to something else than the run did."""
    failed = [each for each in trials if not each.is_equal]
    reason = f"it left another state than the run in {len(failed)} of {len(trials)}"
    halves: tuple[list[Trial], list[Trial]] = ([], [])
    for each in trials:
        halves[drawn(f"refine {each.run.session}") < HALF].append(each)
    for seen, other in (halves, halves[::-1]):
        passed = [_known(routine, each) for each in seen if each.is_equal]
        wrong = [_known(routine, each) for each in seen if not each.is_equal]
        if not passed or not wrong:
            continue
        for path, how, value in separating(passed, wrong):
            refined, change = _split(routine, Guard(at=Use(path), how=how, value=value))
            if all(each.is_equal for each in other if _is_kept(refined, each)) and any(
                each.is_equal and _is_kept(refined, each) for each in other
            ):
                return Ruling(reason=reason, change=change, refined=refined)
    return Ruling(reason=f"{reason}, and nothing tells which")


def _is_kept(routine: Routine, trial: Trial) -> bool:
    found = find_uses(routine, trial.run, applied=True)
    return any(use.places == trial.use.places for use in found)


def _known(routine: Routine, trial: Trial) -> tuple[str, dict[str, Json]]:
    """What was known before the first step that changes something, and which steps were done."""
    known: dict[str, Json] = {}
    groups = trial.use.groups
    first = _first_change(routine)
    for number, (step, group) in enumerate(zip(routine.steps, groups, strict=True)):
        if step.is_optional:
            known[f"?{number}"] = bool(group)
        elif not step.is_repeated and number < first:
            known |= {f"${number + 1}{path}": told for path, told in group[0].facts.items()}
    for each in routine.parameters:
        told = given(routine, each.name, groups)
        if isinstance(told, int | float) or (isinstance(told, str) and len(told) <= MAX_FACT_CHARS):
            known[each.name] = told
    return trial.run.task, known


def _first_change(routine: Routine) -> int:
    changing = (number for number, step in enumerate(routine.steps) if step.changes)
    return next(changing, len(routine.steps) - 1)


def _split(routine: Routine, guard: Guard) -> tuple[Routine, str]:
    """The routine for the uses that a condition keeps: a guard, or an optional step always or never."""
    assert isinstance(guard.at, Use)
    path = guard.at.parameter
    if path.startswith("?"):
        number = int(path[1:])
        step = routine.steps[number]
        if guard.value is True:
            kept = replace(step, is_optional=False)
            return _with_step(routine, number, kept), f"{step.tool} is always called"
        return _without(routine, number), f"{step.tool} is never called"
    number = _first_change(routine)
    step = routine.steps[number]
    if path.startswith("$"):
        guard = replace(guard, at=parse_reference(path))
    asked = replace(step, guards=(*step.guards, guard))
    return (
        _with_step(routine, number, asked),
        f"{step.tool} asks that {path} is {guard.expected(repr)}",
    )


def _without(routine: Routine, number: int) -> Routine:
    """The routine without a step, and without the parameters that only that one takes."""
    numbers = [each for each in range(len(routine.steps)) if each != number]
    places = {old: new for new, old in enumerate(numbers)}
    steps = tuple(
        replace(
            step,
            arguments={name: renumbered(slot, places) for name, slot in step.arguments.items()},
            guards=tuple(
                guard if isinstance(guard.at, Use) else replace(guard, at=moved(guard.at, places))
                for guard in step.guards
                if isinstance(guard.at, Use) or guard.at.step != number
            ),
        )
        for place, step in enumerate(routine.steps)
        if place != number
    )
    used = {
        name for step in steps for slot in step.arguments.values() for name in parameters_in(slot)
    }
    return replace(
        routine,
        steps=steps,
        parameters=tuple(
            replace(
                each,
                among=_elsewhere(each.among, places),
                default=_elsewhere(each.default, places),
                shown_by=None if each.shown_by is None else places.get(each.shown_by),
            )
            for each in routine.parameters
            if each.name in used
        ),
    )


def _elsewhere(place: Reference | None, places: Mapping[int, int]) -> Reference | None:
    return moved(place, places) if place and place.step in places else None


def _with_step(routine: Routine, number: int, step: RoutineStep) -> Routine:
    steps = (*routine.steps[:number], step, *routine.steps[number + 1 :])
    return replace(routine, steps=steps)


def _unguarded(routine: Routine) -> Routine:
    return replace(
        routine,
        steps=tuple(replace(step, guards=()) for step in routine.steps),
        parameters=tuple(replace(each, checked=False) for each in routine.parameters),
    )

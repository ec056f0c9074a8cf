"""What has to hold before a step that changes something. Pure.

A guard is a short value in the result that one of the step's arguments came from: the same before
every use that passed, and another before one that failed (the call was refused, or the run failed).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from lignin.domain.routines import Guard, Reference, Routine, RoutineStep
from lignin.traces.routines.apply import Occurrence
from lignin.traces.routines.encode import Call, Encoded, Facts


def guarded(
    routine: Routine,
    passing: Sequence[tuple[Encoded, Sequence[Occurrence]]],
    every: Iterable[Encoded],
    least: int,
) -> Routine:
    """Return a routine with the guards of its steps.

    Args:
        passing: Passing runs with their uses of the routine.
        every: All runs, where calls that failed and those of failing runs are looked for.
        least: In how many uses a guard has to have held.
    """
    tools = {step.tool for step in routine.steps if step.changes}
    failed: dict[str, list[tuple[Encoded, Call]]] = defaultdict(list)
    for run in every:
        for call in run.calls:
            if call.tool in tools and (not call.works or run.passed is False):
                failed[call.tool].append((run, call))
    steps = tuple(
        replace(step, guards=tuple(_guards(routine, number, passing, failed[step.tool], least)))
        if step.changes and number
        else step
        for number, step in enumerate(routine.steps)
    )
    return replace(routine, steps=steps)


def _guards(
    routine: Routine,
    number: int,
    passing: Sequence[tuple[Encoded, Sequence[Occurrence]]],
    failed: Sequence[tuple[Encoded, Call]],
    least: int,
) -> Iterator[Guard]:
    told: set[str] = set()
    for earlier in reversed(range(number)):
        step = routine.steps[earlier]
        if step.tool in told:
            continue
        told.add(step.tool)
        held = [
            facts
            for run, uses in passing
            for use in uses
            for call in use.groups[number]
            if (facts := _before(run, call, step))
        ]
        not_held = [facts for run, call in failed if (facts := _before(run, call, step))]
        if len(held) < least:
            continue
        for path, value in sorted(held[0].items()):
            always = all(facts.get(path) == value for facts in held)
            if always and any(facts.get(path, value) != value for facts in not_held):
                where = f"[*]{path}" if step.is_repeated else path
                yield Guard(at=Reference(earlier, where), value=value)


def _before(run: Encoded, call: Call, step: RoutineStep) -> Facts | None:
    """What the nearest result of a step told, of those that an argument of the call came from."""
    places = {at for sources in call.sources for at, _ in sources if at < call.place}
    nearest = max((at for at in places if run.calls[at].tool == step.tool), default=None)
    return run.calls[nearest].facts if nearest is not None else None

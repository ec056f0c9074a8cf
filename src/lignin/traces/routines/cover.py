"""What runs come to when they are rewritten with routines, each use of one checked by replaying it.

A replay runs the routine with the use's parameters and answers each of its calls with what the run
itself got back there: the use is equivalent where the calls that come of it are the run's own. Pure.
"""

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lignin.domain.routines import Constant, Item, Reference, Routine, RoutineStep, Use
from lignin.domain.traces import Trajectory
from lignin.traces.effects import calls_of
from lignin.traces.routines.apply import Bindings, Occurrence, apply_routines
from lignin.traces.routines.encode import encode
from lignin.traces.routines.values import Key, key_of, parse_result

_TOKEN = re.compile(r"\.([^.\[]+)|\[(\d+)\]")

Asked = tuple[str, dict[str, Key]]
"""A tool and its arguments, in the form that compares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What runs come to when they are rewritten.

    Args:
        steps: Tool calls.
        covered: Calls inside an applied use.
        units: Calls after rewriting, a use being one.
        replayed: Applied uses, each of which is replayed.
        equivalent: Those whose replay makes the run's own calls.
        at_once: Those whose parameters were all known before their first step; in the others one was
            chosen on the way, from what an earlier step had returned.
    """

    steps: int = 0
    covered: int = 0
    units: int = 0
    replayed: int = 0
    equivalent: int = 0
    at_once: int = 0

    @property
    def coverage(self) -> float | None:
        """The share of the calls that is covered; None where there are none."""
        return self.covered / self.steps if self.steps else None

    @property
    def compression(self) -> float | None:
        """Calls per unit; None where there are none."""
        return self.steps / self.units if self.units else None


def cover(routines: Sequence[Routine], trajectories: Iterable[Trajectory]) -> Cover:
    """Rewrite runs with routines and return what comes of it."""
    steps = covered = replayed = equivalent = at_once = 0
    for trajectory in trajectories:
        run, results = encode(trajectory, None), results_of(trajectory)
        steps += len(run.calls)
        for routine, use in apply_routines(routines, run):
            covered += len(use.places)
            replayed += 1
            equivalent += is_equivalent(routine, use, results)
            at_once += is_known_before(routine, use)
    return Cover(
        steps=steps,
        covered=covered,
        units=steps - covered + replayed,
        replayed=replayed,
        equivalent=equivalent,
        at_once=at_once,
    )


def results_of(trajectory: Trajectory) -> tuple[Any, ...]:
    """Return what the agent's calls got back, in order."""
    return tuple(parse_result(made.call.observation or "") for made in calls_of(trajectory))


def is_equivalent(routine: Routine, use: Occurrence, results: Sequence[Any]) -> bool:
    """True where the routine, run with the use's parameters on the run's results, makes its calls."""
    calls = [call for group in use.groups for call in group]
    program = run_routine(routine, use.bindings)
    answer: Any = None
    for call in calls:
        try:
            asked = program.send(answer)
        except (StopIteration, LookupError, TypeError):
            return False
        if asked != (call.tool, dict(zip(call.names, call.keys, strict=True))):
            return False
        answer = results[call.place]
    try:
        program.send(answer)
    except StopIteration:
        return True
    return False


def run_routine(routine: Routine, bindings: Bindings) -> Generator[Asked, Any, list[Any]]:
    """Run a routine: yields each call it makes, is sent what comes back, and returns that by step.

    Raises:
        LookupError: A result has nothing at a place that a later argument refers to.
    """
    returned: list[Any] = []
    for step in routine.steps:
        answers = []
        for number in range(_times(step, bindings)):
            arguments = {
                name: _argument(slot, number, bindings, returned)
                for name, slot in step.arguments.items()
            }
            answers.append((yield step.tool, arguments))
        returned.append(answers if step.is_repeated else (answers or [None])[0])
    return returned


def _times(step: RoutineStep, bindings: Bindings) -> int:
    items = [slot.parameter for slot in step.arguments.values() if isinstance(slot, Item)]
    if items:
        return min(len(bindings.get(name, ())) for name in items)
    uses = [slot.parameter for slot in step.arguments.values() if isinstance(slot, Use)]
    return int(not step.is_optional or all(name in bindings for name in uses))


def _argument(
    slot: Constant | Use | Reference | Item,
    number: int,
    bindings: Mapping[str, Any],
    returned: Sequence[Any],
) -> Key:
    if isinstance(slot, Constant):
        return key_of(slot.value)
    if isinstance(slot, Reference):
        return key_of(resolve(returned[slot.step], slot.path))
    value: Any = bindings[slot.parameter]
    chosen: Key = value[number] if isinstance(slot, Item) else value
    return chosen


def resolve(value: Any, path: str) -> Any:
    """Return what lies at an exact path of a result.

    Raises:
        LookupError: Nothing lies there.
    """
    for token in _TOKEN.finditer(path):
        name, index = token.groups()
        if name is not None and isinstance(value, Mapping):
            value = value[name]
        elif index is not None and isinstance(value, list | tuple):
            value = value[int(index)]
        else:
            raise LookupError(path)
    return value


def is_known_before(routine: Routine, use: Occurrence) -> bool:
    """True where no parameter was first seen in what the use's own steps returned."""
    mine = set(use.places)
    for step, group in zip(routine.steps, use.groups, strict=True):
        for call in group:
            for number, name in enumerate(call.names):
                if not isinstance(step.arguments[name], Use | Item) or call.said[number]:
                    continue
                if call.sources[number] and all(at in mine for at, _ in call.sources[number]):
                    return False
    return True

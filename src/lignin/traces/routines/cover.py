"""What runs come to when they are rewritten with routines, each use of one checked by replaying it.

A replay runs the routine with the use's parameters and answers each of its calls with what the run
itself got back there: the use is equivalent where the calls that come of it are the run's own. Pure.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lignin.domain.routines import (
    Constant,
    Each,
    Item,
    Parameter,
    Reference,
    Routine,
    RoutineStep,
    Slot,
    Use,
)
from lignin.domain.traces import Trajectory
from lignin.traces.effects import calls_of
from lignin.traces.routines.apply import Bindings, Occurrence, apply_routines
from lignin.traces.routines.encode import encode
from lignin.traces.routines.pick import Element, chosen, elements_of, resolve, wanted_by
from lignin.traces.routines.preconditions import takes_all
from lignin.traces.routines.values import Key, elements_at, key_of, parse_result

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
    program = run_routine(routine, _told(routine, use), fills=True)
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


def _told(routine: Routine, use: Occurrence) -> Bindings:
    """The parameters that a use has to give: a list is left out where the routine takes it by itself."""
    left_out = {each.name for each in routine.parameters if each.default} - use.bindings.keys()
    return dict.fromkeys(left_out, ()) | {
        name: value
        for name, value in use.bindings.items()
        if name not in taken_by_itself(routine, use)
    }


def taken_by_itself(routine: Routine, use: Occurrence) -> frozenset[str]:
    """Return the parameters that a use need not give, as the routine would take the same."""
    return frozenset(
        each.name
        for each in routine.parameters
        if takes_all(routine, each, use.groups, use.bindings)
    )


def run_routine(
    routine: Routine, bindings: Bindings, *, fills: bool = False
) -> Generator[Asked, Any, list[Any]]:
    """Run a routine: yields each call it makes, is sent what comes back, and returns that by step.

    Args:
        fills: A list that is not given is taken as its parameter's default says; else it is empty.

    Raises:
        LookupError: A result has nothing at a place that a later argument refers to, or a parameter is
            not among what it is chosen from.
    """
    returned: list[Any] = []
    defaults = {each.name: each.default for each in routine.parameters if each.default and fills}
    for number_of_step, step in enumerate(routine.steps):
        for slot in step.arguments.values():
            if (
                isinstance(slot, Item)
                and slot.parameter not in bindings
                and slot.parameter in defaults
            ):
                place = defaults[slot.parameter]
                every = _picked(place, 0, bindings, returned)
                bindings = {**bindings, slot.parameter: tuple(one.value or "" for one in every)}
        lists = {
            name: [each.value for each in _picked(slot.place, 0, bindings, returned)]
            for name, slot in step.arguments.items()
            if isinstance(slot, Each)
        }
        for chosen_from in routine.chosen_before(number_of_step):
            _require_among(chosen_from, bindings, returned)
        answers = []
        for number in range(_times(step, bindings, lists.values())):
            arguments = {
                name: lists[name][number]
                if name in lists
                else _argument(slot, number, bindings, returned)
                for name, slot in step.arguments.items()
            }
            answers.append((yield step.tool, arguments))  # type: ignore[misc]
        returned.append(answers if step.is_repeated else (answers or [None])[0])
    return returned


def _require_among(parameter: Parameter, bindings: Bindings, returned: Sequence[Any]) -> None:
    """Raise where a parameter that is given is none of what it is chosen from."""
    place = parameter.among
    if place is None or parameter.name not in bindings:
        return
    given: Any = bindings[parameter.name]
    path, rest = place.parts
    elements = elements_at(returned[place.step], path.removesuffix(".~"))
    for value in _singles(given):
        if path.endswith(".~"):
            is_known = any(value in held for _, held in elements)
        else:
            is_known = any(key_of(resolve(each, rest)) == value for _, each in elements)
        if not is_known:
            raise LookupError(f"{parameter.name} is not among {place}")


def _singles(value: Any) -> Iterator[str]:
    """The single values of a parameter, of lists those of each."""
    if isinstance(value, str):
        yield value
    else:
        for each in value:
            yield from _singles(each)


def _times(step: RoutineStep, bindings: Bindings, lists: Iterable[Sequence[Key | None]]) -> int:
    items = [slot.parameter for slot in step.arguments.values() if isinstance(slot, Item)]
    lengths = [*map(len, lists), *(len(bindings.get(name, ())) for name in items)]
    if lengths:
        return min(lengths)
    uses = [slot.parameter for slot in step.arguments.values() if isinstance(slot, Use)]
    return int(not step.is_optional or all(name in bindings for name in uses))


def _argument(slot: Slot, number: int, bindings: Bindings, returned: Sequence[Any]) -> Key:
    if isinstance(slot, Constant):
        return key_of(slot.value)
    if isinstance(slot, Reference):
        if slot.pick is None:
            return key_of(resolve(returned[slot.step], slot.path))
        one = _picked(slot, number, bindings, returned)
        if len(one) != 1 or one[0].value is None:
            raise LookupError(f"{len(one)} elements are {slot}")
        return one[0].value
    assert isinstance(slot, Use | Item)
    value: Any = bindings[slot.parameter]
    given: Key = value[number] if isinstance(slot, Item) else value
    return given


def _picked(
    place: Reference, number: int, bindings: Bindings, returned: Sequence[Any]
) -> list[Element]:
    by = place.pick.value if place.pick else None
    known = {by: _at(by, returned)} if isinstance(by, Reference) else {}
    wanted = wanted_by(place.pick, bindings, number, known)
    return chosen(place.pick, elements_of(place, returned[place.step]), wanted)


def _at(place: Reference, returned: Sequence[Any]) -> Key:
    return key_of(resolve(returned[place.step], place.path))


def is_known_before(routine: Routine, use: Occurrence) -> bool:
    """True where no parameter that has to be given was first seen in what the use's steps returned."""
    mine, taken = set(use.places), taken_by_itself(routine, use)
    for step, group in zip(routine.steps, use.groups, strict=True):
        for call in group:
            for number, name in enumerate(call.names):
                slot = step.arguments[name]
                if not isinstance(slot, Use | Item) or call.said[number] or slot.parameter in taken:
                    continue
                if call.sources[number] and all(at in mine for at, _ in call.sources[number]):
                    return False
    return True

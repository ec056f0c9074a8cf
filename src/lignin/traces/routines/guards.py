"""What has to hold before a step that changes something. Pure.

A guard is about a short value that was known before the call: in the result that one of its arguments
came from, or an argument itself. It held before every use that passed and did not before one that
failed (the call was refused, or the run failed). The simplest is taken: always the same value, a list
that is empty or is not, one of a few values, a number up to or from a bound; all but the first only
where so clear a difference is no accident.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.routines import Guard, GuardHow, Item, Pick, Reference, Routine, RoutineStep, Use
from lignin.traces.routines.apply import Occurrence
from lignin.traces.routines.encode import Call, Encoded, Facts
from lignin.traces.routines.preconditions import is_chosen
from lignin.traces.routines.values import MAX_FACT_CHARS

SURE = 0.01
"""So improbable it has to be that values fall apart as they do by accident."""
FEW_VALUES = 3
USUAL = 3
"""Each of a few values was seen in so many tasks on average."""
COUNT = "[#]"

Value = tuple[str, Json]
"""A run's task, and the value of a fact there; runs of one task are no evidence of their own."""
Link = tuple[str, str]
"""An argument, and the path in an earlier result that its value lies at."""
Found = tuple[GuardHow, Json] | None


def guarded(
    routine: Routine,
    passing: Sequence[tuple[Encoded, Sequence[Occurrence]]],
    every: Iterable[Encoded],
    least: int,
) -> Routine:
    """Return a routine with the guards of its steps, and what its parameters have to be among.

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
    steps = []
    for number, step in enumerate(routine.steps):
        guards: tuple[Guard, ...] = ()
        if step.changes and failed[step.tool]:
            held = [
                (run, call) for run, uses in passing for use in uses for call in use.groups[number]
            ]
            guards = tuple(_guards(routine, number, held, failed[step.tool], least))
        steps.append(replace(step, guards=guards))
    groups = [use.groups for _, uses in passing for use in uses]
    parameters = tuple(
        replace(
            each,
            checked=len(groups) >= least and all(is_chosen(routine, each, one) for one in groups),
        )
        for each in routine.parameters
    )
    return replace(routine, steps=tuple(steps), parameters=parameters)


def _guards(
    routine: Routine,
    number: int,
    passing: Sequence[tuple[Encoded, Call]],
    failed: Sequence[tuple[Encoded, Call]],
    least: int,
) -> Iterator[Guard]:
    told: set[str] = set()
    for earlier in reversed(range(number)):
        step = routine.steps[earlier]
        if step.tool in told:
            continue
        told.add(step.tool)
        for at, path in _places(routine, number, earlier, passing):
            held = [known for run, call in passing if (known := _before(run, call, step, path))]
            not_held = [known for run, call in failed if (known := _before(run, call, step, path))]
            found = list(separating(held, not_held)) if len(held) >= least and not_held else []
            for fact, how, value in found:
                yield Guard(at=replace(at, path=at.path + fact), how=how, value=value)
            if found:
                break
    names = _given(routine.steps[number])
    if len(passing) >= least and names:
        mine, others = (
            [(run.task, _arguments(call, names)) for run, call in calls]
            for calls in (passing, failed)
        )
        for name, how, value in separating(mine, others):
            if how != "equals":
                yield Guard(at=Use(names[name]), how=how, value=value)


def _given(step: RoutineStep) -> Mapping[str, str]:
    """The parameters that a step is called with, by argument."""
    if step.is_repeated:
        return {}
    return {name: slot.parameter for name, slot in step.arguments.items() if isinstance(slot, Use)}


def _arguments(call: Call, names: Mapping[str, str]) -> Facts:
    return {
        name: value
        for name, value in zip(call.names, call.raw, strict=True)
        if name in names
        and (
            isinstance(value, int | float)
            or (isinstance(value, str) and len(value) <= MAX_FACT_CHARS)
        )
    }


def _before(
    run: Encoded, call: Call, step: RoutineStep, link: Link | None
) -> tuple[str, Facts] | None:
    """What the nearest result of a step told, of those that an argument of the call came from.

    Args:
        link: The argument, and its path there; None for any.
    """
    places = {
        at
        for name, sources in zip(call.names, call.sources, strict=True)
        for at, path in sources
        if at < call.place and (link is None or link == (name, path))
    }
    nearest = max((at for at in places if run.calls[at].tool == step.tool), default=None)
    return (run.task, run.calls[nearest].facts) if nearest is not None else None


def _places(
    routine: Routine, number: int, earlier: int, passing: Sequence[tuple[Encoded, Call]]
) -> Iterator[tuple[Reference, Link | None]]:
    """The results that a guard may be about; of a repeated step the one that an argument came from."""
    step = routine.steps[earlier]
    if not step.is_repeated:
        yield Reference(earlier, ""), None
        return
    counts = Counter(
        link
        for run, call in passing
        for link in {
            (name, path)
            for name, sources in zip(call.names, call.sources, strict=True)
            for at, path in sources
            if run.calls[at].tool == step.tool and "[" not in path
        }
    )
    every = (link for link, count in counts.items() if count == len(passing))
    for name, path in sorted(every, key=lambda link: (len(link[1]), link)):
        slot = routine.steps[number].arguments[name]
        if isinstance(slot, Use | Item):
            yield Reference(earlier, "[*]", Pick("where", path, slot)), (name, path)
        elif isinstance(slot, Reference) and slot.step == earlier and slot.parts[0] == "[*]":
            yield Reference(earlier, "[*]", slot.pick), (name, path)


def separating(
    passed: Sequence[tuple[str, Facts]], failed: Sequence[tuple[str, Facts]]
) -> Iterator[tuple[str, GuardHow, Json]]:
    """Yield what holds of every passing use and not of a failing one: fact, how, and the value.

    Of conditions that are not equalities the simplest is taken first, and another one only where it
    tells of a failing use that those before do not.
    """
    paths = sorted(path for path in passed[0][1] if all(path in facts for _, facts in passed))
    same = [p for p in paths if not any(_differs(f[p], passed[0][1][p]) for _, f in passed)]
    names = {path for path in paths if _is_name(path, [*passed, *failed])}
    if names & set(same):
        return  # all uses are about one thing, which shows nothing
    left = list(failed)
    for path in same:
        value = passed[0][1][path]
        broken = [facts for _, facts in failed if path in facts and _differs(facts[path], value)]
        if broken and not path.endswith(COUNT):
            yield path, "equals", value
            left = [each for each in left if each[1] not in broken]
    paths = [path for path in paths if path not in names]
    for kind in (_empty, _few, _bounded):
        for path in paths:
            mine = [(task, facts[path]) for task, facts in passed]
            others = [(task, facts[path]) for task, facts in failed if path in facts]
            found = kind(path, mine, others, len(paths))
            if found is None:
                continue
            how, value = found
            told = path.removesuffix(COUNT)
            guard = Guard(at=Reference(0, told), how=how, value=value)
            rest = [e for e in left if path not in e[1] or guard.holds(e[1][path])]
            if len(rest) < len(left):
                left = rest
                yield told, how, value


def _is_name(path: str, every: Sequence[tuple[str, Facts]]) -> bool:
    """True for a text that names one of many things, and is not one of a few."""
    told = {(task, repr(facts[path])) for task, facts in every if path in facts}
    counts = Counter(value for _, value in told)
    is_text = any(isinstance(facts.get(path), str) for _, facts in every)
    return is_text and len(counts) > FEW_VALUES and counts.total() < USUAL * len(counts)


def _differs(one: Json, other: Json) -> bool:
    return type(one) is not type(other) or one != other


def _empty(path: str, passed: Sequence[Value], failed: Sequence[Value], tried: int) -> Found:
    """A list that was always empty, or never."""
    if not path.endswith(COUNT):
        return None
    is_empty = passed[0][1] == 0
    if any((value == 0) != is_empty for _, value in passed):
        return None
    broken = {task for task, value in failed if (value == 0) != is_empty}
    return ("empty", is_empty) if _is_sure(passed, failed, broken, tried) else None


def _few(path: str, passed: Sequence[Value], failed: Sequence[Value], tried: int) -> Found:
    """A few values, each of which is usual."""
    if path.endswith(COUNT) or not all(isinstance(value, str) for _, value in passed):
        return None
    counts = Counter(value for _, value in passed)
    if not 1 < len(counts) <= FEW_VALUES or min(counts.values()) < 2:
        return None
    broken = {task for task, value in failed if value not in counts}
    values = len(counts.keys() | {repr(value) for _, value in failed})
    ways = math.comb(values, len(counts))
    is_sure = _is_sure(passed, failed, broken, tried * ways)
    return ("among", sorted(counts, key=str)) if is_sure else None


def _bounded(path: str, passed: Sequence[Value], failed: Sequence[Value], tried: int) -> Found:
    """A number up to a bound, or from one."""
    if path.endswith(COUNT) or not all(map(_is_number, (value for _, value in passed))):
        return None
    numbers = [value for _, value in passed]
    for sign in (1, -1):
        most = max(sign * value for value in numbers)
        beyond = [
            (task, sign * value)
            for task, value in failed
            if _is_number(value) and sign * value > most
        ]
        if _is_sure(passed, failed, {task for task, _ in beyond}, 2 * tried):
            least = min(value for _, value in beyond)
            bound: Found = ("at_most", _plainest(most, least))
            return bound if sign > 0 else ("at_least", -_plainest(most, least))
    return None


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plainest(low: float, high: float) -> float:
    """The number with the fewest digits from `low` on and below `high`."""
    for digits in range(-12, 12):
        step = 10.0**-digits
        made = math.ceil(low / step) * step
        made = int(made) if digits <= 0 else round(made, digits)
        if low <= made < high:
            return made
    return low


def _is_sure(
    passed: Sequence[Value], failed: Sequence[Value], broken: set[str], tried: int
) -> bool:
    """True where it is no accident that whatever does not hold is in failing runs.

    Were runs to pass by chance, those where it does not hold would all be among the failing ones in
    one of so many cases (Fisher's exact test, one-sided); as often as was tried it may happen.
    """
    good = len({task for task, _ in passed})
    bad, wrong = len({task for task, _ in failed}), len(broken)
    if not wrong:
        return False
    return tried * math.comb(bad, wrong) / math.comb(good + bad, wrong) < SURE

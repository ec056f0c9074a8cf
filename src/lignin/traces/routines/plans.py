"""Mines how a family of tasks is served by routines alone, and checks that on other runs. Pure.

Every parameter of every routine has to come from somewhere that is known before the routine starts:
always the same, a value that the request says, or one that an earlier routine brought back. Of what an
agent chose or worked out on the way there is no plan.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.counts import counted
from lignin.domain.plans import Brought, Plan, PlannedUse, Said, Seen, Several, Source
from lignin.domain.routines import Constant, Item, Reference, Routine, Use
from lignin.traces.routines.answers import answer_of, mine_answer
from lignin.traces.routines.apply import Occurrence, apply_routines, given_in
from lignin.traces.routines.cover import taken_by_itself
from lignin.traces.routines.families import left_over
from lignin.traces.routines.plan_replay import Results, Told, replay_plan, source_value
from lignin.traces.routines.requests import (
    Request,
    mine_forms,
    parse_request,
    said,
    shape_of,
)
from lignin.traces.routines.values import general, key_of, leaves

FEWEST = 3
HALF = 0.5
MOST_NAMED = 3
FEW_VALUES = 3
"""A fact is one of a few where each of its values was seen so often on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned:
    """A family without a plan, and why."""

    family: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Way:
    """A run as a line of uses: of each the parameters as they were given, and what its steps got."""

    told: Told
    routines: tuple[str, ...]
    given: tuple[Mapping[str, Json], ...]
    results: tuple[Results, ...]


def mine_plan(
    family: str, routines: Mapping[str, Routine], mined: Sequence[Told], others: Sequence[Told]
) -> Plan | Unplanned:
    """Return the plan of a family's passing runs, or why there is none.

    Args:
        routines: What may be used, by id.
        mined: The runs that it is mined from.
        others: All other passing runs, of any family; those that ask in one of its forms have to come
            to what the plan does.
    """
    ways = _ways(routines, mined)
    if len(ways) < FEWEST:
        return Unplanned(
            family=family, reason="the promoted routines do not cover what its runs do"
        )
    arguments = _explain(ways)
    if isinstance(arguments, str):
        return Unplanned(family=family, reason=arguments)
    uses, said_by = arguments
    asked = [
        Request(text=way.told.request, values=values)
        for way, values in zip(ways, said_by, strict=True)
        if values is not None
    ]
    plan = Plan(
        family=family, forms=(), uses=uses, answer=None, seen=(), support=len(ways), proven=0
    )
    known = {way.told.run.session for way in ways}
    for told in mined:
        values = None if told.run.session in known else _values_in(plan, routines, told)
        if values is not None and replay_plan(plan, routines, values, told).verdict == "right":
            asked.append(Request(text=told.request, values=values))
    plan = replace(plan, forms=mine_forms(asked), support=len(asked))
    if not plan.forms:
        return Unplanned(family=family, reason="its requests have no form that gives every value")
    plan = replace(plan, seen=_seen(plan, routines, mined))
    return _checked(plan, routines, mined, others)


def _seen(plan: Plan, routines: Mapping[str, Routine], mined: Sequence[Told]) -> tuple[Seen, ...]:
    """What tools told, of few values only, before what the plan changes in every run."""
    facts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for told in mined:
        values = parse_request(plan.forms, told.request)
        if len(values) == 1:
            replayed = replay_plan(plan, routines, values[0], told)
            for before in replayed.facts if replayed.verdict == "right" else ():
                for place, told_so_far in before.items():
                    facts[place].update(told_so_far)
    return tuple(
        Seen(tool=tool, path=path, values=tuple(sorted(counts)))
        for (tool, path), counts in sorted(facts.items())
        if sum(counts.values()) >= max(FEWEST, FEW_VALUES * len(counts))
        and all(map(_is_word, counts))
    )


def _is_word(fact: str) -> bool:
    """True for what a status may be called: words in one case, without a digit."""
    shape = shape_of(fact)
    return set(shape) <= set("a _-") or set(shape) <= set("A _-")


def _checked(
    plan: Plan, routines: Mapping[str, Routine], mined: Sequence[Told], others: Sequence[Told]
) -> Plan | Unplanned:
    """The plan with its answer, if no run of a form of it went another way."""
    right: dict[bool, list[tuple[Told, Mapping[str, Json], tuple[Results, ...]]]] = {
        True: [],
        False: [],
    }
    for is_mined, runs in ((True, mined), (False, others)):
        for told in runs:
            values = parse_request(plan.forms, told.request) if told.request else []
            if len(values) != 1:
                continue
            replayed = replay_plan(plan, routines, values[0], told)
            if replayed.verdict == "wrong":
                reason = (
                    f"the run {told.run.session} asked in a form of it and was served otherwise"
                )
                return Unplanned(family=plan.family, reason=reason)
            if replayed.verdict == "right":
                right[is_mined].append((told, values[0], replayed.results))
    if len(right[False]) < FEWEST:
        came = counted(len(right[False]), "run")
        reason = f"{came} that it was not mined from came to the same; {FEWEST} are needed"
        return Unplanned(family=plan.family, reason=reason)
    answer = mine_answer([(told.answer, values, got) for told, values, got in right[True]])
    if answer is not None:
        said_so = [answer_of(answer, values, got) == t.answer for t, values, got in right[False]]
        answer = answer if all(said_so) else None
    return replace(plan, answer=answer, proven=len(right[False]))


def _ways(routines: Mapping[str, Routine], mined: Sequence[Told]) -> list[_Way]:
    """The runs that go the way that most of them go, each call of its path inside a use."""
    left = left_over(list(routines.values()), [each.run for each in mined])
    found: dict[Any, list[_Way]] = defaultdict(list)
    for told, outside in zip(mined, left, strict=True):
        uses = apply_routines(list(routines.values()), told.run)
        if outside or not uses:
            continue
        given = tuple(_given(routine, use) for routine, use in uses)
        way = _Way(
            told=told,
            routines=tuple(routine.routine_id for routine, _ in uses),
            given=given,
            results=tuple(_results(routine, use, told) for routine, use in uses),
        )
        found[way.routines, tuple(frozenset(each) for each in given)].append(way)
    return max(found.values(), key=len, default=[])


def _given(routine: Routine, use: Occurrence) -> dict[str, Json]:
    """The parameters of a use that the routine does not take by itself."""
    taken = taken_by_itself(routine, use)
    return {name: value for name, value in given_in(routine, use).items() if name not in taken}


def _results(routine: Routine, use: Occurrence, told: Told) -> Results:
    return tuple(
        [told.results[call.place] for call in group]
        if step.is_repeated
        else (told.results[group[0].place] if group else None)
        for step, group in zip(routine.steps, use.groups, strict=True)
    )


Values = Mapping[str, Json]


def _explain(
    ways: Sequence[_Way],
) -> tuple[tuple[PlannedUse, ...], list[Values | None]] | str:
    """Where each parameter comes from, and per run what its request has to say; else what nothing
    explains."""
    told: dict[str, list[Json]] = {}
    uses: list[PlannedUse] = []
    for number, routine in enumerate(ways[0].routines):
        arguments: dict[str, Source] = {}
        untold: list[str] = []
        for name in ways[0].given[number]:
            values = [way.given[number][name] for way in ways]
            source = _source(ways, number, name, values, told)
            if source is None:
                untold.append(name)
            else:
                arguments[name] = source
        if untold:
            return f"no request, and nothing before {routine} starts, tells {_few(untold)}, which it takes"
        uses.append(PlannedUse(routine=routine, arguments=arguments))
    said_by: list[Values | None] = [
        {name: values[at] for name, values in told.items()} for at in range(len(ways))
    ]
    return tuple(uses), said_by


def _few(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _values_in(plan: Plan, routines: Mapping[str, Routine], told: Told) -> dict[str, Json] | None:
    """What a run that went a way of its own would have to be told; None where that is not plain."""
    found: dict[str, Json] = {}
    for use in plan.uses:
        for step in routines[use.routine].steps:
            for argument, slot in step.arguments.items():
                source = use.arguments.get(slot.parameter) if isinstance(slot, Use | Item) else None
                if isinstance(source, Several) and len(source.each) == 1:
                    source = source.each[0]
                if not isinstance(source, Said) or source.name in found:
                    continue
                given = {
                    key: raw
                    for call in told.run.calls
                    if call.tool == step.tool and call.works
                    for name, key, raw in zip(call.names, call.keys, call.raw, strict=True)
                    if name == argument
                }
                if len(given) == 1:
                    (found[source.name],) = given.values()
    return found if found.keys() == _said_in(plan) else None


def _said_in(plan: Plan) -> set[str]:
    sources = [source for use in plan.uses for source in use.arguments.values()]
    sources += [one for source in sources if isinstance(source, Several) for one in source.each]
    return {source.name for source in sources if isinstance(source, Said)}


def _source(
    ways: Sequence[_Way],
    number: int,
    name: str,
    values: Sequence[Json],
    told: dict[str, list[Json]],
) -> Source | None:
    keys = [key_of(value) for value in values]
    if len(set(keys)) == 1:
        return Constant(values[0])
    if _is_said(ways, values):
        return Said(_named(name, list(values), told))
    brought = _brought(ways, number, name, keys)
    if brought:
        return brought
    sizes = {len(value) if isinstance(value, list) else 0 for value in values}
    if len(sizes) > 1 or not (size := sizes.pop()):
        return None
    each = [
        _source(ways, number, name, [value[at] for value in values], told) for at in range(size)
    ]
    return Several(tuple(one for one in each if one is not None)) if all(each) else None


def _is_said(ways: Sequence[_Way], values: Sequence[Json]) -> bool:
    found = [
        said(way.told.request, value) is not None for way, value in zip(ways, values, strict=True)
    ]
    return sum(found) >= max(FEWEST, HALF * len(ways))


def _named(name: str, values: list[Json], told: dict[str, list[Json]]) -> str:
    """The name of a value that requests say: one that is there already, where it is the same."""
    for known, others in told.items():
        if list(map(key_of, others)) == list(map(key_of, values)):
            return known
    number = 1
    made = name
    while made in told:
        number += 1
        made = f"{name}_{number}"
    told[made] = values
    return made


def _brought(ways: Sequence[_Way], number: int, name: str, keys: Sequence[Any]) -> Brought | None:
    """Where in what earlier uses brought back a value lies in every run, best named first."""
    candidates: dict[Brought, None] = {}
    for use in range(number):
        for step, result in enumerate(ways[0].results[use]):
            for path, key in leaves(result):
                if "~" in path or "*" in path:
                    continue
                if key == keys[0]:
                    candidates[Brought(use, Reference(step, path))] = None
                elif isinstance(keys[0], tuple) and path.count("[") == 1:
                    candidates[Brought(use, Reference(step, general(path)))] = None
    fitting = [
        each
        for each in candidates
        if all(_fits(each, way, key) for way, key in zip(ways, keys, strict=True))
    ]
    return min(fitting, key=lambda each: _order(each, name), default=None)


def _fits(source: Brought, way: _Way, key: Any) -> bool:
    try:
        return bool(key_of(source_value(source, {}, way.results)) == key)
    except LookupError:
        return False


def _order(source: Brought, name: str) -> tuple[bool, int, int, str]:
    field = source.at.path.rpartition(".")[2]
    return (
        field not in (name, name.removesuffix("s")),
        -source.use,
        len(source.at.path),
        str(source.at),
    )

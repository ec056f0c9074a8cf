"""A routine as the Python program that a person would have written for it. Pure.

The program calls the routine's tools in order through the broker and answers
`{"done": {name: what came back}, "handed_over": why}`: what was done stays done and is told, so whoever
goes on repeats nothing. It hands over where a guard fails, a tool refuses, or what came back has not the
form that the next call needs.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lignin.artifacts.layout import laid_out, paragraph
from lignin.artifacts.routine_ends import SO_FAR, excepted, uneven, unset
from lignin.artifacts.routine_places import Loop, Places
from lignin.artifacts.routine_text import (
    WORD,
    another,
    apart,
    displayed,
    headline,
    identifier,
    literal,
    names_of,
    nested,
    plain,
    singular,
    tool_words,
    unique,
)
from lignin.artifacts.routine_types import annotation_of, interface_of
from lignin.artifacts.routine_words import source_of, summary_of
from lignin.domain.artifacts import Interface
from lignin.domain.routines import (
    Constant,
    Each,
    Guard,
    Item,
    Parameter,
    Reference,
    Routine,
    RoutineStep,
    Slot,
    Use,
    parameters_in,
    references_in,
)

_OWN = ("done", "call", "error", "Any", "ToolError", "expected", "so_far")
_TAKEN = frozenset(_OWN)
_A_LIST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutineProgram:
    """The source of a program with its interface.

    `entry` is the function, `names` the name under which the answer tells of each step, `repeats`
    whether that is a list, `parameters` the program's name of each of the routine's.
    """

    entry: str
    source: str
    interface: Interface
    names: tuple[str, ...]
    repeats: tuple[bool, ...]
    parameters: Mapping[str, str]


def program_of(routine: Routine, name: str = "") -> RoutineProgram:
    """Return the program of a routine.

    Args:
        name: The function's; by default what the routine's last change does.

    Raises:
        InvalidRequestError: A step's argument comes from a place that is not one value.
    """
    function = identifier(name or names_of(routine)[0], "routine")
    writing = _Writing(routine=routine, names=_names(routine))
    body = [line for number in range(len(routine.steps)) for line in writing.step(number)]
    ending = excepted(body)
    source = "\n".join(
        [
            *paragraph(f'"""{summary_of(routine)}'),
            "",
            *paragraph(headline(routine)),
            '"""',
            "",
            "from typing import Any",
            "",
            f"from lignin_guest import {'ToolError, ' if ending.is_told_apart else ''}call",
            "",
            "",
            *laid_out([_signature(function, writing)]),
            "    " + "\n".join(paragraph(f'"""{summary_of(routine)}', 4)),
            "",
            *_told(routine, writing),
            '    """',
            "    done: dict[str, Any] = {}",
            *laid_out(f"    {line}" for line in (*_checked(writing), *unset(body))),
            "    try:",
            *laid_out(f"        {line}" for line in body),
            *ending.lines,
            '    return {"done": done, "handed_over": ""}',
            "",
        ]
    )
    ast.parse(source)
    return RoutineProgram(
        entry=function,
        source=source,
        interface=interface_of(routine, writing.parameters, writing.names, writing.optional),
        names=writing.names,
        repeats=tuple(step.is_repeated for step in routine.steps),
        parameters=writing.parameters,
    )


@dataclass(slots=True, kw_only=True)
class _Writing:
    """A program while it is written: each step's variable, each parameter's name."""

    routine: Routine
    names: tuple[str, ...]
    parameters: dict[str, str] = field(init=False)
    places: Places = field(init=False)
    expected: set[Reference] = field(default_factory=set)

    def __post_init__(self) -> None:
        used: set[str] = {*self.names, *_TAKEN}
        self.parameters = {}
        for each in self.routine.parameters:
            self.parameters[each.name] = unique(_given(each), used)
        singles = {
            slot.parameter: another(singular(self.parameters[slot.parameter]), set(used))
            for step in self.routine.steps
            for slot in step.arguments.values()
            if isinstance(slot, Item)
        }
        self.places = Places(
            names=self.names,
            parameters=self.parameters,
            singles=singles,
            used={*used, *singles.values()},
        )

    def step(self, number: int) -> Iterator[str]:
        """The lines of one step."""
        step = self.routine.steps[number]
        loops = self._loops(step) if step.is_repeated else {}
        values, before, within = self._values(step, loops)
        for parameter in self.routine.chosen_before(number):
            before += self._among(step, parameter)
        read = [place for slot in step.arguments.values() for place in references_in(slot)]
        for guard in step.guards:
            of_each = _is_of_each(guard)
            lines = self.places.guarded(step.tool, guard, SO_FAR if of_each else "")
            if of_each:
                within.extend(lines)
                read += references_in(guard.at)
            else:
                before += self._noted(references_in(guard.at), lines)
        yield from before
        yield from self._noted(read, (), is_sure=not (step.is_optional or within))
        call = f"call({literal(step.tool)}, {displayed(nested(values))})"
        if step.is_repeated:
            yield from self._repeated(number, call, loops, within)
            return
        needed = self._needed(step)
        if step.is_optional and needed:
            yield f"if {' and '.join(f'{each} is not None' for each in needed)}:"
            yield f"    {self._made(number, call)}"
            return
        yield self._made(number, call)

    def _among(self, step: RoutineStep, parameter: Parameter) -> Sequence[str]:
        """The lines that ask whether a parameter is among what it is chosen from, where it is given."""
        name = self.parameters[parameter.name]
        filled = any(
            isinstance(slot, Item) and slot.parameter == parameter.name
            for slot in step.arguments.values()
        )
        may_lack = parameter.name in self.optional and not (filled and parameter.default)
        asked, *rest = self.places.among(step.tool, parameter, name)
        if may_lack and name not in set(self.left_out()):
            asked = f"if {name} is not None and {asked.removeprefix('if ')}"
        read = [parameter.among] if parameter.among else []
        return self._noted(read, (asked, *rest), is_sure=not may_lack)

    def _noted(
        self, places: Sequence[Reference], lines: Sequence[str], *, is_sure: bool = True
    ) -> list[str]:
        """Lines, after one that says what it was if something is not there that they read.

        What was read before for certain is there, and not told again.

        Args:
            is_sure: The lines are done in any case.
        """
        told: dict[str, list[str]] = {}
        for place in dict.fromkeys(places):
            if place not in self.expected:
                tool = plain(self.routine.steps[place.step].tool)
                told.setdefault(tool, []).append(self.places.expected(place))
        if is_sure:
            self.expected.update(places)
        if not told:
            return list(lines)
        fields = {tool: " or ".join(dict.fromkeys(paths)) for tool, paths in told.items()}
        parts = (
            f"{tool} returned nothing where {named} was expected" for tool, named in fields.items()
        )
        return [f"expected = {literal(', or '.join(parts))}", *lines]

    def _values(
        self, step: RoutineStep, loops: Mapping[str, Loop]
    ) -> tuple[dict[str, str], list[str], list[str]]:
        """The source of each argument, and the lines that choose some of them: before the step, and
        before each of its calls."""
        values: dict[str, str] = {}
        before: list[str] = []
        within: list[str] = []
        for name, slot in step.arguments.items():
            before += self._filled(slot)
            if isinstance(slot, Reference) and slot.pick:
                of_each = isinstance(slot.pick.value, Item)
                chosen = self.places.picked(step.tool, slot, SO_FAR if of_each else "")
                if of_each:
                    within.extend(chosen.lines)
                elif chosen.lines:
                    before += self._noted(references_in(slot), chosen.lines)
                values[name] = chosen.source
            else:
                values[name] = loops[name].value if name in loops else self._value(slot)
        return values, before, within

    def _filled(self, slot: Slot) -> list[str]:
        """The lines that take a list by itself where it is not given."""
        defaults = {each.name: each.default for each in self.routine.parameters}
        place = defaults.get(slot.parameter) if isinstance(slot, Item) else None
        if not isinstance(slot, Item) or place is None:
            return []
        name = self.parameters[slot.parameter]
        filled = [f"{name} = {self.places.listed(Each(place))}"]
        noted = self._noted([place], filled, is_sure=False)
        return [f"if {name} is None:", *(f"    {line}" for line in noted)]

    def _loops(self, step: RoutineStep) -> dict[str, Loop]:
        """What a repeated step goes over, by argument."""
        several = {n: s for n, s in step.arguments.items() if isinstance(s, Item | Each)}
        loops: dict[str, Loop] = {}
        for name, slot in several.items():
            if isinstance(slot, Item):
                single = self.places.singles[slot.parameter]
                given = self.parameters[slot.parameter]
                loops[name] = Loop(single, given, single, given, depth=self._depth(slot))
                continue
            single = self.places.single(f"{identifier(name.rpartition('.')[2], 'value')}s")
            loops[name] = (
                self.places.over(slot, single)
                if len(several) == 1
                else Loop(single, self.places.listed(slot), single, f"{single} values")
            )
        return loops

    def _depth(self, slot: Item) -> int:
        """How much an element of a parameter's list says to a person: a text most, a list least."""
        kind = next(each.type for each in self.routine.parameters if each.name == slot.parameter)
        if kind.count("list[") > 1:
            return _A_LIST
        return int(kind not in ("list[str]", "list[path]"))

    def _made(self, number: int, call: str) -> str:
        name = self.names[number]
        held = f"{name} = " if self._is_read_later(number) else ""
        return f'{held}done["{name}"] = {call}'

    def _repeated(
        self, number: int, call: str, loops: Mapping[str, Loop], within: Sequence[str]
    ) -> Iterator[str]:
        """A call for each of a list; whatever stops it, it is told for how many it was made."""
        name = self.names[number]
        over = {loop.target: loop for loop in loops.values()}
        yield f'{name} = done["{name}"] = []'
        lists: list[str] = []
        for loop in over.values():
            if loop.over.isidentifier():
                lists.append(loop.over)
                continue
            lists.append(another(loop.several, self.places.used, "all"))
            yield f"{lists[-1]} = {loop.over}"
        if len(lists) > 1 and not self._are_given(loops):
            sizes = ", ".join(f"len({each})" for each in lists)
            yield f"if len({{{sizes}}}) > 1:"
            yield f'    return {{"done": done, "handed_over": {literal(uneven(over.values()))}}}'
        every = lists[0] if len(lists) == 1 else f"zip({', '.join(lists)}, strict=True)"
        yield f"for {', '.join(over)} in {every}:"
        yield from (f"    {loop.first}" for loop in over.values() if loop.first)
        told = min(over.values(), key=lambda loop: loop.depth)
        listed = lists[list(over.values()).index(told)]
        done = f"{{len({name})}} of {{len({listed})}} of {told.told} were done"
        at = f"; go on at {{{told.value}}}" if told.depth < _A_LIST else ""
        yield f'    so_far = f"; {done}{at}"'
        yield from (f"    {line}" for line in within)
        yield f"    {name}.append({call})"
        yield 'so_far = ""'

    def _are_given(self, loops: Mapping[str, Loop]) -> bool:
        """True where all that a step goes over are lists that have to be given, and were looked at."""
        given = {self.parameters[name] for name in self.places.singles if name not in self.filled}
        return all(loop.over in given for loop in loops.values())

    @property
    def filled(self) -> frozenset[str]:
        """Parameters that a program takes by itself where they are not given."""
        return frozenset(each.name for each in self.routine.parameters if each.default)

    def together(self) -> Iterator[tuple[str, ...]]:
        """The lists that one step goes over at once, all of them given."""
        for step in self.routine.steps:
            names = dict.fromkeys(
                slot.parameter for slot in step.arguments.values() if isinstance(slot, Item)
            )
            given = tuple(self.parameters[each] for each in names if each not in self.filled)
            if len(given) > 1:
                yield given

    def left_out(self) -> Iterator[str]:
        """The lists that may be left out and then are empty."""
        lists = {
            slot.parameter
            for step in self.routine.steps
            for slot in step.arguments.values()
            if isinstance(slot, Item)
        }
        for each in self.routine.parameters:
            if each.name in lists and each.name in self.optional - self.filled:
                yield self.parameters[each.name]

    def _value(self, slot: Slot) -> str:
        if isinstance(slot, Constant):
            return literal(slot.value)
        if isinstance(slot, Use):
            return self.parameters[slot.parameter]
        if isinstance(slot, Item):
            return self.places.singles[slot.parameter]
        assert isinstance(slot, Reference)
        return self.places.exact(slot)

    def _needed(self, step: RoutineStep) -> list[str]:
        used = [slot.parameter for slot in step.arguments.values() if isinstance(slot, Use)]
        return [self.parameters[each] for each in dict.fromkeys(used) if each in self.optional]

    @property
    def optional(self) -> frozenset[str]:
        """Parameters that need not be given: only optional steps use them, or they have a default."""
        always: set[str] = set()
        sometimes: set[str] = set()
        for step in self.routine.steps:
            used = {each for slot in step.arguments.values() for each in parameters_in(slot)}
            (sometimes if step.is_optional else always).update(used)
        return frozenset(sometimes - always) | self.filled

    def _is_read_later(self, number: int) -> bool:
        later = self.routine.steps[number + 1 :]
        read = (
            place
            for step in later
            for slot in step.arguments.values()
            for place in references_in(slot)
        )
        guards = (
            place for step in later for guard in step.guards for place in references_in(guard.at)
        )
        defaults = [each.default for each in self.routine.parameters if each.default]
        chosen = [
            each.among
            for at in range(number + 1, len(self.routine.steps))
            for each in self.routine.chosen_before(at)
            if each.among
        ]
        return any(place.step == number for place in (*read, *guards, *defaults, *chosen))


def _is_of_each(guard: Guard) -> bool:
    pick = guard.at.pick if isinstance(guard.at, Reference) else None
    return pick is not None and isinstance(pick.value, Item)


def _checked(writing: _Writing) -> Iterator[str]:
    """What is looked at before anything is called: lists that are left out, and as long as each other."""
    for name in writing.left_out():
        yield f"{name} = {name} or []"
    for given in dict.fromkeys(writing.together()):
        yield f"if len({{{', '.join(f'len({each})' for each in given)}}}) > 1:"
        why = f"{' and '.join(given)} have to be of one length"
        yield f'    return {{"done": done, "handed_over": {literal(why)}}}'


def _signature(function: str, writing: _Writing) -> str:
    given = [
        f"{writing.parameters[each.name]}: {annotation_of(each)}"
        + (" | None = None" if each.name in writing.optional else "")
        for each in sorted(
            writing.routine.parameters, key=lambda each: each.name in writing.optional
        )
    ]
    return f"def {function}({', '.join(given)}) -> dict[str, Any]:"


def _told(routine: Routine, writing: _Writing) -> list[str]:
    lines = []
    if routine.parameters:
        lines = ["    Args:"]
        for each in routine.parameters:
            told = f"{writing.parameters[each.name]}: {source_of(each, writing.names, writing.optional)}."
            lines.append("        " + "\n".join(paragraph(told, 12)))
        lines.append("")
    guards = [guard for step in routine.steps for guard in step.guards]
    needs = "".join(f" Needs {writing.places.needs(guard)}." for guard in guards)
    told = f"Returns what each step brought back, and why it was handed over, if it was.{needs}"
    return [*lines, "    " + "\n".join(paragraph(told, 4))]


def _names(routine: Routine) -> tuple[str, ...]:
    """A variable for each step: what its tool is about."""
    used = {*_TAKEN, *map(_given, routine.parameters)}
    names = []
    for step in routine.steps:
        name, whole = apart(_about(step.tool)), apart(identifier(step.tool, "step"))
        names.append(unique(whole if name in used else name, used))
    return tuple(names)


def _given(parameter: Parameter) -> str:
    """A parameter's name in a program; one of the program's own says that it is a value."""
    name = apart(identifier(parameter.name, "value"))
    return f"{name}_value" if name in _TAKEN else name


def _about(tool: str) -> str:
    """The noun of a tool's name: what stands behind its verb."""
    words = WORD.findall(tool_words(tool))
    return identifier("_".join(words[1:3] or words), "step")

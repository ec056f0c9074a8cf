"""A routine as the Python program that a person would have written for it. Pure.

The program calls the routine's tools in order through the broker and answers
`{"done": {name: what came back}, "handed_over": why}`: what was done stays done and is told, so whoever
goes on repeats nothing. It hands over where a guard fails, a tool refuses, or what came back has not the
form that the next call needs.
"""

import ast
import keyword
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lignin.artifacts.layout import laid_out, paragraph
from lignin.artifacts.routine_places import Loop, Places
from lignin.artifacts.routine_text import (
    WORD,
    headline,
    identifier,
    literal,
    names_of,
    plain,
    tool_words,
    unique,
)
from lignin.domain.artifacts import Interface
from lignin.domain.codec import Json
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

_TYPES: Mapping[str, Json] = {
    "str": {"type": "string"},
    "path": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
}
_NEARLY_ALWAYS = 0.95
_ANNOTATIONS = {"path": "str"}
_CALLED = frozenset(["dict", "enumerate", "isinstance", "len", "list", "max", "min", "str", "type"])
_TAKEN = frozenset({"done", "call", "error", "Any", "ToolError", *keyword.kwlist, *_CALLED})


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
    source = "\n".join(
        [
            *paragraph(f'"""{_summary(routine)}'),
            "",
            *paragraph(headline(routine)),
            '"""',
            "",
            "from typing import Any",
            "",
            "from lignin_guest import ToolError, call",
            "",
            "",
            *laid_out([_signature(function, writing)]),
            "    " + "\n".join(paragraph(f'"""{_summary(routine)}', 4)),
            "",
            *_told(routine, writing),
            '    """',
            "    done: dict[str, Any] = {}",
            "    try:",
            *laid_out(f"        {line}" for line in body),
            f"    except ({_errors(routine)}) as error:",
            '        return {"done": done, "handed_over": f"{type(error).__name__}: {error}"}',
            '    return {"done": done, "handed_over": ""}',
            "",
        ]
    )
    ast.parse(source)
    return RoutineProgram(
        entry=function,
        source=source,
        interface=_interface(routine, writing),
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

    def __post_init__(self) -> None:
        used: set[str] = {*self.names, *_TAKEN, *_also_called(self.routine)}
        self.parameters = {}
        for each in self.routine.parameters:
            self.parameters[each.name] = unique(identifier(each.name, "value"), used)
        singles = {
            slot.parameter: _single(self.parameters[slot.parameter], used)
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
        values, before, within = self._values(step)
        for guard in step.guards:
            lines = self.places.guarded(step.tool, guard)
            (within if _is_of_each(guard) else before).extend(lines)
        yield from before
        call = f"call({literal(step.tool)}, {_dict(_nested(values))})"
        if step.is_repeated:
            yield from self._repeated(step, number, call, within)
            return
        needed = self._needed(step)
        if step.is_optional and needed:
            yield f"if {' and '.join(f'{each} is not None' for each in needed)}:"
            yield f"    {self._made(number, call)}"
            return
        yield self._made(number, call)

    def _values(self, step: RoutineStep) -> tuple[dict[str, str], list[str], list[str]]:
        """The source of each argument, and the lines that choose some of them: before the step, and
        before each of its calls."""
        values: dict[str, str] = {}
        before: list[str] = []
        within: list[str] = []
        loops = self._loops(step)
        for name, slot in step.arguments.items():
            before += self._filled(slot)
            if isinstance(slot, Reference) and slot.pick:
                chosen = self.places.picked(step.tool, slot)
                (within if isinstance(slot.pick.value, Item) else before).extend(chosen.lines)
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
        return [f"if {name} is None:", f"    {name} = {self.places.listed(Each(place))}"]

    def _loops(self, step: RoutineStep) -> dict[str, Loop]:
        """What a repeated step goes over, by argument."""
        several = {n: s for n, s in step.arguments.items() if isinstance(s, Item | Each)}
        loops: dict[str, Loop] = {}
        for name, slot in several.items():
            if isinstance(slot, Item):
                single = self.places.singles[slot.parameter]
                loops[name] = Loop(single, self.parameters[slot.parameter], single)
                continue
            single = self.places.single(f"{identifier(name.rpartition('.')[2], 'value')}s")
            loops[name] = (
                self.places.over(slot, single)
                if len(several) == 1
                else Loop(single, self.places.listed(slot), single)
            )
        return loops

    def _made(self, number: int, call: str) -> str:
        name = self.names[number]
        held = f"{name} = " if self._is_read_later(number) else ""
        return f'{held}done["{name}"] = {call}'

    def _repeated(
        self, step: RoutineStep, number: int, call: str, within: Sequence[str]
    ) -> Iterator[str]:
        name = self.names[number]
        over = {loop.target: loop.over for loop in self._loops(step).values()}
        made, held = f'done["{name}"]', self._is_read_later(number)
        yield f"{name} = {made} = []" if held else f"{made} = []"
        lists = list(over.values())
        every = lists[0] if len(lists) == 1 else f"zip({', '.join(lists)}, strict=True)"
        yield f"for {', '.join(over)} in {every}:"
        yield from (f"    {line}" for line in within)
        yield f"    {name if held else made}.append({call})"

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
        defaults = {each.name for each in self.routine.parameters if each.default}
        return frozenset(sometimes - always) | defaults

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
        return any(place.step == number for place in (*read, *guards, *defaults))


def _is_of_each(guard: Guard) -> bool:
    pick = guard.at.pick if isinstance(guard.at, Reference) else None
    return pick is not None and isinstance(pick.value, Item)


def _errors(routine: Routine) -> str:
    """What a program hands over on; the smallest of an empty list is no value."""
    places = (
        p for step in routine.steps for s in step.arguments.values() for p in references_in(s)
    )
    has_order = any(place.pick and place.pick.how in ("min", "max") for place in places)
    return "ToolError, LookupError, TypeError" + (", ValueError" if has_order else "")


def _single(name: str, used: set[str]) -> str:
    single = name[:-1] if name.endswith("s") and len(name) > 2 else f"one_{name}"
    return single if single not in used else f"each_{single}"


def _signature(function: str, writing: _Writing) -> str:
    given = [
        f"{writing.parameters[each.name]}: {_annotation(each)}"
        + (" | None = None" if each.name in writing.optional else "")
        for each in sorted(
            writing.routine.parameters, key=lambda each: each.name in writing.optional
        )
    ]
    return f"def {function}({', '.join(given)}) -> dict[str, Any]:"


def _annotation(parameter: Parameter) -> str:
    inner = parameter.type.removeprefix("list[").removesuffix("]")
    named = _ANNOTATIONS.get(inner, inner)
    return f"list[{named}]" if parameter.type.startswith("list[") else named


def _interface(routine: Routine, writing: _Writing) -> Interface:
    properties: dict[str, Json] = {}
    for each in routine.parameters:
        inner = _TYPES.get(each.type.removeprefix("list[").removesuffix("]"), {})
        is_list = each.type.startswith("list[")
        properties[writing.parameters[each.name]] = {
            **({"type": "array", "items": inner} if is_list else dict(inner)),
            "description": f"{_source(each, writing)}.",
        }
    required = [
        writing.parameters[e.name] for e in routine.parameters if e.name not in writing.optional
    ]
    return Interface(
        input={
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        },
        output={
            "type": "object",
            "properties": {"done": {"type": "object"}, "handed_over": {"type": "string"}},
            "required": ["done", "handed_over"],
        },
        errors=[],
    )


def _summary(routine: Routine) -> str:
    """What is done, in order: `Find the customer, get the order, then cancel it.`"""
    told = [plain(tool_words(each)) for each in dict.fromkeys(routine.tools)]
    *first, last = told
    line = f"{', '.join(first)}, then {last}." if first else f"{last}."
    return line[:1].upper() + line[1:]


def _told(routine: Routine, writing: _Writing) -> list[str]:
    lines = []
    if routine.parameters:
        lines = ["    Args:"]
        for each in routine.parameters:
            told = f"{writing.parameters[each.name]}: {_source(each, writing)}."
            lines.append("        " + "\n".join(paragraph(told, 12)))
        lines.append("")
    guards = [guard for step in routine.steps for guard in step.guards]
    needs = "".join(f" Needs {writing.places.needs(guard)}." for guard in guards)
    told = f"Returns what each step brought back, and why it was handed over, if it was.{needs}"
    return [*lines, "    " + "\n".join(paragraph(told, 4))]


def _source(parameter: Parameter, writing: _Writing) -> str:
    """Where a caller gets a parameter from, as the uses show it."""
    told = "Chosen by the caller"
    if parameter.among:
        several = parameter.type.startswith("list[")
        place = f"{writing.names[parameter.among.step]}{parameter.among.path}"
        keys = " the keys of" if place.endswith(".~") else ""
        told = f"{'Some' if several else 'One'} of{keys} {place.removesuffix('.~')}"
    elif parameter.said > _NEARLY_ALWAYS:
        told = "Named by the user"
    elif parameter.said:
        told = f"Named by the user in {parameter.said:.0%} of the uses"
    if parameter.default:
        return f"{told}; all of them where it is left out"
    return told + ("; may be left out" if parameter.name in writing.optional else "")


def _names(routine: Routine) -> tuple[str, ...]:
    """A variable for each step: what its tool is about."""
    used = {*_TAKEN, *(identifier(each.name, "value") for each in routine.parameters)}
    names = []
    for step in routine.steps:
        name = _about(step.tool)
        whole = identifier(step.tool, "step")
        names.append(unique(whole if name in used else name, used))
    return tuple(names)


def _also_called(routine: Routine) -> set[str]:
    """`zip` where a step goes over several lists: a parameter of that name would take its place."""
    several = (
        sum(isinstance(slot, Item | Each) for slot in step.arguments.values()) > 1
        for step in routine.steps
    )
    return {"zip"} if any(several) else set()


def _about(tool: str) -> str:
    """The noun of a tool's name: what stands behind its verb."""
    words = WORD.findall(tool_words(tool))
    return identifier("_".join(words[1:3] or words), "step")


def _nested(given: Mapping[str, str]) -> dict[str, Any]:
    """Arguments by their names, those of an object within (`address.city`) in objects again."""
    made: dict[str, Any] = {}
    for name, value in given.items():
        inner = made
        *outer, last = name.split(".")
        for each in outer:
            inner = inner.setdefault(each, {})
        inner[last] = value
    return made


def _dict(value: Any) -> str:
    """Source text, or an object of it."""
    if isinstance(value, str):
        return value
    return f"{{{', '.join(f'{literal(name)}: {_dict(each)}' for name, each in value.items())}}}"

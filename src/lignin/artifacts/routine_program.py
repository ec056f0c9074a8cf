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

from lignin.artifacts.routine_text import (
    WORD,
    headline,
    identifier,
    literal,
    names_of,
    places_of,
    plain,
    shown,
    tool_words,
    unique,
)
from lignin.domain.artifacts import Interface
from lignin.domain.codec import Json
from lignin.domain.routines import (
    Constant,
    Guard,
    Item,
    Parameter,
    Reference,
    Routine,
    RoutineStep,
    Slot,
    Use,
)

_WIDTH = 100
_TYPES: Mapping[str, Json] = {
    "str": {"type": "string"},
    "path": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
}
_ANNOTATIONS = {"path": "str"}
_TAKEN = frozenset({"done", "call", "error", "Any", "ToolError", *keyword.kwlist})


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
    writing = _Writing(routine=routine, names=_names(routine, function))
    body = [line for number in range(len(routine.steps)) for line in writing.step(number)]
    source = "\n".join(
        [
            f'"""{_summary(routine)}',
            "",
            headline(routine),
            '"""',
            "",
            "from typing import Any",
            "",
            "from lignin_guest import ToolError, call",
            "",
            "",
            *_signature(function, writing),
            f'    """{_summary(routine)}',
            "",
            *_told(routine, writing),
            '    """',
            "    done: dict[str, Any] = {}",
            "    try:",
            *(f"        {line}" for line in body),
            "    except (ToolError, LookupError, TypeError) as error:",
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

    def __post_init__(self) -> None:
        used: set[str] = {*self.names, *_TAKEN}
        self.parameters = {}
        for each in self.routine.parameters:
            self.parameters[each.name] = unique(identifier(each.name, "value"), used)

    def step(self, number: int) -> Iterator[str]:
        """The lines of one step."""
        step = self.routine.steps[number]
        for guard in step.guards:
            yield from self._guard(guard, step.tool)
        call = self._call(step, number)
        if step.is_repeated:
            yield from self._repeated(step, number, call)
            return
        needed = self._needed(step)
        if step.is_optional and needed:
            yield f"if {' and '.join(f'{each} is not None' for each in needed)}:"
            yield from (f"    {line}" for line in self._made(number, call))
            return
        yield from self._made(number, call)

    def _made(self, number: int, call: Sequence[str]) -> Iterator[str]:
        name = self.names[number]
        held = f"{name} = " if self._is_read_later(number) else ""
        first, *rest = call
        yield f'{held}done["{name}"] = {first}'
        yield from rest

    def _repeated(self, step: RoutineStep, number: int, call: Sequence[str]) -> Iterator[str]:
        name = self.names[number]
        items = [slot.parameter for slot in step.arguments.values() if isinstance(slot, Item)]
        lists = [self.parameters[each] for each in dict.fromkeys(items)]
        singles = [self._single(each) for each in dict.fromkeys(items)]
        yield (
            f'{name} = done["{name}"] = []'
            if self._is_read_later(number)
            else f'done["{name}"] = []'
        )
        over = lists[0] if len(lists) == 1 else f"zip({', '.join(lists)}, strict=True)"
        yield f"for {', '.join(singles)} in {over}:"
        first, *rest = call
        yield f'    done["{name}"].append({first}'
        yield from (f"    {line}" for line in rest)
        # The call's last line closes the append too.

    def _call(self, step: RoutineStep, number: int) -> list[str]:
        """The call's lines; a long one has an argument a line."""
        given = _nested({name: self._value(slot) for name, slot in step.arguments.items()})
        closing = "))" if step.is_repeated else ")"
        whole = f"call({literal(step.tool)}, {_dict(given)}{closing}"
        if len(whole) + 12 + 2 * len(self.names[number]) <= _WIDTH:
            return [whole]
        lines = [f"call({literal(step.tool)}, {{"]
        lines += [f"    {literal(name)}: {_dict(value)}," for name, value in given.items()]
        return [*lines, f"}}{closing}"]

    def _value(self, slot: Slot) -> str:
        if isinstance(slot, Constant):
            return literal(slot.value)
        if isinstance(slot, Use):
            return self.parameters[slot.parameter]
        if isinstance(slot, Item):
            return self._single(slot.parameter)
        return self._place(slot)

    def _place(self, reference: Reference) -> str:
        places = "".join(f"[{literal(each)}]" for each in places_of(reference))
        return self.names[reference.step] + places

    def _guard(self, guard: Guard, tool: str) -> Iterator[str]:
        needs = f"{tool} needs {self.names[guard.at.step]}{plain(guard.at.path)} to be {shown(guard.value)}"
        yield f"if {self._place(guard.at)} != {literal(guard.value)}:"
        yield f'    return {{"done": done, "handed_over": {literal(needs)}}}'

    def _needed(self, step: RoutineStep) -> list[str]:
        used = [slot.parameter for slot in step.arguments.values() if isinstance(slot, Use)]
        return [self.parameters[each] for each in dict.fromkeys(used) if each in self.optional]

    @property
    def optional(self) -> frozenset[str]:
        """Parameters that only optional steps use: they need not be given."""
        always: set[str] = set()
        sometimes: set[str] = set()
        for step in self.routine.steps:
            used = {
                slot.parameter for slot in step.arguments.values() if isinstance(slot, Use | Item)
            }
            (sometimes if step.is_optional else always).update(used)
        return frozenset(sometimes - always)

    def _is_read_later(self, number: int) -> bool:
        later = self.routine.steps[number + 1 :]
        references = (slot for step in later for slot in step.arguments.values())
        guards = (guard.at for step in later for guard in step.guards)
        return any(
            isinstance(each, Reference) and each.step == number for each in (*references, *guards)
        )

    def _single(self, parameter: str) -> str:
        name = self.parameters[parameter]
        single = name[:-1] if name.endswith("s") and len(name) > 2 else f"one_{name}"
        return single if single not in {*self.names, *self.parameters.values()} else f"each_{name}"


def _signature(function: str, writing: _Writing) -> list[str]:
    given = [
        f"{writing.parameters[each.name]}: {_annotation(each)}"
        + (" | None = None" if each.name in writing.optional else "")
        for each in sorted(
            writing.routine.parameters, key=lambda each: each.name in writing.optional
        )
    ]
    line = f"def {function}({', '.join(given)}) -> dict[str, Any]:"
    if len(line) <= _WIDTH:
        return [line]
    return [f"def {function}(", *(f"    {each}," for each in given), ") -> dict[str, Any]:"]


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
            lines.append(f"        {writing.parameters[each.name]}: {_source(each, writing)}.")
        lines.append("")
    guards = [guard for step in routine.steps for guard in step.guards]
    needs = "".join(
        f" Needs {writing.names[guard.at.step]}{guard.at.path} to be {shown(guard.value)}."
        for guard in guards
    )
    return [
        *lines,
        f"    Returns what each step brought back, and why it was handed over, if it was.{needs}",
    ]


def _source(parameter: Parameter, writing: _Writing) -> str:
    """Where a caller gets a parameter from, as the uses show it."""
    told = "Chosen by the caller"
    if parameter.among:
        told = f"One of {writing.names[parameter.among.step]}{parameter.among.path}"
    elif parameter.said:
        told = f"Named by the user in {parameter.said:.0%} of uses"
    return told + ("; may be left out" if parameter.name in writing.optional else "")


def _names(routine: Routine, function: str) -> tuple[str, ...]:
    """A variable for each step: what its tool is about."""
    used = {function, *_TAKEN, *(identifier(each.name, "value") for each in routine.parameters)}
    names = []
    for step in routine.steps:
        name = _about(step.tool)
        whole = identifier(step.tool, "step")
        names.append(unique(whole if name in used else name, used))
    return tuple(names)


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

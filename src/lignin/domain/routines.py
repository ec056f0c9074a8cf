"""Routines: sub-tasks that runs do again and again, with what varies between them named.

A routine is a straight list of steps; each argument of a step is a constant, a parameter, a
reference to what an earlier step returned (one place, or the element of a list that a condition picks),
or the item that the step is repeated for. Its id is the hash of its steps, so equal routines have equal
ids whoever mined them and whenever (decision record 1).
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from lignin.domain.codec import Json
from lignin.domain.ids import derive_id
from lignin.domain.support import Support, parse_support

_STAR = re.compile(r"\[\*\]|\.\*|\.~")
_ORDERED = re.compile(r"(only|last|min|max)(?: ([^{}=]+))?\}")


@dataclass(frozen=True, slots=True)
class Constant:
    """An argument that is always this value."""

    value: Json

    def to_json(self) -> dict[str, Json]:
        return {"constant": self.value}


@dataclass(frozen=True, slots=True)
class Use:
    """An argument that whoever calls the routine gives; equal names are one value."""

    parameter: str

    def to_json(self) -> dict[str, Json]:
        return {"parameter": self.parameter}


How = Literal["where", "only", "last", "min", "max"]


@dataclass(frozen=True, slots=True)
class Pick:
    """Which element of a list is meant, written `{status == "pending"}`, `{only}`, `{min price}`.

    Args:
        how: `where` a short value of the element equals another, the `only` one there is, the `last`,
            or the one with the smallest or largest such value.
        fact: The path of that value in the element, as `.status`; empty for the element itself.
        value: What it equals: a constant, a parameter, the item of the same call, or an earlier place.
    """

    how: How
    fact: str = ""
    value: "Constant | Use | Item | Reference | None" = None

    def __str__(self) -> str:
        fact = self.fact.removeprefix(".")
        if self.value is None:
            return f"{{{self.how}{f' {fact}' if fact else ''}}}"
        told = self.value
        if isinstance(told, Constant):
            text = json.dumps(told.value, ensure_ascii=False)
        elif isinstance(told, Use):
            text = told.parameter
        else:
            text = f"each of {told.parameter}" if isinstance(told, Item) else str(told)
        return f"{{{fact} == {text}}}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A place in what an earlier step returned, written `$1.orders[0].order_id`.

    Args:
        step: The earlier step, counted from 0 (it is written from 1).
        path: `.name`, `[0]`, `[*]` for any element, `.*` for any value and `.~` for any key of a
            mapping whose keys are data. Of a repeated step it is a place in any of its results.
        pick: Which of the elements at the path's last `*` or `~` is meant.
    """

    step: int
    path: str
    pick: Pick | None = None

    @property
    def is_exact(self) -> bool:
        """True where it names one value, and not one of several."""
        return self.pick is not None or ("*" not in self.path and "~" not in self.path)

    @property
    def parts(self) -> tuple[str, str]:
        """The path up to and with its last `*` or `~`, and what follows within the element."""
        end = max((match.end() for match in _STAR.finditer(self.path)), default=0)
        return self.path[:end], self.path[end:]

    def __str__(self) -> str:
        if self.pick is None:
            return f"${self.step + 1}{self.path}"
        elements, rest = self.parts
        return f"${self.step + 1}{elements}{self.pick}{rest}"

    def to_json(self) -> dict[str, Json]:
        return {"reference": str(self)}


@dataclass(frozen=True, slots=True)
class Item:
    """An argument that is another one each time a step is repeated: an element of this parameter."""

    parameter: str

    def to_json(self) -> dict[str, Json]:
        return {"each": self.parameter}


@dataclass(frozen=True, slots=True)
class Each:
    """An argument that is another one each time a step is repeated: every element at a place, or all
    those that a pick means."""

    place: Reference

    def to_json(self) -> dict[str, Json]:
        return {"each_of": str(self.place)}


Slot = Constant | Use | Reference | Item | Each


def references_in(slot: Slot) -> tuple[Reference, ...]:
    """The places that a slot reads."""
    place = slot.place if isinstance(slot, Each) else slot
    if not isinstance(place, Reference):
        return ()
    by = place.pick.value if place.pick else None
    return (place, by) if isinstance(by, Reference) else (place,)


def renumbered(slot: Slot, places: Mapping[int, int]) -> Slot:
    """A slot whose places are in steps that are counted anew, by their old numbers.

    Raises:
        KeyError: A step that it reads has no new number.
    """
    if isinstance(slot, Each):
        return replace(slot, place=moved(slot.place, places))
    return moved(slot, places) if isinstance(slot, Reference) else slot


def moved(place: Reference, places: Mapping[int, int]) -> Reference:
    """A place in a step that is counted anew."""
    pick = place.pick
    if pick and isinstance(pick.value, Reference):
        pick = replace(pick, value=moved(pick.value, places))
    return replace(place, step=places[place.step], pick=pick)


def parameters_in(slot: Slot) -> tuple[str, ...]:
    """The parameters that a slot takes a value from."""
    if isinstance(slot, Use | Item):
        return (slot.parameter,)
    place = slot.place if isinstance(slot, Each) else slot
    by = place.pick.value if isinstance(place, Reference) and place.pick else None
    return (by.parameter,) if isinstance(by, Use | Item) else ()


GuardHow = Literal["equals", "among", "at_most", "at_least", "empty"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What held before every use that passed and did not hold before one that failed.

    Args:
        at: A place in what an earlier step returned, or a parameter.
        how: Its value `equals` another, is `among` a few, is `at_most` or `at_least` a number, or is a
            list that is `empty`, or is not.
        value: The value, the values, the bound; of a list whether it is to be empty.
    """

    at: "Reference | Use"
    value: Json
    how: GuardHow = "equals"

    def holds(self, value: Json) -> bool:
        """True where a value is as it should be; of a list its length is asked."""
        wanted: Any = self.value
        if self.how == "equals":
            return type(value) is type(wanted) and bool(value == wanted)
        if self.how == "among":
            return bool(value in wanted)
        if self.how == "empty":
            return bool((value == 0) == wanted)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return bool(value <= wanted if self.how == "at_most" else value >= wanted)

    def expected(self, show: Callable[[Json], str]) -> str:
        """What the value has to be, in words."""
        if self.how == "among" and isinstance(self.value, list):
            return " or ".join(map(show, self.value))
        if self.how == "empty":
            return "empty" if self.value else "not empty"
        return ("" if self.how == "equals" else f"{self.how.replace('_', ' ')} ") + show(self.value)

    def to_json(self) -> dict[str, Json]:
        at = self.at.parameter if isinstance(self.at, Use) else str(self.at)
        return {"at": at, self.how: self.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutineStep:
    """One step.

    Args:
        tool: The tool; of a shell command the programs it runs.
        arguments: What is handed to it, by argument name.
        changes: It may change something; one that only reads can be left out without harm.
        is_repeated: It is called once for each element of the parameters its items name, or of the
            places it goes over.
        is_optional: It is left out in some uses: where its parameters are not given.
        guards: What is to hold before it is called.
    """

    tool: str
    arguments: Mapping[str, Slot]
    changes: bool = True
    is_repeated: bool = False
    is_optional: bool = False
    guards: tuple[Guard, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return {**self.form(), "guards": [guard.to_json() for guard in self.guards]}

    def form(self) -> dict[str, Json]:
        """What makes it this step: all but its guards, which change with what is known."""
        return {
            "tool": self.tool,
            "arguments": {name: slot.to_json() for name, slot in self.arguments.items()},
            "changes": self.changes,
            "repeated": self.is_repeated,
            "optional": self.is_optional,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value that varies between uses.

    Args:
        name: As the tools name the argument.
        type: `str`, `int`, `float`, `bool`, `path`, or `list[...]` of these.
        among: The results that it is chosen from; None where it comes from outside.
        checked: They were, in every use: a use in which they are not is none.
        default: Where all elements are taken if it is not given; None where it has to be given.
        said: The share of uses where the user or an earlier result named it before the first step.
        named: The share of uses where the user did.
        shown_by: The step, counted from 0, whose result was the first to tell it, where at least half of
            the uses chose it on the way; None where fewer did.
    """

    name: str
    type: str
    among: Reference | None = None
    default: Reference | None = None
    said: float = 0.0
    named: float = 0.0
    checked: bool = False
    shown_by: int | None = None

    def to_json(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "type": self.type,
            "among": str(self.among) if self.among else None,
            "default": str(self.default) if self.default else None,
            "said": round(self.said, 3),
            "named": round(self.named, 3),
            "checked": self.checked,
            "shown_by": None if self.shown_by is None else self.shown_by + 1,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """A recurring sub-task with its parameters and what it stands on."""

    steps: tuple[RoutineStep, ...]
    parameters: tuple[Parameter, ...] = ()
    support: Support = field(default_factory=Support)

    @property
    def routine_id(self) -> str:
        """Its name: the hash of its steps, whatever supports or guards them."""
        # As text: a constant may be a number that canonical JSON does not know.
        return derive_id("rtn", json.dumps([step.form() for step in self.steps], sort_keys=True))

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools in order."""
        return tuple(step.tool for step in self.steps)

    def chosen_before(self, number: int) -> tuple[Parameter, ...]:
        """The parameters that have to be among what an earlier step returned before a step is made: the
        first that uses them, or that changes something."""
        return tuple(each for each in self.parameters if self._is_due(each, number))

    def _is_due(self, parameter: Parameter, number: int) -> bool:
        among = parameter.among
        if (
            among is None
            or not parameter.checked
            or not _STAR.search(among.path)
            or self.steps[among.step].is_optional
        ):
            return False
        for at, step in enumerate(self.steps[among.step + 1 :], start=among.step + 1):
            slots = step.arguments.values()
            if step.changes or any(parameter.name in parameters_in(slot) for slot in slots):
                return at == number
        return False

    def to_json(self) -> dict[str, Json]:
        return {
            "routine": self.routine_id,
            "steps": [step.to_json() for step in self.steps],
            "parameters": [each.to_json() for each in self.parameters],
            "support": self.support.to_json(),
        }


def parse_routine(value: Mapping[str, Any]) -> Routine:
    """Read a routine back from its JSON object."""
    return Routine(
        steps=tuple(_step(each) for each in value["steps"]),
        parameters=tuple(
            Parameter(
                name=each["name"],
                type=each["type"],
                among=parse_reference(each["among"]) if each["among"] else None,
                default=parse_reference(each["default"]) if each.get("default") else None,
                said=each["said"],
                named=each.get("named", each["said"]),
                checked=each.get("checked", False),
                shown_by=each["shown_by"] - 1 if each.get("shown_by") else None,
            )
            for each in value["parameters"]
        ),
        support=parse_support(value["support"]),
    )


def parse_reference(text: str) -> Reference:
    """Read `$1.path` back, also `$1.orders[*]{status == "pending"}.order_id`."""
    digits = len(text[1:]) - len(text[1:].lstrip("0123456789"))
    step, path = int(text[1 : 1 + digits]) - 1, text[1 + digits :]
    before, brace, rest = path.partition("{")
    if not brace:
        return Reference(step, path)
    pick, after = _pick(rest)
    return Reference(step, before + after, pick)


def _pick(text: str) -> tuple[Pick, str]:
    """A pick whose brace was opened, and the text behind it."""
    ordered = _ORDERED.match(text)
    if ordered:
        how, fact = ordered.groups()
        return Pick(how, _fact(fact or "")), text[ordered.end() :]  # type: ignore[arg-type]
    fact, _, rest = text.partition(" == ")
    value: Constant | Use | Item | Reference
    try:
        constant, end = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        constant, end = None, 0
    if end and rest[end] == "}":
        value = Constant(constant)
    else:
        end = rest.index("}")
        told = rest[:end]
        name = told.removeprefix("each of ")
        if told.startswith("$"):
            value = parse_reference(told)
        else:
            value = Use(name) if name == told else Item(name)
    return Pick("where", _fact(fact), value), rest[end + 1 :]


def _fact(text: str) -> str:
    return f".{text}" if text else ""


def _step(value: Mapping[str, Any]) -> RoutineStep:
    return RoutineStep(
        tool=value["tool"],
        arguments={name: _slot(each) for name, each in value["arguments"].items()},
        changes=value["changes"],
        is_repeated=value["repeated"],
        is_optional=value["optional"],
        guards=tuple(map(_guard, value["guards"])),
    )


def _guard(value: Mapping[str, Any]) -> Guard:
    how = next(name for name in get_args(GuardHow) if name in value)
    at = parse_reference(value["at"]) if value["at"].startswith("$") else Use(value["at"])
    return Guard(at=at, value=value[how], how=how)


def _slot(value: Mapping[str, Any]) -> Slot:
    (kind, told), *_ = value.items()
    if kind == "constant":
        return Constant(told)
    if kind == "reference":
        return parse_reference(told)
    if kind == "each_of":
        return Each(parse_reference(told))
    return Use(told) if kind == "parameter" else Item(told)

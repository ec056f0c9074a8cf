"""Writes what occurrences have in common as a routine, with names as a person would choose. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from typing import cast

from lignin.domain.codec import Json
from lignin.domain.routines import (
    Constant,
    Each,
    How,
    Item,
    Parameter,
    Pick,
    Reference,
    Routine,
    RoutineStep,
    Slot,
    Use,
)
from lignin.traces.routines.unify import (
    Fixed,
    Free,
    From,
    Group,
    Picked,
    Place,
    Same,
    Unified,
)

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PATH = re.compile(r"[~.]{0,2}/?(?:[\w.@+-]+/)+[\w.@+-]*|[\w-]+\.[A-Za-z]\w{0,4}")
_URL = re.compile(r"[a-z]{2,8}://\S+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_JSON_WORDS = frozenset(["true", "false", "null"])
_MAX_EXAMPLES = 50
_BEFORE = -1


def compose(unified: Unified) -> Routine:
    """Return the routine of what occurrences have in common, without support."""
    parameters: dict[tuple[int, int], Parameter] = {}
    names: set[str] = set()
    steps: list[RoutineStep] = []
    written: dict[tuple[int, int], Slot] = {}
    for number, (tool, arguments) in enumerate(unified.tokens):
        slots: dict[str, Slot] = {}
        later: list[tuple[str, int, Picked]] = []
        uses = [groups for _, groups in unified.uses if groups[number]][:_MAX_EXAMPLES]
        calls = [groups[number] for groups in uses]
        for place, argument in enumerate(arguments):
            finding = unified.findings[number][place]
            raw = [call.raw[place] for group in calls for call in group]
            slot: Slot
            if isinstance(finding, Fixed):
                slot = Constant(raw[0])
            elif isinstance(finding, Same):
                slot = written[finding.step, finding.slot]
            elif isinstance(finding, From):
                slot = Reference(finding.step, finding.path)
            elif isinstance(finding, Picked):
                later.append((argument, place, finding))
                continue
            else:
                kind = type_of(raw)
                name = parameter_name(tool, argument, kind, names, each=finding.each)
                names.add(name)
                parameters[number, place] = _parameter(name, kind, finding, uses, (number, place))
                slot = Item(name) if finding.each else Use(name)
            slots[argument] = written[number, place] = slot
        for argument, place, picked in later:
            slots[argument] = written[number, place] = _chosen(picked, written)
        slots = {argument: slots[argument] for argument in arguments}
        steps.append(
            RoutineStep(
                tool=tool,
                arguments=slots,
                changes=any(call.changes for group in calls for call in group),
                is_repeated=any(isinstance(slot, Item | Each) for slot in slots.values()),
                is_optional=unified.shape.optional[number],
            )
        )
    return Routine(steps=tuple(steps), parameters=tuple(parameters.values()))


def _chosen(picked: Picked, written: Mapping[tuple[int, int], Slot]) -> Slot:
    """The slot of what is chosen by a condition."""
    if picked.how == "all":
        return Each(Reference(picked.step, picked.path))
    value: Slot | None = None
    if picked.how == "where":
        value = written[picked.by] if picked.by else Constant(picked.constant)
    assert value is None or isinstance(value, Constant | Use | Item | Reference)
    pick = Pick(cast("How", picked.how), picked.fact, value)
    place = Reference(picked.step, picked.path, pick)
    return Each(place) if picked.each else place


def _parameter(
    name: str, kind: str, finding: Free, uses: Sequence[Sequence[Group]], at: Place
) -> Parameter:
    number, place = at
    known = named = 0
    shown: Counter[int] = Counter()
    for groups in uses:
        named += all(call.said[place] for call in groups[number])
        told = _told_by(groups, number, place)
        known += told == _BEFORE
        if told is not None and told != _BEFORE:
            shown[told] += 1
    told_at = min(shown, key=lambda step: (-shown[step], step), default=None)
    among = Reference(finding.among.step, finding.among.path) if finding.among else None
    default = Reference(finding.default.step, finding.default.path) if finding.default else None
    kind = f"list[{kind}]" if finding.each else kind
    count = max(len(uses), 1)
    return Parameter(
        name=name,
        type=kind,
        among=among,
        default=default,
        said=round(known / count, 3),
        named=round(named / count, 3),
        shown_by=told_at if 2 * shown.total() >= count else None,
    )


def _told_by(groups: Sequence[Group], number: int, place: int) -> int | None:
    """By which of its steps the values of a slot in one use were told first; `_BEFORE` where they were
    known before the first, None where nobody told them."""
    step_of = {call.place: step for step, group in enumerate(groups) for call in group}
    first = min(step_of)
    latest: list[int] = []
    for call in groups[number]:
        seen = [at for at, _ in call.sources[place]]
        if call.said[place] or any(at < first for at in seen):
            continue
        steps = [step_of[at] for at in seen if at in step_of]
        if not steps:
            return None
        latest.append(min(steps))
    return max(latest, default=_BEFORE)


def type_of(values: Sequence[Json]) -> str:
    """Return the type of values, as a parameter has it."""
    kinds = Counter(_type_of(value) for value in values)
    if len(kinds) == 1:
        return next(iter(kinds))
    if set(kinds) == {"int", "float"}:
        return "float"
    return "str" if set(kinds) <= {"str", "path", "url", "int", "float"} else "object"


def _type_of(value: Json) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return type(value).__name__
    if isinstance(value, list | tuple):
        return f"list[{type_of(value)}]" if value else "list[str]"
    if isinstance(value, str):
        if _URL.fullmatch(value):
            return "url"
        return "path" if _PATH.fullmatch(value) and not _NUMBER.fullmatch(value) else "str"
    return "object"


def parameter_name(
    tool: str, argument: str, kind: str, taken: set[str], *, each: bool = False
) -> str:
    """The argument's own name; with the tool's first word, or a number, where that is taken."""
    own = _identifier(argument.rpartition(".")[2])
    if not own:
        own = {"path": "path", "url": "url"}.get(kind, "text")
    if each:
        own = plural(own)
    verb = (_WORDS.findall(tool) or [""])[0].lower()
    candidates = [own, *([f"{verb}_{own}"] if verb and not argument.isdecimal() else [])]
    for candidate in candidates:
        if candidate not in taken:
            return candidate
    return next(name for n in range(2, 1000) if (name := f"{own}_{n}") not in taken)


def _identifier(text: str) -> str:
    if text.isdecimal():
        return ""
    word = "_".join(part.lower() for part in _WORDS.findall(text))
    word = re.sub(r"(?<=[a-z])_(?=\d)", "", word)
    return f"{word}_" if iskeyword(word) or word in _JSON_WORDS else word


def plural(word: str) -> str:
    """Return the name of several of something."""
    if word.endswith(("ss", "atus", "onus", "ius", "is")):
        return f"{word}es"
    if word.endswith("s"):
        return f"{word[:-1]}_lists" if len(word) > 2 else f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("x", "ch", "sh")) else "s")

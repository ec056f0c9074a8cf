"""Which elements of a list a routine means: in what is kept of a run, and in the results themselves.

Both come to the same, for what is kept of an element are the short facts that a pick may go by. Pure.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.routines import Constant, Item, Pick, Reference, Use
from lignin.traces.routines.encode import KEY, MAX_ELEMENTS, Call, Facts, Source
from lignin.traces.routines.values import Key, elements_at, facts_of, key_of

_INDEX = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ][\d:.Z+-]+)?")


@dataclass(frozen=True, slots=True)
class Element:
    """An element: what it tells of itself, and the value that would be handed on of it."""

    facts: Facts
    value: Key | None


def chosen(pick: Pick | None, elements: Sequence[Element], wanted: Key | None) -> list[Element]:
    """Return the elements that a pick means: all without one, none where it cannot be said.

    Args:
        wanted: What the fact has to equal, of a pick that says so.
    """
    if pick is None:
        return list(elements)
    if pick.how == "only":
        return list(elements) if len(elements) == 1 else []
    if pick.how == "last":
        return list(elements[-1:])
    told = [each.facts.get(pick.fact) for each in elements]
    if any(value is None for value in told):
        return []
    if pick.how == "where":
        return [e for e, value in zip(elements, told, strict=True) if key_of(value) == wanted]
    if not told or not is_ordered(told):
        return []
    extreme = min(told) if pick.how == "min" else max(told)  # type: ignore[type-var]
    return [elements[told.index(extreme)]]


def is_ordered(values: Sequence[Json]) -> bool:
    """True where values can be put in an order that means something: numbers, or dates."""
    if all(isinstance(each, int | float) and not isinstance(each, bool) for each in values):
        return True
    return all(isinstance(each, str) and _DATE.fullmatch(each) for each in values)


def wanted_by(
    pick: Pick | None,
    bindings: Mapping[str, Key | tuple[Key, ...]],
    number: int,
    value_at: Mapping[Reference, Key | None],
) -> Key | None:
    """Return what the fact has to equal in one call: a constant, a parameter, its item, a place."""
    by = pick.value if pick else None
    if isinstance(by, Constant):
        return key_of(by.value)
    if isinstance(by, Use):
        return bindings.get(by.parameter)  # type: ignore[return-value]
    if isinstance(by, Item):
        items = bindings.get(by.parameter, ())
        return items[number] if number < len(items) else None
    return value_at[by] if by else None


def kept_elements(
    place: Reference,
    group: Sequence[Call],
    is_repeated: bool,
    seen: Collection[Source] = (),
    key: Key | None = None,
) -> list[Element] | None:
    """Return the elements at a place in what is kept of a step's calls; None where they are not.

    Args:
        seen: Where the value that is handed on lies, `key` being that value.
    """
    path, rest = place.parts
    if is_repeated and path == "[*]":
        return [
            Element(c.facts, key if (c.place, rest) in seen else _told(c.facts, rest))
            for c in group
        ]
    inner = path.removeprefix("[*]") if is_repeated else path
    found: list[Element] = []
    for call in group:
        lists = _kept(call, inner.replace(".~", ".*"))
        if lists is None:
            return None
        rest_or_key = KEY if inner.endswith(".~") else rest
        found += [Element(facts, _told(facts, rest_or_key)) for facts in lists]
    return found if group or is_repeated else None


def kept_value(place: Reference, groups: Sequence[Sequence[Call]]) -> Key | None:
    """Return the short value at an exact place in what is kept of a run; None where there is none."""
    group = groups[place.step]
    return _told(group[0].facts, place.path) if len(group) == 1 else None


def _told(facts: Facts, path: str) -> Key | None:
    return key_of(facts[path]) if path in facts else None


def _kept(call: Call, path: str) -> Sequence[Facts] | None:
    if path in call.lists:
        return call.lists[path]
    is_empty = path.endswith("[*]") and call.facts.get(f"{path[:-3]}[#]") == 0
    return () if is_empty else None


def elements_of(place: Reference, returned: Any) -> list[Element]:
    """Return the elements at a place in what a step returned, of a repeated one in all it returned.

    Raises:
        LookupError: There is no list, or one that is too long.
    """
    path, rest = place.parts
    found = elements_at(returned, path)
    if len(found) > MAX_ELEMENTS:
        raise LookupError(f"{len(found)} elements")
    if path.endswith(".~"):
        return [Element({KEY: key, **facts_of(each)}, key) for key, each in found]
    return [
        Element({KEY: key, **facts_of(each)} if key else facts_of(each), _value(each, rest))
        for key, each in found
    ]


def _value(element: Any, path: str) -> Key | None:
    try:
        return key_of(resolve(element, path))
    except LookupError:
        return None


def resolve(value: Any, path: str) -> Any:
    """Return what lies at an exact path of a result.

    Raises:
        LookupError: Nothing lies there.
    """
    for token in _INDEX.finditer(path):
        name, index = token.groups()
        if name is not None and isinstance(value, Mapping):
            value = value[name]
        elif index is not None and isinstance(value, list | tuple):
            value = value[int(index)]
        else:
            raise LookupError(path)
    return value

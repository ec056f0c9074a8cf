"""Places in what a routine's steps brought back, as a program's source reads them. Pure.

Of a list that a condition picks one element of, the program takes that one, and hands over where none
or several are meant.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lignin.artifacts.routine_text import (
    another,
    identifier,
    literal,
    places_of,
    plain,
    plural,
    shown,
    singular,
    unique,
)
from lignin.domain.routines import Constant, Each, Guard, Item, Parameter, Reference, Use

_STEP = re.compile(r"\[\*\]|\.\*|\.~|\.[^.\[\]]+|\[\d+\]")
_STARS = {"[*]": "", ".*": ".values()", ".~": ""}


@dataclass(frozen=True, slots=True)
class Chosen:
    """An argument that a condition picks: the lines that go before the call, and its source."""

    lines: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop: what it sets, what it goes over, the source of what is handed on, and what a person calls
    the list; `first` is the line that each round begins with, if there is one; the smaller `depth` is, the
    more an element says to a person."""

    target: str
    over: str
    value: str
    told: str
    first: str = ""
    depth: int = 0

    @property
    def several(self) -> str:
        """A name for the list."""
        if self.first:
            return identifier(self.told.rpartition(".")[2], "values")
        return plural(self.target)


@dataclass(frozen=True, slots=True)
class _Walk:
    """The way to the elements of a list: its loops, the element and what is handed on of it."""

    loops: tuple[str, ...]
    element: str
    value: str

    def listed(self, condition: str = "") -> str:
        """All values as a list."""
        return f"[{self.value} {' '.join(self.loops)}{f' if {condition}' if condition else ''}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What places are called in a program: each step's variable, each parameter's name.

    `used` are all names that mean something, and `known` what was picked; both grow.
    """

    names: tuple[str, ...]
    parameters: Mapping[str, str]
    singles: Mapping[str, str]
    used: set[str]
    known: dict[Reference, str] = field(default_factory=dict)

    def exact(self, place: Reference) -> str:
        """The source of a place that is one value.

        Raises:
            InvalidRequestError: It is one of several.
        """
        return self.names[place.step] + _keys(places_of(place))

    def picked(self, tool: str, place: Reference, after: str = "") -> Chosen:
        """The source of the one element that a condition picks; what was picked before is not again.

        Args:
            after: What a hand-over says besides, as part of an f-string.
        """
        if place in self.known:
            return Chosen((), self.known[place])
        pick = place.pick
        assert pick is not None
        walk = self._walk(place)
        if pick.how == "last":
            return Chosen((), self._last(place, walk))
        if pick.how in ("min", "max"):
            return Chosen((), self._extreme(place, walk))
        found = unique(f"matching_{plural(self._named(place))}", self.used)
        about = self.names[place.step] + _without_stars(place.parts[0])
        why = f"{plain(tool)} needs one of {plain(about)}{self._which(place)}, not "
        lines = (
            f"{found} = {walk.listed(self._condition(place, walk))}",
            f"if len({found}) != 1:",
            f'    return {{"done": done, "handed_over": f"{why}{{len({found})}}{after}"}}',
        )
        if not isinstance(pick.value, Item):
            self.known[place] = f"{found}[0]"
        return Chosen(lines, f"{found}[0]")

    def guarded(self, tool: str, guard: Guard, after: str = "") -> tuple[str, ...]:
        """The lines that hand over where a guard does not hold; `after` is as of `picked`."""
        lines: tuple[str, ...] = ()
        if isinstance(guard.at, Use):
            source = self.parameters[guard.at.parameter]
        elif guard.at.pick:
            chosen = self.picked(tool, guard.at, after)
            lines, source = chosen.lines, chosen.source
        else:
            source = self.exact(guard.at)
        why = literal(f"{plain(tool)} needs {self.needs(guard)}{after}")
        why = f"f{why}" if after else why
        return (
            *lines,
            f"if {_fails(guard, source)}:",
            f'    return {{"done": done, "handed_over": {why}}}',
        )

    def among(self, tool: str, parameter: Parameter, name: str) -> tuple[str, ...]:
        """The lines that hand over where a parameter is none of what it has to be chosen from."""
        place = parameter.among
        assert place is not None
        walk = self._walk(replace(place, path=place.path.removesuffix(".~"), pick=None))
        if place.path.endswith(".~"):
            known = walk.value
            loops = walk.loops
        else:
            known, loops = walk.listed() if walk.loops else f"[{walk.value}]", ()
            is_plain = len(walk.loops) == 1 and walk.value == walk.element
            known = walk.loops[0].partition(" in ")[2] if is_plain else known
        asked, goes = name, ""
        inner_names = {each.partition(" in ")[0].removeprefix("for ") for each in walk.loops}
        taken = {*self.used, walk.element, *inner_names} - (
            set(self.singles.values()) - {walk.element} - inner_names
        )
        for _ in range(parameter.type.count("list[")):
            one = another(singular(asked), taken)
            goes, asked = f"{goes} for {one} in {asked}", one
        if loops:
            inner = f"any({asked} in {known} {' '.join(loops)})"
            missing = f"not {inner}" if not goes else f"any(not {inner}{goes})"
        else:
            missing = (
                f"{asked} not in {known}" if not goes else f"any({asked} not in {known}{goes})"
            )
        told = plain(f"{self.names[place.step]}{_without_stars(place.path)}")
        why = literal(f"{plain(tool)} needs {name} to be among {told}")
        return (f"if {missing}:", f'    return {{"done": done, "handed_over": {why}}}')

    def expected(self, place: Reference) -> str:
        """What a step has to have returned, in words."""
        path = place.path
        if place.pick and place.pick.fact:
            path = f"{place.parts[0]}{place.pick.fact}"
        parts = (
            part if part[0] == "[" else plain(part) for part in _STEP.findall(_without_stars(path))
        )
        return "".join(parts).removeprefix(".") or "a value"

    def needs(self, guard: Guard) -> str:
        """What a guard asks for, in words."""
        if isinstance(guard.at, Use):
            told = self.parameters[guard.at.parameter]
        else:
            told = plain(f"{self.names[guard.at.step]}{_without_stars(guard.at.path)}")
        return f"{told} to be {guard.expected(shown)}"

    def over(self, slot: Each, name: str) -> Loop:
        """How a step is repeated for all that is meant, each being called by a name."""
        place = slot.place
        walk = self._walk(place)
        condition = self._condition(place, walk)
        if not condition and len(walk.loops) == 1:
            target, _, every = walk.loops[0].removeprefix("for ").partition(" in ")
            if walk.value != walk.element or target != walk.element:
                one = name if name != target else unique(f"{name}_value", self.used)
                return Loop(target, every, one, self._called(place), f"{one} = {walk.value}")
            return Loop(name, every, name, self._called(place))
        return Loop(name, walk.listed(condition), name, self._called(place))

    def _called(self, place: Reference) -> str:
        return plain(f"{self.names[place.step]}{_without_stars(place.parts[0])}")

    def listed(self, slot: Each) -> str:
        """The source of all that a step is repeated for, as a list."""
        walk = self._walk(slot.place)
        is_plain = slot.place.path.endswith("[*]") and slot.place.path.count("*") == 1
        if is_plain and slot.place.pick is None:
            return walk.loops[0].rpartition(" in ")[2]
        return walk.listed(self._condition(slot.place, walk))

    def single(self, name: str) -> str:
        """A name for one of several, that means nothing else yet."""
        return unique(singular(name), set(self.used))

    def _condition(self, place: Reference, walk: _Walk) -> str:
        pick = place.pick
        if pick is None or pick.how != "where":
            return ""
        fact, by = walk.element + _fact_keys(pick.fact), pick.value
        if isinstance(by, Constant):
            return f"{fact} {'is' if isinstance(by.value, bool) else '=='} {literal(by.value)}"
        if isinstance(by, Use):
            return f"{fact} == {self.parameters[by.parameter]}"
        if isinstance(by, Item):
            return f"{fact} == {self.singles[by.parameter]}"
        assert isinstance(by, Reference)
        return f"{fact} == {self.exact(by)}"

    def _which(self, place: Reference) -> str:
        pick = place.pick
        return f" by {plain(pick.fact.removeprefix('.'))}" if pick and pick.how == "where" else ""

    def _last(self, place: Reference, walk: _Walk) -> str:
        if len(walk.loops) != 1 or place.path.endswith(".~"):
            return f"{walk.listed()}[-1]"
        every = walk.loops[0].rpartition(" in ")[2]
        every = f"list({every})" if every.endswith(".values()") else every
        return f"{every}[-1]{walk.value.removeprefix(walk.element)}"

    def _extreme(self, place: Reference, walk: _Walk) -> str:
        assert place.pick is not None
        fact, element = _fact_keys(place.pick.fact), walk.element
        if place.path.endswith(".~"):
            key, _, held = walk.loops[-1].partition(" in ")[0].removeprefix("for ").partition(", ")
            pairs = f"(({key}, {held}) {' '.join(walk.loops)})"
            return f"{place.pick.how}({pairs}, key=lambda pair: pair[1]{fact})[0]"
        every = (
            walk.loops[0].rpartition(" in ")[2]
            if len(walk.loops) == 1
            else f"({element} {' '.join(walk.loops)})"
        )
        rest = walk.value.removeprefix(element)
        return f"{place.pick.how}({every}, key=lambda {element}: {element}{fact}){rest}"

    def _walk(self, place: Reference) -> _Walk:
        """The loops to the elements at a place, one for each star of its path."""
        at, about = self.names[place.step], self.names[place.step]
        loops: list[str] = []
        element = at
        taken = set(self.used)
        for part in _STEP.findall(place.path):
            if part in _STARS:
                element = another(singular(about), taken)
                if part == ".~":
                    at, element = self._keyed(place, at, element, loops, taken)
                else:
                    loops.append(f"for {element} in {at}{_STARS[part]}")
                    at = element
                about = element
            elif part.startswith("["):
                at += part
            else:
                at, about = f"{at}[{literal(part[1:])}]", identifier(part, "value")
        return _Walk(tuple(loops), element, at)

    def _keyed(
        self, place: Reference, at: str, element: str, loops: list[str], taken: set[str]
    ) -> tuple[str, str]:
        """Go over a mapping's keys, with its values where a condition reads them."""
        if place.pick is None or not place.pick.fact:
            loops.append(f"for {element} in {at}")
            return element, element
        key = unique(f"{element}_key", taken)
        loops.append(f"for {key}, {element} in {at}.items()")
        return key, element

    def _named(self, place: Reference) -> str:
        names = [part for part in _STEP.findall(place.path) if part not in _STARS]
        last = names[-1] if names and not names[-1].startswith("[") else self.names[place.step]
        return identifier(last, "values")


def _without_stars(path: str) -> str:
    return re.sub(r"\[\*\]|\.[*~]", "", path)


def _fails(guard: Guard, source: str) -> str:
    """The condition under which a guard does not hold."""
    if guard.how == "empty":
        return source if guard.value else f"not {source}"
    if guard.how == "among" and isinstance(guard.value, list):
        return f"{source} not in ({', '.join(map(literal, guard.value))})"
    if isinstance(guard.value, bool):
        return f"{source} is not {guard.value}"
    sign = {"at_most": ">", "at_least": "<"}.get(guard.how, "!=")
    return f"{source} {sign} {literal(guard.value)}"


def _keys(keys: list[str | int]) -> str:
    return "".join(f"[{literal(each)}]" for each in keys)


def _fact_keys(fact: str) -> str:
    return "".join(f"[{literal(name)}]" for name in fact.split(".") if name)

"""Requests as forms: words that are always there, and slots that give values. Pure.

A form explains a request entirely or not at all. What may stand in a slot is told by how the values
seen there were built (`A-9` for `O-20145`); plain words and names are taken only as they were seen, for
what a sentence means nobody here can tell.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lignin.domain.codec import Json
from lignin.domain.plans import Case, Form, Slot

FEWEST = 3
"""A form, and each way that a slot's values are built, needs so many passing runs."""
MAX_CHARS = 4_000
MAX_TRIES = 2_000
_TOKEN = re.compile(r"\w+(?:[@.\-+/:'#&]+\w+)*|[^\w\s]")
_PLAIN = frozenset("Aa -'")

Values = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Token:
    """A word or sign of a text, with where it stands."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request of a run with the values that the run used.

    Args:
        text: What the user said first.
        values: As tools were given them, by name.
    """

    text: str
    values: Mapping[str, Json]


def tokens_of(text: str) -> list[Token]:
    """Return the words and signs of a text, bounded."""
    return [Token(each[0], each.start(), each.end()) for each in _TOKEN.finditer(text[:MAX_CHARS])]


def shape_of(text: str) -> str:
    """Return how a value is built: `9` for digits, `A` and `a` for letters, all else as it is."""
    shape = ""
    for sign in " ".join(text.split()):
        kind = "9" if sign.isdigit() else "A" if sign.isupper() else "a" if sign.isalpha() else sign
        if not (kind in "9Aa" and shape.endswith(kind)):
            shape += kind
    return shape


def is_plain(shape: str) -> bool:
    """True for words, names among them, which no shape tells apart from any others."""
    return set(shape) <= _PLAIN


def said(text: str, value: Json) -> str | None:
    """Return a value as a request says it, word for word but for case and space; else None."""
    tokens = tokens_of(text)
    places = _places(tokens, value)
    return _between(text, tokens, *places[0]) if places else None


def mine_forms(requests: Sequence[Request]) -> tuple[Form, ...]:
    """Return the forms in which runs were asked for, best supported first.

    A run tells a form where the request says each of its values. What may stand in a slot is learned of
    all of them.
    """
    opened = [each for each in map(_opened, requests) if each]
    alike = Counter(each.words for each in opened)
    slots = {
        name: _slot(name, [each for each in opened if name in each.said_as])
        for name in {name for each in opened for name in each.said_as}
    }
    found = []
    for words, support in sorted(alike.items(), key=lambda each: (-each[1], each[0])):
        parts = [slots[word[1:]] if word[0] == "\0" else word for word in words]
        if support >= FEWEST and all(parts):
            found.append(Form(parts=tuple(part for part in parts if part), support=support))
    return tuple(found)


def parse_request(forms: Iterable[Form], text: str) -> list[dict[str, Json]]:
    """Return the different values that forms read from a request; only one of them is a meaning."""
    if len(text) > MAX_CHARS:
        return []
    tokens = tokens_of(text)
    found: list[dict[str, Json]] = []
    for form in forms:
        for values in _Reading(text, tokens, form.parts).read():
            if values not in found:
                found.append(values)
            if len(found) > 1:
                return found
    return found


class _Reading:
    """Looks for every way in which a form explains a text; gives up after `MAX_TRIES`."""

    def __init__(self, text: str, tokens: Sequence[Token], parts: Sequence[str | Slot]) -> None:
        self._text, self._tokens, self._parts = text, tokens, parts
        self._tries = 0

    def read(self) -> list[dict[str, Json]]:
        """Return the values of each; none where there were too many to try."""
        found = list(self._read(0, 0, {}))
        return found if self._tries <= MAX_TRIES else []

    def _read(self, part: int, at: int, given: dict[str, Json]) -> Iterator[dict[str, Json]]:
        self._tries += 1
        if self._tries > MAX_TRIES:
            return
        if part == len(self._parts):
            if at == len(self._tokens):
                yield given
            return
        expected = self._parts[part]
        if isinstance(expected, str):
            if at < len(self._tokens) and self._tokens[at].text.casefold() == expected:
                yield from self._read(part + 1, at + 1, given)
            return
        for end in range(at + 1, min(len(self._tokens), at + _longest(expected)) + 1):
            value = read_slot(expected, _between(self._text, self._tokens, at, end))
            if value is not None and given.get(expected.name, value) == value:
                yield from self._read(part + 1, end, {**given, expected.name: value})


def read_slot(slot: Slot, text: str) -> Json:
    """Return what a text gives in a slot; None where it cannot stand there."""
    text = " ".join(text.split())
    shape = shape_of(text)
    case = slot.shapes.get(shape)
    if case is None or (is_plain(shape) and text not in slot.words):
        return None
    if slot.type != "str":
        try:
            return int(text) if slot.type == "int" else float(text)
        except ValueError:
            return None
    return _written(text, case)


def _longest(slot: Slot) -> int:
    return max(len(tokens_of(shape)) for shape in slot.shapes) if slot.shapes else 0


@dataclass(frozen=True, slots=True)
class _Opened:
    """A request's words with a value's name in its place, the values, and how it says each."""

    words: tuple[str, ...]
    values: Mapping[str, Json]
    said_as: Mapping[str, list[str]]


def _opened(request: Request) -> _Opened | None:
    """Take the values out of a request; None where it does not say one."""
    tokens = tokens_of(request.text)
    taken: dict[int, tuple[int, str]] = {}
    told: dict[str, list[str]] = {}
    for name, value in sorted(request.values.items(), key=lambda each: -len(str(each[1]))):
        places = [
            (start, end)
            for start, end in _places(tokens, value)
            if all(end <= one or start >= other for one, (other, _) in taken.items())
        ]
        if not places:
            return None
        for start, end in places:
            taken[start] = end, name
        told[name] = [_between(request.text, tokens, *place) for place in places]
    words, at = [], 0
    while at < len(tokens):
        if at in taken:
            at, name = taken[at]
            words.append(f"\0{name}")
        else:
            words.append(tokens[at].text.casefold())
            at += 1
    return _Opened(tuple(words), request.values, told)


def _slot(name: str, given: Sequence[_Opened]) -> Slot | None:
    """What may stand at a name's places; None where it was not written alike often enough."""
    cases: dict[str, set[Case]] = defaultdict(set)
    counts: Counter[str] = Counter()
    words: set[str] = set()
    types = {type(each.values[name]).__name__ for each in given}
    for each in given:
        for text in each.said_as[name]:
            shape = shape_of(text)
            counts[shape] += 1
            fits = {case for case in _CASES if _written(text, case) == str(each.values[name])}
            cases[shape] = (cases[shape] & fits) if counts[shape] > 1 else fits
            if is_plain(shape):
                words.add(" ".join(text.split()))
    shapes = {
        shape: next(case for case in _CASES if case in fits)
        for shape, fits in sorted(cases.items())
        if fits and counts[shape] >= FEWEST
    }
    if not shapes or not types <= {"str", "int", "float"} or len(types) > 1:
        return None
    return Slot(name=name, type=types.pop(), shapes=shapes, words=tuple(sorted(words)))


_CASES: tuple[Case, ...] = ("as said", "upper", "lower")


def _written(text: str, case: Case) -> str:
    text = " ".join(text.split())
    return text.upper() if case == "upper" else text.lower() if case == "lower" else text


def _places(tokens: Sequence[Token], value: Json) -> list[tuple[int, int]]:
    """Where a text says a value, as first token and the one after its last."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return []
    wanted = [token.text.casefold() for token in tokens_of(str(value))]
    size = len(wanted)
    if not wanted:
        return []
    texts = [token.text.casefold() for token in tokens]
    found = [
        (at, at + size) for at in range(len(texts) - size + 1) if texts[at : at + size] == wanted
    ]
    return [place for place, after in pairwise([*found, (len(texts), 0)]) if place[1] <= after[0]]


def _between(text: str, tokens: Sequence[Token], start: int, end: int) -> str:
    return text[tokens[start].start : tokens[end - 1].end]

"""Values in what tools return, and the paths they lie at. Pure, bounded.

A mapping whose keys are data (ids, titles) is told from a record by the form of its keys, so a path
through it is the same for every key: `.*` is any of its values, `.~` any of its keys.
"""

import ast
import json
import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lignin.domain.codec import Json

MAX_TEXT_CHARS = 200_000
MAX_LEAVES = 3_000
MAX_DEPTH = 12
MAX_WORDS = 1_500
MAX_FACT_CHARS = 40
MAX_FACTS = 32
MAX_FACT_DEPTH = 3
_PREFIX = re.compile(r"#\s?\w{1,40} = ")
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_NUMBER_LIKE = re.compile(r"\d{3}")
_INDEX = re.compile(r"\[\d+\]")
_WORD = re.compile(r"[\w#@./:+~-]+")
_SHORT_CHARS = 200
_FACT_NAME = re.compile(r"[\w][\w -]{0,60}")
_STAR = re.compile(r"\[\*\]|\.\*|\.~")
_TOKEN = re.compile(r"\.([^.\[]+)|\[(?:(\d+)|\*)\]")

Key = str | tuple[str, ...]
"""A value in the form in which equal values are equal; of a list its elements'."""


def parse_result(text: str) -> Any:
    """Return what a tool returned as a value; text that is no JSON or Python literal stays text."""
    text = text[:MAX_TEXT_CHARS].strip()
    if text.startswith("#") and (match := _PREFIX.match(text)):
        text = text[match.end() :]
    if text[:1] not in "[{(\"'-0123456789tfn" or not text:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if text[0] in "[{('\"":
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            pass
    return text


def key_of(value: Json) -> Key:
    """Return the form in which a value is compared."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return tuple(each if isinstance(each := key_of(v), str) else repr(each) for v in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, default=str)
    return "null" if value is None else str(value)


def leaves(value: Any) -> Iterator[tuple[str, Key]]:
    """Yield the path and the key of every value that a result holds, in order, bounded.

    A list of plain values is one too.

    Of text that is no structure: the whole of it where it is one short line, and its words at `.~`.
    """
    if isinstance(value, str):
        yield from _words(value)
        return
    for count, leaf in enumerate(_leaves(value, "", 0)):
        if count == MAX_LEAVES:
            return
        yield leaf


def _words(text: str) -> Iterator[tuple[str, str]]:
    text = text.strip()
    if text and len(text) <= _SHORT_CHARS and "\n" not in text:
        yield "", text
    if any(char.isspace() for char in text):
        for count, word in enumerate(_WORD.finditer(text)):
            if count == MAX_WORDS:
                return
            text = word[0].rstrip(".:-")
            if len(text) > 2:
                yield ".~", text


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, Key]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        keyed = has_data_keys(value)
        for name, each in value.items():
            if keyed:
                yield f"{path}.~", str(name)
            yield from _leaves(each, f"{path}.*" if keyed else f"{path}.{name}", depth + 1)
    elif isinstance(value, list | tuple):
        if value and not any(isinstance(each, dict | list | tuple) for each in value):
            yield path, key_of(value)
        for number, each in enumerate(value):
            yield from _leaves(each, f"{path}[{number}]", depth + 1)
    elif value is not None:
        yield path, repr(value) if isinstance(value, set | bytes) else key_of(value)


def has_data_keys(value: dict[Any, Any]) -> bool:
    """True where a mapping's keys are ids or titles and not the names of fields."""
    if not value:
        return False
    if not all(isinstance(name, str) and _is_name(name) for name in value):
        return True
    return len(value) > 1 and all(
        isinstance(each, dict) and name in each.values() for name, each in value.items()
    )


@lru_cache(maxsize=1 << 14)
def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and _NUMBER_LIKE.search(text) is None


@lru_cache(maxsize=1 << 16)
def general(path: str) -> str:
    """Return a path with the places in lists left open."""
    return _INDEX.sub("[*]", path)


def facts_of(value: Any) -> dict[str, Json]:
    """Return what a value tells of itself: its short plain values outside lists by their paths, and how
    many elements each of its lists has at `[#]`. Bounded; the value itself lies at the empty path."""
    found: dict[str, Json] = {}
    _facts(value, "", 0, found)
    return found


def _facts(value: Any, path: str, depth: int, found: dict[str, Json]) -> None:
    if len(found) >= MAX_FACTS:
        return
    if isinstance(value, dict):
        if depth < MAX_FACT_DEPTH:
            for name, each in value.items():
                if isinstance(name, str) and _is_fact_name(name):
                    _facts(each, f"{path}.{name}", depth + 1, found)
    elif isinstance(value, list | tuple):
        found[f"{path}[#]"] = len(value)
    elif isinstance(value, str):
        if len(text := value.strip()) <= MAX_FACT_CHARS:
            found[path] = text
    elif isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        found[path] = value


@lru_cache(maxsize=1 << 14)
def _is_fact_name(text: str) -> bool:
    return _FACT_NAME.fullmatch(text) is not None


@lru_cache(maxsize=1 << 14)
def list_paths(path: str) -> tuple[str, ...]:
    """Return the paths of the lists whose elements a path leads through, the innermost first."""
    ends = [match.end() for match in _STAR.finditer(general(path))]
    return tuple(general(path)[:end].replace(".~", ".*") for end in reversed(ends))


def elements_at(value: Any, path: str) -> list[tuple[str, Any]]:
    """Return the elements at a path that ends in `[*]`, `.*` or `.~`, each with its key in a mapping.

    Raises:
        LookupError: There is no list or mapping where the path needs one.
    """
    found = [("", value)]
    for token in _TOKEN.finditer(path):
        name, index = token.groups()
        found = [each for _, held in found for each in _inside(held, token[0], name, index)]
    return found


def _inside(value: Any, written: str, name: str | None, index: str | None) -> list[tuple[str, Any]]:
    if written == "[*]" and isinstance(value, list | tuple):
        return [("", each) for each in value]
    if written in (".*", ".~") and isinstance(value, dict):
        return [(str(key), each) for key, each in value.items()]
    if index is not None and isinstance(value, list | tuple):
        return [("", value[int(index)])]
    if name is not None and written not in (".*", ".~") and isinstance(value, dict):
        return [("", value[name])]
    raise LookupError(written)

"""What a run came to, in forms that compare: its changes to the world, and the figures in its words.

Equal values mean the same, whoever made the call and however the arguments were written down. Pure.
"""

import ast
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lignin.domain.codec import Json

_MAX_NESTED_CHARS = 100_000
_MAX_DEPTH = 30
_FIGURE = re.compile(r"\w{0,40}\d[\w,.-]{0,40}")


class Effect(NamedTuple):
    """A change to the world: the tool and its arguments in canonical form; equal means the same."""

    tool: str
    arguments: tuple[tuple[str, Any], ...]


def effect_of_call(tool: str, arguments: Mapping[str, Json]) -> Effect:
    """Return the effect that a call has where it works."""
    return Effect(tool, canonical(dict(arguments)))


def figures_in(text: str) -> frozenset[str]:
    """Return the words of a text that hold a digit: amounts, days, ids."""
    return frozenset(found.strip(".,-") for found in _FIGURE.findall(text))


def canonical(value: Json, depth: int = 0) -> Any:
    """Return a value so that equal meanings are equal, and it can be a key.

    Nested JSON or Python text is parsed, text is lower case, lists are sorted multisets.
    """
    if depth > _MAX_DEPTH:
        return repr(value)
    if isinstance(value, str):
        nested = _nested(value.strip())
        return value.strip().lower() if nested is None else canonical(nested, depth + 1)
    if isinstance(value, dict):
        items = ((str(key), canonical(each, depth + 1)) for key, each in value.items())
        return tuple(sorted(items, key=repr))
    if isinstance(value, list | tuple | set):
        return tuple(sorted((canonical(each, depth + 1) for each in value), key=repr))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _nested(text: str) -> Any:
    if not text.startswith(("[", "{", "(", "'", '"')) or len(text) > _MAX_NESTED_CHARS:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            found: Any = read(text)
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        return found
    return None

"""The only door to JSON Schema: authors write schemas, and the host evaluates them. Pure.

A schema here is data of a stranger. It may refer only to itself, nothing is ever fetched, and its
size, its patterns and the work of one evaluation are bounded. Does not read or build schemas.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from lignin.domain.errors import InvalidRequestError

MAX_DEPTH = 60
MAX_NODES = 10_000
MAX_PATTERN = 200
MAX_TEXT = 10_000
MAX_REFERENCES = 10_000
_MAX_WAYS = 20_000
_MAX_TIMES = 1000
_budget: ContextVar[list[int]] = ContextVar("references one evaluation may still follow")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FORBIDDEN = frozenset(
    {"$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$dynamicRef", "$recursiveRef", "id"}
)
_REFUSED_STEPS = frozenset(
    {"GROUPREF", "GROUPREF_EXISTS", "GROUPREF_IGNORE", "ASSERT", "ASSERT_NOT"}
)


def require_safe_schema(schema: Mapping[str, Any]) -> None:
    """Raise where a schema is none, or could reach out of itself or hold up the host.

    Raises:
        InvalidRequestError: A reference that is not `#` or `#/...`, an identifier, another
            dialect, a pattern that may take long, more than 10,000 parts or 60 levels.
    """
    for _ in _nodes(schema):  # bounded before it is written out
        pass
    _prepared(json.dumps(schema, sort_keys=True))


@lru_cache(maxsize=256)
def _prepared(text: str) -> tuple[dict[str, Any], bool]:
    """A safe schema without its dialect, and whether it has patterns; kept, as runs are many."""
    schema, has_patterns = json.loads(text), False
    for node in _nodes(schema):
        if isinstance(node, Mapping):
            _require_local(node, is_root=node is schema)
            for pattern in _patterns(node):
                has_patterns = True
                _require_bounded(pattern)
    try:
        Draft202012Validator.check_schema(_plain(schema))
    except SchemaError as error:
        raise InvalidRequestError(f"it is no JSON Schema: {error.message[:300]}") from error
    return _plain(schema), has_patterns


def schema_faults(
    schema: Mapping[str, Any], value: Any, *, strict_integers: bool = False
) -> list[ValidationError]:
    """Return every way in which a value does not fit a schema; empty where it fits.

    Args:
        schema: Checked again here: what is stored may be older than the rules.
        value: JSON.
        strict_integers: Whether 1.0 is no integer.

    Raises:
        InvalidRequestError: The schema is not safe, points nowhere or asks for too much work.
    """
    require_safe_schema(schema)
    plain, has_patterns = _prepared(json.dumps(schema, sort_keys=True))
    if has_patterns:
        _require_short(value)
    _budget.set([MAX_REFERENCES])
    validator = (_Strict if strict_integers else _Bounded)(plain, registry=Registry())
    try:
        return list(validator.iter_errors(value))
    except RecursionError:
        raise InvalidRequestError("the schema or the value is nested too deeply") from None
    except Unresolvable as error:
        raise InvalidRequestError("the schema refers to what it does not hold") from error


def _follow(validator: Any, ref: Any, instance: Any, inner: Any) -> Iterator[Any]:
    left = _budget.get()
    left[0] -= 1
    if left[0] < 0:
        raise InvalidRequestError(f"the schema follows more than {MAX_REFERENCES} references")
    yield from Draft202012Validator.VALIDATORS["$ref"](validator, ref, instance, inner) or ()


def _is_strict_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_Bounded = extend(Draft202012Validator, {"$ref": _follow})  # type: ignore[no-untyped-call]
_Strict = extend(  # type: ignore[no-untyped-call]
    _Bounded,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_strict_integer),
)


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without its dialect, by which the validator would leave the bounds."""
    return {key: value for key, value in schema.items() if key != "$schema"}


def _nodes(schema: Any) -> Iterator[Any]:
    waiting, seen = [(schema, 0)], 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if seen > MAX_NODES or depth > MAX_DEPTH:
            raise InvalidRequestError(
                f"the schema is too large: at most {MAX_NODES} parts and {MAX_DEPTH} levels"
            )
        yield node
        if isinstance(node, Mapping):
            waiting.extend((item, depth + 1) for item in node.values())
        elif isinstance(node, list | tuple):
            waiting.extend((item, depth + 1) for item in node)


def _require_local(node: Mapping[str, Any], *, is_root: bool) -> None:
    for key, value in node.items():
        if not isinstance(value, str):
            continue  # a property of that name has a schema, not a text
        foreign = key == "$ref" and value != "#" and not value.startswith("#/")
        dialect = key == "$schema" and not (is_root and value.rstrip("#") == _DIALECT)
        if foreign or dialect or key in _FORBIDDEN:
            raise InvalidRequestError(
                f"the schema has {key} {value[:100]!r}; it may refer only to itself",
                hint='write what it needs under "$defs" and refer to "#/$defs/..."',
            )


def _patterns(node: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(node.get("pattern"), str):
        yield node["pattern"]
    if isinstance(node.get("patternProperties"), Mapping):
        yield from node["patternProperties"]


def _require_bounded(pattern: str) -> None:
    try:
        ways = 0 if len(pattern) > MAX_PATTERN else _ways(_parser.parse(pattern), 1)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidRequestError(f"{pattern!r} is no pattern: {error}") from error
    if not 0 < ways <= _MAX_WAYS:
        raise InvalidRequestError(
            f"the pattern {pattern[:100]!r} may take too long to match",
            hint=f"at most {MAX_PATTERN} characters, one unbounded repeat, no repeat of a repeat "
            "or of alternatives, no look-around, no back-reference",
        )


def _ways(steps: Any, times: int) -> int:
    """In how many ways a pattern could be tried at one place; 0 where it is refused."""
    ways = 1
    for step, argument in steps:
        name = str(step)
        if name in _REFUSED_STEPS:
            return 0
        ways *= _ways_of(name, argument, times)
        if not 0 < ways <= _MAX_WAYS:
            return 0
    return ways


def _ways_of(name: str, argument: Any, times: int) -> int:
    if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        least, most, inner = argument
        if times > 1 and most > 1 and times * most > _MAX_TIMES:
            return 0
        each = _ways(inner, times * max(int(most), 1))
        if most > _MAX_TIMES:
            return MAX_TEXT if each == 1 else 0
        return int(min(most - least + 1, MAX_TEXT) * each ** int(most))
    if name == "BRANCH":
        found = [_ways(branch, times) for branch in argument[1]]
        return sum(found) if all(found) else 0
    if name == "SUBPATTERN":
        return _ways(argument[-1], times)
    if name == "ATOMIC_GROUP":
        return _ways(argument, times)
    return 1


def _require_short(value: Any) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str) and len(item) > MAX_TEXT:
            raise InvalidRequestError(
                f"a text of {len(item)} characters; at most {MAX_TEXT} are matched with a pattern"
            )
        if isinstance(item, Mapping):
            waiting += [*item, *item.values()]
        elif isinstance(item, list | tuple):
            waiting += item

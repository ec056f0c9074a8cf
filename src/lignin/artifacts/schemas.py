"""The only door to JSON Schema: authors write schemas, and the host evaluates them. Pure.

A schema here is data of a stranger. It may refer only to itself, nothing is ever fetched, and its
size, its patterns and the work of one evaluation are bounded. Does not read or build schemas.
"""

import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import re2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from lignin.domain.errors import InvalidRequestError

MAX_DEPTH = 60
MAX_NODES = 10_000
MAX_PATTERN = 200
MAX_TEXT = 1_000_000
MAX_REFERENCES = 10_000
_MAX_PATTERN_MEMORY = 1 << 20
_references: ContextVar[list[int]] = ContextVar("references one evaluation may still follow")
_characters: ContextVar[list[int]] = ContextVar("characters one evaluation may still match")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FORBIDDEN = frozenset(
    {"$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$dynamicRef", "$recursiveRef", "id"}
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
def _prepared(text: str) -> dict[str, Any]:
    """A safe schema without its dialect; kept, as runs are many."""
    schema = json.loads(text)
    for node in _nodes(schema):
        if isinstance(node, Mapping):
            _require_local(node, is_root=node is schema)
            for pattern in _patterns(node):
                _compiled(pattern)
    if '"unevaluatedProperties":' in text and '"patternProperties":' in text:
        raise InvalidRequestError(
            "the schema has both patternProperties and unevaluatedProperties",
            hint='write "additionalProperties" beside the patterns',
        )
    try:
        Draft202012Validator.check_schema(_plain(schema))
    except SchemaError as error:
        raise InvalidRequestError(f"it is no JSON Schema: {error.message[:300]}") from error
    return _plain(schema)


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
    plain = _prepared(json.dumps(schema, sort_keys=True))
    _references.set([MAX_REFERENCES])
    _characters.set([MAX_TEXT])
    validator = (_Strict if strict_integers else _Bounded)(plain, registry=Registry())
    try:
        return list(validator.iter_errors(value))
    except RecursionError:
        raise InvalidRequestError("the schema or the value is nested too deeply") from None
    except Unresolvable as error:
        raise InvalidRequestError("the schema refers to what it does not hold") from error


def _follow(validator: Any, ref: Any, instance: Any, inner: Any) -> Iterator[Any]:
    left = _references.get()
    left[0] -= 1
    if left[0] < 0:
        raise InvalidRequestError(f"the schema follows more than {MAX_REFERENCES} references")
    yield from _LIBRARY["$ref"](validator, ref, instance, inner) or ()


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[Any]:
    if validator.is_type(instance, "string") and not _fits(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, schemas: Mapping[str, Any], instance: Any, _: Any
) -> Iterator[Any]:
    if validator.is_type(instance, "object"):
        for pattern, schema in schemas.items():
            for name in (name for name in instance if _fits(pattern, name)):
                yield from validator.descend(instance[name], schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, allowed: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[Any]:
    """As in JSON Schema, for the library asks Python's own engine which names have a pattern."""
    if validator.is_type(instance, "object"):
        patterns = schema.get("patternProperties", {})
        named = {name for name in instance if any(_fits(pattern, name) for pattern in patterns)}
        rest = {name: instance[name] for name in instance if name not in named}
        known = {"properties": schema.get("properties", {})}
        yield from _LIBRARY["additionalProperties"](validator, allowed, rest, known) or ()


def _fits(pattern: str, text: str) -> bool:
    left = _characters.get()
    left[0] -= len(text)
    if left[0] < 0:
        raise InvalidRequestError(f"more than {MAX_TEXT} characters to match with patterns")
    whole = text.encode(errors="replace").decode()  # a lone surrogate is no text
    return _compiled(pattern).search(whole) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    """A pattern for an engine whose time is linear in the text, so that none can hold up the host.

    Its language has no look-around and no back-reference. Source: Cox, "Regular Expression
    Matching in the Wild", 2010.
    """
    options = re2.Options()
    options.log_errors, options.max_mem = False, _MAX_PATTERN_MEMORY
    try:
        if len(pattern) <= MAX_PATTERN:
            return re2.compile(pattern, options)
        why = f"it has {len(pattern)} characters"
    except re2.error as error:
        why = error.args[0].decode(errors="replace")
    raise InvalidRequestError(
        f"the pattern {pattern[:100]!r} is refused: {why}",
        hint=f"the syntax of RE2, at most {MAX_PATTERN} characters, repeats of at most 1000",
    )


def _is_strict_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_LIBRARY = Draft202012Validator.VALIDATORS
_Bounded = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "$ref": _follow,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
)
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

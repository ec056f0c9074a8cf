"""An artifact's interface in words: JSON Schema to a compact Markdown table. Pure.

Owns the wording of types. Schemas are untrusted: nesting is bounded and cells hold one line.
"""

import json
from collections.abc import Mapping

from lignin.domain.codec import Json

MAX_ENUM_VALUES = 6
MAX_TYPE_DEPTH = 3
MAX_CELL_CHARS = 160


def describe_type(schema: Json, depth: int = 0) -> str:
    """Return a JSON Schema as a phrase such as `list of integer` or `string or null`."""
    if not isinstance(schema, Mapping) or depth > MAX_TYPE_DEPTH:
        return "any"
    if "const" in schema:
        return _value(schema["const"])
    values = schema.get("enum")
    if isinstance(values, list) and values:
        shown = [_value(value) for value in values[:MAX_ENUM_VALUES]]
        more = len(values) - len(shown)
        return "one of " + ", ".join(shown) + (f" and {more} more" if more else "")
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            return " or ".join(
                dict.fromkeys(describe_type(option, depth + 1) for option in options)
            )
    kind = schema.get("type", "any")
    kinds = kind if isinstance(kind, list) else [kind]
    return " or ".join(_one_type(str(name), schema, depth) for name in kinds)


def _one_type(kind: str, schema: Mapping[str, Json], depth: int) -> str:
    if kind == "array" and "items" in schema:
        return f"list of {describe_type(schema['items'], depth + 1)}"
    if kind == "array":
        return "list"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {describe_type(schema['additionalProperties'], depth + 1)}"
    if kind == "object" and isinstance(schema.get("properties"), Mapping) and schema["properties"]:
        return "object with " + ", ".join(list(map(str, schema["properties"]))[:MAX_ENUM_VALUES])
    return kind


def _value(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def parameter_names(schema: Mapping[str, Json]) -> list[str]:
    """Names of the arguments object's properties, required ones first."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return []
    required = schema.get("required", [])
    return sorted(map(str, properties), key=lambda name: name not in required)


def parameter_phrases(schema: Mapping[str, Json], *, quote: str = "") -> list[str]:
    """The arguments as `name (type)`, with `optional` where one may be left out."""
    required = schema.get("required", [])
    return [
        f"{quote}{name}{quote} ({describe_type(schema['properties'][name])}"
        f"{'' if name in required else ', optional'})"
        for name in parameter_names(schema)
    ]


def with_article(phrase: str) -> str:
    """Return a type's phrase as it reads in a sentence: `an object`, `a list of string`."""
    first = phrase.partition(" ")[0]
    if first in {"any", "one", "null", "true", "false"} or not first.isalpha():
        return "any JSON value" if phrase == "any" else phrase
    return f"{'an' if first[0] in 'aeiou' else 'a'} {phrase}"


def parameter_table(schema: Mapping[str, Json]) -> list[str]:
    """Return the lines of a Markdown table of the arguments; empty where the schema names none."""
    names = parameter_names(schema)
    if not names:
        return []
    lines = ["| argument | type | needed | meaning |", "|-|-|-|-|"]
    for name in names:
        spec = schema["properties"][name]
        details = spec if isinstance(spec, Mapping) else {}
        needed = "yes" if name in schema.get("required", []) else "no"
        if "default" in details:
            needed = f"no, default `{_value(details['default'])}`"
        cells = [f"`{name}`", describe_type(spec), needed, _meaning(details)]
        lines.append("| " + " | ".join(map(cell, cells)) + " |")
    return lines


def _meaning(details: Mapping[str, Json]) -> str:
    parts = [str(details["description"])] if details.get("description") else []
    bounds = (("minimum", "at least"), ("maximum", "at most"), ("pattern", "matches"))
    parts += [f"{word} {details[key]}" for key, word in bounds if key in details]
    return "; ".join(parts)


def cell(text: str) -> str:
    """Return text as one table cell: one line, no bars, bounded."""
    line = " ".join(text.split()).replace("|", "\\|")
    return line if len(line) <= MAX_CELL_CHARS else line[: MAX_CELL_CHARS - 1] + "…"

"""Judges a tool's arguments against the small part of JSON Schema that the desk's tools use. Pure.

Knows `required`, `additionalProperties: false` and, per property, `type`, `enum`, `minimum`,
`maximum`, `minLength`. A whole validator is the business of the services that face strangers.
"""

from collections.abc import Callable, Mapping

from lignin.domain.codec import Json

_TYPES: Mapping[str, Callable[[Json], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list | tuple),
}


def find_fault(schema: Mapping[str, Json], arguments: Mapping[str, Json]) -> str | None:
    """Return what is wrong with the arguments in words, or None where they fit."""
    properties = schema["properties"]
    for name in schema.get("required", ()):
        if name not in arguments:
            return f"argument {name} is missing"
    for name, value in arguments.items():
        if name not in properties:
            return f"there is no argument {name}"
        fault = _fault_of_value(properties[name], value)
        if fault is not None:
            return f"argument {name} {fault}"
    return None


def _fault_of_value(schema: Mapping[str, Json], value: Json) -> str | None:
    wanted = schema["type"]
    if not _TYPES[wanted](value):
        return f"must be of type {wanted}, got {value!r:.60}"
    if "enum" in schema and value not in schema["enum"]:
        return f"must be one of {', '.join(schema['enum'])}, got {value!r:.60}"
    if wanted == "integer" and not schema.get("minimum", value) <= value <= schema.get(
        "maximum", value
    ):
        return f"is out of range, got {value}"
    if wanted in {"string", "array"} and len(value) < schema.get("minLength", 0):
        return "must not be empty"
    if wanted == "array":
        faults = (_fault_of_value(schema["items"], item) for item in value)
        return next((f"holds an item that {fault}" for fault in faults if fault), None)
    return None

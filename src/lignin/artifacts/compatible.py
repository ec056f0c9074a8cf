"""Whether callers of one version can go on with another: a comparison of two contracts. Pure.

A version may take more and answer less than the one before; all else breaks somebody. What JSON
Schema says in a way that is not understood here counts as different.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from lignin.domain.artifacts import Manifest

Schema = Mapping[str, Any]
_SAYS_NOTHING = frozenset(
    ["title", "description", "default", "examples", "format", "$comment", "deprecated"]
)


def contract_breaks(served: Manifest, new: Manifest) -> tuple[str, ...]:
    """What callers of the served version would find changed; empty where they can go on."""
    if served.kind != new.kind:
        return (f"it was a {served.kind} and would be a {new.kind}",)
    return (
        *_input_breaks(served.interface.input, new.interface.input),
        *(
            ["it may answer what the served version never does"]
            if not _covers(served.interface.output, new.interface.output)
            else []
        ),
    )


def _input_breaks(old: Schema, new: Schema) -> Iterator[str]:
    had, has = old.get("properties", {}), new.get("properties", {})
    wants = [name for name in new.get("required", ()) if name not in old.get("required", ())]
    for name in wants:
        yield f"the parameter {name!r} would be required" + ("" if name in had else ", and is new")
    for name, schema in had.items():
        if name in has:
            if not _covers(has[name], schema):
                yield f"the parameter {name!r} would no longer take what it took"
        elif new.get("additionalProperties") is False:
            yield f"the parameter {name!r} would be gone"
    if old.get("additionalProperties") is not False and new.get("additionalProperties") is False:
        yield "parameters that are not named would be refused"


def _covers(wide: Schema, narrow: Schema) -> bool:
    """True where every value of the narrow schema is one of the wide schema, as far as is seen."""
    return all(any(_fits(one, other) for other in _branches(wide)) for one in _branches(narrow))


def _branches(schema: Schema) -> list[Schema]:
    if isinstance(schema.get("anyOf"), list):
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return [inner for branch in schema["anyOf"] for inner in _branches({**rest, **branch})]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": name} for name in schema["type"]]
    return [schema]


def _fits(narrow: Schema, wide: Schema) -> bool:
    return all(
        _allows(key, value, narrow) for key, value in wide.items() if key not in _SAYS_NOTHING
    )


def _allows(key: str, value: Any, narrow: Schema) -> bool:
    """True where one keyword of the wide schema refuses nothing that the narrow one lets pass."""
    if key == "type" and value == "number":
        return narrow.get(key) in {"number", "integer"}
    if key == "enum" and "const" not in narrow:
        return key in narrow and all(one in value for one in narrow[key])
    if key == "items" and isinstance(value, Mapping):
        return not value or (isinstance(narrow.get(key), Mapping) and _covers(value, narrow[key]))
    if key in {"minimum", "minLength", "minItems"}:
        return key in narrow and narrow[key] >= value
    if key in {"maximum", "maxLength", "maxItems"}:
        return key in narrow and narrow[key] <= value
    return key in narrow and bool(narrow[key] == value)

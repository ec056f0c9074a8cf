"""The types of a routine's parameters: in its program's signature, and in its interface. Pure."""

from collections.abc import Collection, Mapping, Sequence

from lignin.artifacts.routine_words import source_of
from lignin.domain.artifacts import Interface
from lignin.domain.codec import Json
from lignin.domain.routines import Parameter, Routine

_TYPES: Mapping[str, Json] = {
    "str": {"type": "string"},
    "path": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
}
_ANNOTATIONS = {"path": "str"}


def annotation_of(parameter: Parameter) -> str:
    """Return a parameter's type as a signature has it."""
    inner = parameter.type.removeprefix("list[").removesuffix("]")
    named = _ANNOTATIONS.get(inner, inner)
    return f"list[{named}]" if parameter.type.startswith("list[") else named


def interface_of(
    routine: Routine,
    parameters: Mapping[str, str],
    names: Sequence[str],
    optional: Collection[str],
) -> Interface:
    """Return the interface of a routine's program.

    Args:
        parameters: The program's name of each of the routine's.
        names: What each step's result is called.
        optional: Parameters that may be left out.
    """
    properties: dict[str, Json] = {}
    for each in routine.parameters:
        inner = _TYPES.get(each.type.removeprefix("list[").removesuffix("]"), {})
        is_list = each.type.startswith("list[")
        properties[parameters[each.name]] = {
            **({"type": "array", "items": inner} if is_list else dict(inner)),
            "description": f"{source_of(each, names, optional)}.",
        }
    required = [parameters[e.name] for e in routine.parameters if e.name not in optional]
    return Interface(
        input={
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        },
        output={
            "type": "object",
            "properties": {"done": {"type": "object"}, "handed_over": {"type": "string"}},
            "required": ["done", "handed_over"],
        },
        errors=[],
    )

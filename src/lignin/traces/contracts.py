"""What a trace says its tools do: read, or change something. Pure.

Owns the reading of tool definitions, as a model was given them, with the annotations of the Model
Context Protocol (`readOnlyHint`, `destructiveHint`). They come from whoever wrote the tool, and serve to
compare runs only: they allow nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lignin.domain.traces import ToolEffect
from lignin.traces.effects import NOTHING_DECLARED
from lignin.traces.fields import as_list, as_object, as_text
from lignin.traces.spans import as_parsed, nest

MAX_TOOLS = 2000
_DEFINITIONS = "gen_ai.tool.definitions"
_OPENINFERENCE = "llm.tools"
_READS = ("readOnlyHint", "read_only_hint")
_DESTROYS = ("destructiveHint", "destructive_hint")


def definitions_of(attributes: Mapping[str, Any]) -> list[Any]:
    """Return the tool definitions that a span carries, in either vocabulary."""
    found: list[Any] = []
    if _DEFINITIONS in attributes:
        found += as_list(as_parsed(attributes[_DEFINITIONS]))
    if any(key.startswith(_OPENINFERENCE) for key in attributes):
        for tool in nest(dict(attributes), _OPENINFERENCE):
            found.append(
                tool.get("tool.json_schema") or as_object(tool.get("tool")).get("json_schema")
            )
    return found


def declared_effects(
    definitions: Iterable[Any], before: Mapping[str, ToolEffect] = NOTHING_DECLARED
) -> Mapping[str, ToolEffect]:
    """Return what the definitions that say so declare, by tool; where two disagree, that it writes.

    Args:
        before: What earlier definitions declared.
    """
    found = dict(before)
    for definition in definitions:
        tool = as_object(as_parsed(definition))
        inner = as_object(tool.get("function")) or tool
        name = as_text(inner.get("name"))
        hints = {
            **as_object(as_parsed(tool.get("annotations"))),
            **as_object(as_parsed(inner.get("annotations"))),
        }
        reads = next((hints[key] for key in _READS if isinstance(hints.get(key), bool)), None)
        if reads is None and any(hints.get(key) is True for key in _DESTROYS):
            reads = False
        if name and reads is not None and (name in found or len(found) < MAX_TOOLS):
            found[name] = "read" if reads and found.get(name) != "write" else "write"
    return found

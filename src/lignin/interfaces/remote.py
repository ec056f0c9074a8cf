"""What a caller of a server may ask for, and how its request is read. The same for HTTP and MCP.

A field that names a file, a command, an address or a variable of the server's machine is closed: a
caller elsewhere must neither read nor run what is there. Deny by default: a text field is open only
if it is named here, so one that is new stays closed until somebody has thought about it.
"""

import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.operations.registry import Operation

OPEN_TEXTS = frozenset(
    {
        *("after", "agent", "artifact", "before", "campaign", "candidate", "case", "client"),
        *("commit", "connector", "context", "decision", "delivery", "draft", "drop"),
        *("events", "examples", "extends", "files", "fleet", "forward_to", "function", "given"),
        *("head", "hidden", "hide", "how", "hypothesis", "id", "incumbent", "input"),
        *("item", "job", "key", "kind", "label", "lane", "lesson", "loop", "message"),
        *("mode", "model", "models", "must_pass", "name", "names", "need", "new", "note"),
        *("old", "outcome", "owner", "parent", "part_of", "piece", "power", "proposal"),
        *("put", "query", "rate", "reads", "reason", "reject", "release", "request"),
        *("routine", "rubric", "saving", "say", "seed", "session", "sessions"),
        *("signal_id", "slot", "source", "state", "successor", "surface", "system"),
        *("target", "task", "text", "ticket", "to", "tools", "topic", "trial", "value"),
        *("weakness", "when", "why", "worker"),
    }
)
"""Text fields (single, listed or JSON) that name things of the store or are said in words."""

DRY_RUN_TOLD = "true: only show what it would do; nothing is kept"
"""What the argument of that name says."""
_SYSTEM = r"^((desk|artifact):[^\s/]{1,300}|sha256:[0-9a-f]{1,64}|sys_\w{1,64})?$"
PATTERNS: Mapping[str, str] = {
    "tools": r"^(desk(:\w{1,64})?)?$",
    **dict.fromkeys(("system", "incumbent", "candidate"), _SYSTEM),
}
"""Of these only some values are open: others start servers and commands of the machine."""

LOOKED_UP = frozenset({"eval.show", "eval.rows"})
"""Here a system is looked up by its recorded name; nothing is opened."""

CLOSED_FLAGS = frozenset(
    {
        *("mine", "personal", "force", "network", "unsandboxed", "unsandboxed_judge"),
        *("proposer_network", "proposer_unsandboxed"),
    }
)
"""Flags that widen what may be touched on the server's machine."""


_TYPES = ("object", "array", "string", "number", "boolean", "null")
_SAYING = frozenset({"type", "anyOf", "oneOf", "allOf", "$ref", "const", "enum"})


def is_open(name: str, annotation: Any) -> bool:
    """True where a caller of a server may set a field."""
    if name in CLOSED_FLAGS:
        return False
    return name in OPEN_TEXTS or not _holds_text(annotation)


def _holds_text(annotation: Any) -> bool:
    origin, parts = get_origin(annotation), get_args(annotation)
    if str(origin) == "typing.Literal":
        return False
    if parts:
        return any(_holds_text(part) for part in parts if part is not type(None))
    return annotation is Any or annotation in {str, dict, bytes, object}


def open_fields(operation: Operation) -> list[str]:
    """The fields of a request that a caller of a server may set."""
    fields = operation.request.model_fields
    return [name for name, info in fields.items() if is_open(name, info.annotation)]


def request_schema(operation: Operation) -> dict[str, Any]:
    """The JSON Schema of what a caller of a server may send."""
    schema = operation.request.model_json_schema()
    is_known = set(open_fields(operation))
    properties = {
        name: _schema_of(operation, name, part)
        for name, part in schema.get("properties", {}).items()
        if name in is_known
    }
    made: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required := [name for name in schema.get("required", []) if name in is_known]:
        made["required"] = required
    if "$defs" in schema:
        made["$defs"] = schema["$defs"]
    found: dict[str, Any] = with_types(made)
    return found


def with_types(schema: Any) -> Any:
    """A JSON Schema in which what may be any JSON says so, type by type; clients warn of `{}`."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for name in ("properties", "$defs"):
        if name in made:
            made[name] = {key: with_types(part) for key, part in made[name].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = with_types(made[name])
    for name in ("anyOf", "oneOf", "allOf"):
        if name in made:
            made[name] = [with_types(part) for part in made[name]]
    if not made.keys() & _SAYING:
        made["anyOf"] = [{"type": kind} for kind in _TYPES]
    return made


def _schema_of(operation: Operation, name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in part.items() if key not in {"positional", "title"}}
    pattern = _pattern(operation, name)
    if pattern and kept.get("type") == "string":
        kept["pattern"] = pattern
        if name == "tools":
            kept["description"] = (
                "for code that calls tools: what answers them, desk or desk:SEED, the practice desk"
            )
    return kept


def _pattern(operation: Operation, name: str) -> str | None:
    return None if operation.name in LOOKED_UP else PATTERNS.get(name)


def parse_request(operation: Operation, values: Mapping[str, Any], *, strict: bool) -> Any:
    """Return the request that a caller of a server sent.

    Args:
        strict: A number is no text, and a text no number; for typed JSON.

    Raises:
        DeniedError: It sets a field that is closed to callers of a server.
        InvalidRequestError: It does not fit the operation.
    """
    fields = operation.request.model_fields
    known = open_fields(operation)
    for name, value in values.items():
        if name in fields and name not in known:
            raise DeniedError(
                f"{operation.name}: {name!r} is about files, commands or rights of the server's "
                "machine",
                hint="use the command line there",
            )
        pattern = _pattern(operation, name)
        if pattern and name in fields and isinstance(value, str) and not re.match(pattern, value):
            raise DeniedError(
                f"{operation.name}: {name} {value!r:.80} is of the server's machine",
                hint=f"what a caller may say matches {pattern}",
            )
    try:
        return operation.request.model_validate(dict(values), strict=strict)
    except ValidationError as error:
        raise InvalidRequestError(
            f"the request does not fit {operation.name}: {faults_of(error)}",
            hint=f"it takes {', '.join(known) or 'nothing'}; `lignin schema {operation.name}` "
            "shows more",
        ) from error


def faults_of(error: ValidationError) -> str:
    """What pydantic found, in one line, without the values."""
    return "; ".join(
        ": ".join(
            filter(
                None,
                (".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, ")),
            )
        )
        for fault in error.errors()[:10]
    )

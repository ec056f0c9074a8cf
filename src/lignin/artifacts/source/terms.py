"""Reads what a file says of its workflow: the literal `WORKFLOW = {...}` at its top. Nothing is run.

Its keys are those of the manifest's `workflow`, and `tools` (name to digest of its contract) and
`artifacts` (name to digest). A function of the same file may be named without the file.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.workflows import WorkflowTerms

CONSTANT = "WORKFLOW"
_TAKES = ", ".join(sorted([*WorkflowTerms.model_fields, "artifacts", "tools"]))
_SAID = {
    "extra_forbidden": "there is no such key",
    "tuple_type": 'expected a list, such as ["NAME"]',
    "dict_type": "expected an object",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a file says of its workflow."""

    workflow: WorkflowTerms = field(default_factory=WorkflowTerms)
    tools: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)


def read_terms(tree: ast.Module, file: str) -> Terms:
    """Return the terms in a file that is named `file` in its tree; the usual ones where it has none.

    Raises:
        InvalidRequestError: The constant is no literal object, or does not fit.
    """
    found = _literal(tree)
    tools, artifacts = found.pop("tools", {}), found.pop("artifacts", {})
    for name, given in (("tools", tools), ("artifacts", artifacts)):
        if not isinstance(given, dict) or not all(isinstance(each, str) for each in given.values()):
            raise InvalidRequestError(f"{CONSTANT}[{name!r}] maps names to digests")
    if "on_failure" in found:
        found["on_failure"] = _entry(found["on_failure"], file)
    for state in found.get("state", {}).values() if isinstance(found.get("state"), dict) else ():
        if isinstance(state, dict) and isinstance(state.get("migrations"), dict):
            state["migrations"] = {
                version: _entry(each, file) for version, each in state["migrations"].items()
            }
    try:
        terms = WorkflowTerms.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "top"
        said = _SAID.get(first["type"], first["msg"])
        if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
            said += f"; there are {_TAKES}"
        raise InvalidRequestError(f"{CONSTANT}: {where:.80}: {said}") from None
    return Terms(workflow=terms, tools=tools, artifacts=artifacts)


def _entry(named: Json, file: str) -> Json:
    return f"{file}:{named}" if isinstance(named, str) and named and ":" not in named else named


def _literal(tree: ast.Module) -> dict[str, Json]:
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.AnnAssign):
            target = node.target
        if isinstance(target, ast.Name) and target.id == CONSTANT:
            value = getattr(node, "value", None)
            try:
                found = ast.literal_eval(value) if value is not None else None
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                found = None
            if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
                raise InvalidRequestError(f"{CONSTANT} is no literal object")
            return found
    return {}

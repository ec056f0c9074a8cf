"""Turns a function's annotations into the JSON Schema of its arguments and of its result."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lignin.domain.artifacts import Interface

_NAMES: Mapping[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "Any": {},
    "object": {},
    "list": {"type": "array"},
    "dict": {"type": "object"},
    "tuple": {"type": "array"},
}
_LISTS = frozenset(["list", "List", "Sequence", "Iterable", "Collection", "MutableSequence"])
_DICTS = frozenset(["dict", "Dict", "Mapping", "MutableMapping"])
_MAX_DEPTH = 20


class UnsupportedAnnotationError(Exception):
    """An annotation that JSON cannot carry; never leaves this package."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's parameters in order and its interface."""

    parameters: tuple[str, ...]
    interface: Interface


def read_signature(function: ast.FunctionDef, tree: ast.Module) -> Signature | str:
    """Return how a function is called, or why it cannot be called with a JSON object."""
    given = function.args
    if given.vararg or given.kwarg or given.posonlyargs:
        return f"{function.name} takes arguments that cannot be passed by name"
    reader = _Reader(tree)
    parameters = [*given.args, *given.kwonlyargs]
    first_default = len(given.args) - len(given.defaults)
    defaults: list[ast.expr | None] = [None] * first_default + list(given.defaults)
    defaults += list(given.kw_defaults)
    properties, required = {}, []
    for parameter, default in zip(parameters, defaults, strict=True):
        if parameter.annotation is None:
            return f"parameter {parameter.arg} of {function.name} has no annotation"
        try:
            properties[parameter.arg] = reader.schema(parameter.annotation)
        except UnsupportedAnnotationError as error:
            return (
                f"parameter {parameter.arg} of {function.name} is {error}, which JSON cannot carry"
            )
        if default is None:
            required.append(parameter.arg)
    try:
        output = reader.schema(function.returns) if function.returns else {}
    except UnsupportedAnnotationError as error:
        return f"{function.name} returns {error}, which JSON cannot carry"
    given_schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    interface = Interface(input=given_schema, output=output, errors=raised_errors(function, tree))
    return Signature(tuple(parameter.arg for parameter in parameters), interface)


class _Reader:
    """Reads annotations against the type aliases and typed dicts of one module."""

    def __init__(self, tree: ast.Module) -> None:
        self.aliases: dict[str, ast.expr] = {}
        self.typed: dict[str, ast.ClassDef] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.aliases[node.targets[0].id] = node.value
            elif isinstance(node, ast.ClassDef) and any(
                _last(b) == "TypedDict" for b in node.bases
            ):
                self.typed[node.name] = node

    def schema(self, node: ast.expr, depth: int = 0) -> dict[str, Any]:
        if depth > _MAX_DEPTH:
            raise UnsupportedAnnotationError("nested too deeply")
        if isinstance(node, ast.Constant):
            return self._constant(node, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return _union([self.schema(node.left, depth + 1), self.schema(node.right, depth + 1)])
        if isinstance(node, ast.Subscript):
            return self._subscript(node, depth)
        name = _last(node)
        if name in self.typed:
            return self._typed_dict(self.typed[name], depth)
        if name in self.aliases and name not in _NAMES:
            return self.schema(self.aliases[name], depth + 1)
        if name in _NAMES:
            return dict(_NAMES[name])
        if name in _LISTS | {"Tuple"}:
            return {"type": "array"}
        if name in _DICTS:
            return {"type": "object"}
        raise UnsupportedAnnotationError(ast.unparse(node))

    def _constant(self, node: ast.Constant, depth: int) -> dict[str, Any]:
        if node.value is None:
            return {"type": "null"}
        if not isinstance(node.value, str):
            raise UnsupportedAnnotationError(ast.unparse(node))
        try:
            return self.schema(ast.parse(node.value, mode="eval").body, depth + 1)
        except (SyntaxError, ValueError) as error:
            raise UnsupportedAnnotationError(ast.unparse(node)) from error

    def _subscript(self, node: ast.Subscript, depth: int) -> dict[str, Any]:
        name = _last(node.value)
        items = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Literal":
            return _literals(items)
        if name in {"Annotated", "Final", "Required", "NotRequired"}:
            return self.schema(items[0], depth + 1)
        if name == "Optional":
            return _union([self.schema(items[0], depth + 1), {"type": "null"}])
        if name == "Union":
            return _union([self.schema(item, depth + 1) for item in items])
        if name in _LISTS and len(items) == 1:
            return {"type": "array", "items": self.schema(items[0], depth + 1)}
        if name in _DICTS and len(items) == 2 and _last(items[0]) == "str":
            return {"type": "object", "additionalProperties": self.schema(items[1], depth + 1)}
        if name in {"tuple", "Tuple"}:
            return self._tuple(items, depth)
        raise UnsupportedAnnotationError(ast.unparse(node))

    def _tuple(self, items: list[ast.expr], depth: int) -> dict[str, Any]:
        last = items[-1]
        if len(items) == 2 and isinstance(last, ast.Constant) and last.value is Ellipsis:
            return {"type": "array", "items": self.schema(items[0], depth + 1)}
        shapes = [self.schema(item, depth + 1) for item in items]
        size = len(shapes)
        return {"type": "array", "prefixItems": shapes, "minItems": size, "maxItems": size}

    def _typed_dict(self, node: ast.ClassDef, depth: int) -> dict[str, Any]:
        total = not any(
            word.arg == "total"
            and isinstance(word.value, ast.Constant)
            and word.value.value is False
            for word in node.keywords
        )
        properties, required = {}, []
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                properties[field.target.id] = self.schema(field.annotation, depth + 1)
                outer = field.annotation
                mark = _last(outer.value) if isinstance(outer, ast.Subscript) else ""
                if (total and mark != "NotRequired") or mark == "Required":
                    required.append(field.target.id)
        if len(node.bases) > 1 or _last(node.bases[0]) != "TypedDict":
            raise UnsupportedAnnotationError(node.name)
        return {"type": "object", "properties": properties, "required": required}


def _union(shapes: list[dict[str, Any]]) -> dict[str, Any]:
    flat = [inner for shape in shapes for inner in shape.get("anyOf", [shape])]
    unique = [shape for place, shape in enumerate(flat) if shape not in flat[:place]]
    if {} in unique:
        return {}
    return unique[0] if len(unique) == 1 else {"anyOf": unique}


def _literals(items: list[ast.expr]) -> dict[str, Any]:
    values = [item.value for item in items if isinstance(item, ast.Constant)]
    if len(values) != len(items) or not all(
        value is None or isinstance(value, str | int | bool) for value in values
    ):
        raise UnsupportedAnnotationError("a Literal of something else than constants")
    return {"enum": values}


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def raised_errors(function: ast.FunctionDef, tree: ast.Module) -> list[str]:
    """Return the names of the exceptions raised by the function or the functions it calls by name."""
    known = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    waiting, seen, names = [function], {function.name}, set()
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Raise) and node.exc is not None:
                target = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                names.add(_last(target))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called = known.get(node.func.id)
                if called is not None and called.name not in seen:
                    seen.add(called.name)
                    waiting.append(called)
    return sorted(name for name in names if name and name[0].isupper())

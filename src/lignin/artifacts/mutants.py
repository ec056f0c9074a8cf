"""Seeded faults: one small change of a source at a time. Pure.

Operators: comparison, arithmetic, constant, return, condition negation, statement deletion. Some
mutants always mean the same as the original, so nobody may ask that all are killed.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lignin.domain.codec import digest_json

MUTANTS_VERSION = 2

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A source with one fault, and what the fault is in words."""

    what: str
    source: str


def make_mutants(source: str, *, count: int, seed: str) -> tuple[Mutant, ...]:
    """Return up to `count` mutants, chosen by hash; none where the source does not parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    places = list(_places(tree))
    order = sorted(range(len(places)), key=lambda index: digest_json([seed, index]))
    original = ast.unparse(tree)
    made: dict[str, Mutant] = {}
    for index in order:
        what, text = _mutated(tree, index)
        if text != original:
            made.setdefault(text, Mutant(what, text))
        if len(made) == count:
            break
    return tuple(made.values())


def _mutated(tree: ast.Module, index: int) -> tuple[str, str]:
    fresh = copy.deepcopy(tree)
    node, operator = list(_places(fresh))[index]
    before = ast.unparse(node).splitlines()[0][:60]
    _OPERATORS[operator](node)
    ast.fix_missing_locations(fresh)
    return f"line {getattr(node, 'lineno', 0)}: {operator} of {before!r}", ast.unparse(fresh)


def _places(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield each node that can be changed with the operator's name, in source order."""
    for statement in tree.body:
        is_import = isinstance(statement, ast.Import | ast.ImportFrom)
        if not is_import and not _is_main(statement) and not _is_text(statement):
            yield from _inside(statement)


def _is_main(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _is_text(node: ast.AST) -> bool:
    """True for a docstring, in which no test could notice a fault."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _inside(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.Raise | ast.JoinedStr):
        return  # other words in a message are no fault that a test should see
    if isinstance(node, ast.Compare):
        yield node, "comparison"
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield node, "arithmetic"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str):
        yield node, "constant"
    elif isinstance(node, ast.Return) and node.value is not None:
        yield node, "return"
    elif isinstance(node, ast.If | ast.IfExp):
        yield node, "condition"
    body = getattr(node, "body", None)
    if isinstance(body, list) and _deletable(body) >= 0:
        yield node, "deletion"
    for name, child in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for item in child if isinstance(child, list) else [child]:
            if isinstance(item, ast.AST) and not _is_text(item):
                yield from _inside(item)


def _change_comparison(node: ast.Compare) -> None:
    node.ops[0] = _COMPARISONS[type(node.ops[0])]()


def _change_arithmetic(node: ast.BinOp | ast.AugAssign) -> None:
    node.op = _ARITHMETIC[type(node.op)]()


def _change_constant(node: ast.Constant) -> None:
    value = node.value
    if isinstance(value, bool):
        node.value = not value
    elif isinstance(value, int | float):
        node.value = value + 1
    else:
        node.value = "" if value else "mutant"


def _change_return(node: ast.Return) -> None:
    node.value = ast.Constant(value=None)


def _change_condition(node: ast.If | ast.IfExp) -> None:
    node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)


def _delete_first(node: Any) -> None:
    body = node.body
    body[_deletable(body)] = ast.Pass()


def _deletable(body: list[ast.stmt]) -> int:
    """Return the place of the last statement that can go without leaving a name undefined."""
    for index in range(len(body) - 1, -1, -1):
        statement = body[index]
        is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        if is_call or isinstance(statement, ast.AugAssign):
            return index
    return -1


_OPERATORS: dict[str, Callable[[Any], None]] = {
    "comparison": _change_comparison,
    "arithmetic": _change_arithmetic,
    "constant": _change_constant,
    "return": _change_return,
    "condition": _change_condition,
    "deletion": _delete_first,
}

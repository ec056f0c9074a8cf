"""Numbers of a file that may be moved, and nothing else of it. Pure; runs nothing.

A threshold is a constant of the module's top level, assigned once, to a plain number. It is read and
rewritten by the syntax tree: what comes out differs in those numbers alone, which is looked at again.
"""

import ast
from collections.abc import Iterable, Mapping
from typing import cast

from lignin.domain.errors import IntegrityError, InvalidRequestError


def read_thresholds(text: str, names: Iterable[str]) -> dict[str, float]:
    """Return the numbers that constants of a file stand at; an `int` where one is written as such.

    Raises:
        InvalidRequestError: One is not there, not a plain number, or assigned more than once.
    """
    tree = ast.parse(text)
    return {name: ast.literal_eval(_assignment(tree, name).value) for name in names}


def with_thresholds(text: str, values: Mapping[str, float]) -> str:
    """Return a file with other numbers in place of some of its constants.

    Raises:
        InvalidRequestError: As `read_thresholds`.
        IntegrityError: Something else would change with them.
    """
    tree, lines = ast.parse(text), text.encode().split(b"\n")
    numbers = {name: _assignment(tree, name).value for name in values}
    for name, node in sorted(numbers.items(), key=lambda each: each[1].lineno, reverse=True):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        lines[first : last + 1] = [before + repr(values[name]).encode() + after]
    moved = b"\n".join(lines).decode()
    if read_thresholds(moved, values) != dict(values) or _rest(moved, values) != _rest(
        text, values
    ):
        raise IntegrityError("more than the thresholds would change")
    return moved


def _rest(text: str, names: Iterable[str]) -> str:
    """A file's syntax with nothing where the numbers stand."""
    tree = ast.parse(text)
    for name in names:
        _assignment(tree, name).value = ast.Constant(None)
    return ast.dump(tree)


def _assignment(tree: ast.Module, name: str) -> ast.Assign:
    found = [each for each in tree.body if _assigns(each, name)]
    if len(found) != 1 or sum(_binds(node, name) for node in ast.walk(tree)) != 1:
        raise InvalidRequestError(
            f"the threshold {name} is to be assigned once, at the top of the entry's file, to a number",
            hint=f"{name} = 10",
        )
    return cast("ast.Assign", found[0])  # or one with an annotation, which has a value too


def _assigns(node: ast.stmt, name: str) -> bool:
    """Whether a statement assigns a plain number to a name."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: ast.expr = node.targets[0]
    elif isinstance(node, ast.AnnAssign):
        target = node.target
    else:
        return False
    value = node.value
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        value = value.operand
    is_number = isinstance(value, ast.Constant) and type(value.value) in (int, float)
    return is_number and isinstance(target, ast.Name) and target.id == name


def _binds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Global | ast.Nonlocal):
        return name in node.names
    if isinstance(node, ast.alias):
        return (node.asname or node.name) == name
    if isinstance(node, ast.arg):
        return node.arg == name
    is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    return is_definition and getattr(node, "name", "") == name

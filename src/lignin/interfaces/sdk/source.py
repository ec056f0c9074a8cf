"""The text of a function that stands alone: with what it needs of its module, and nothing else.

Pure: reads text, runs nothing. What a function needs is told by the names in it.
"""

import ast
from collections.abc import Iterator

from lignin.domain.errors import InvalidRequestError

_PACKAGE = "lignin"


def standing_alone(text: str, name: str) -> str:
    """The text of a module's function with the imports, constants and functions that it needs.

    Decorators of Lignin's own are left out; all others stay.

    Raises:
        InvalidRequestError: The function is not at the top of the module, or leans on a module beside
            its own.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"its module does not parse: {error}") from error
    defined = _defined(tree)
    if not any(isinstance(node, ast.FunctionDef) for node in defined.get(name, ())):
        raise InvalidRequestError(
            f"{name} is no function at the top of its module", hint="move it there to capture it"
        )
    needed = _needed(tree, defined, name)
    lines = text.splitlines()
    own = _names_of_package(tree)
    parts = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            parts.append((True, ast.unparse(node)))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if kept := [alias for alias in node.names if _bound(alias) in needed]:
                _require_absolute(node, name)
                parts.append((True, ast.unparse(_with_names(node, kept))))
        elif needed & set(_binds(node)):
            parts.append((False, _segment(lines, node, own)))
    imports = "\n".join(part for is_import, part in parts if is_import)
    rest = "\n\n\n".join(part for is_import, part in parts if not is_import)
    return f"{imports}\n\n\n{rest}\n" if imports else f"{rest}\n"


def _defined(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    found: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        for name in _binds(node):
            found.setdefault(name, []).append(node)
    return found


def _needed(tree: ast.Module, defined: dict[str, list[ast.stmt]], name: str) -> set[str]:
    """The names of the module that a function reaches, itself among them."""
    own = _names_of_package(tree)
    needed, waiting = set[str](), [name]
    while waiting:
        each = waiting.pop()
        if each in needed or each not in defined:
            continue
        needed.add(each)
        for node in defined[each]:
            waiting += _reads(node, own)
    return needed


def _reads(node: ast.stmt, own: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return
    left_out = {
        id(inner)
        for decorator in getattr(node, "decorator_list", ())
        if _root(decorator) in own
        for inner in ast.walk(decorator)
    }
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and id(inner) not in left_out:
            yield inner.id


def _binds(node: ast.stmt) -> Iterator[str]:
    """The names that a statement at the top binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            yield from map(_bound, inner.names)
        elif inner is not node and isinstance(inner, ast.FunctionDef | ast.ClassDef):
            yield inner.name


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def _names_of_package(tree: ast.Module) -> set[str]:
    """What the module calls Lignin and its parts."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {_bound(a) for a in node.names if a.name.partition(".")[0] == _PACKAGE}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            is_ours = (node.module or "").partition(".")[0] == _PACKAGE
            found |= {_bound(alias) for alias in node.names if is_ours}
    return found


def _require_absolute(node: ast.Import | ast.ImportFrom, name: str) -> None:
    if isinstance(node, ast.ImportFrom) and node.level:
        raise InvalidRequestError(
            f"{name} leans on a module beside its own: {ast.unparse(node)}",
            hint="only one module is captured: move what it needs there",
        )


def _with_names(node: ast.Import | ast.ImportFrom, kept: list[ast.alias]) -> ast.stmt:
    if isinstance(node, ast.Import):
        return ast.Import(names=kept)
    return ast.ImportFrom(module=node.module, names=kept, level=node.level)


def _segment(lines: list[str], node: ast.stmt, own: set[str]) -> str:
    """A statement's own lines, with its decorators but for those of Lignin."""
    assert node.end_lineno is not None
    decorators = [each for each in getattr(node, "decorator_list", ()) if _root(each) not in own]
    told = [f"@{ast.unparse(each)}" for each in decorators]
    return "\n".join([*told, *lines[node.lineno - 1 : node.end_lineno]])

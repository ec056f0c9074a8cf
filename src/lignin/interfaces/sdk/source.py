"""The text of a function that stands alone: with what it needs of its module, and nothing else.

Pure: reads text, runs nothing. What a function needs is told by the names in it that are its module's, as the
compiler resolves them.
"""

import ast
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from symtable import SymbolTable, symtable

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
        own = _names_of_package(tree)
        statements = [_part(node, own) for node in tree.body]
    except (SyntaxError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"its module does not parse: {error}") from error
    if not any(isinstance(each, ast.FunctionDef) and each.name == name for each in tree.body):
        raise InvalidRequestError(
            f"{name} is no function at the top of its module", hint="move it there to capture it"
        )
    needed = _needed(statements, name)
    lines = text.splitlines()
    parts = []
    for statement in statements:
        node = statement.node
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            parts.append((True, ast.unparse(node)))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if kept := [alias for alias in node.names if _bound(alias) in needed]:
                _require_absolute(node, name)
                parts.append((True, ast.unparse(_with_names(node, kept))))
        elif needed & statement.binds:
            parts.append((False, _segment(lines, node, own)))
    imports = "\n".join(part for is_import, part in parts if is_import)
    rest = "\n\n\n".join(part for is_import, part in parts if not is_import)
    return f"{imports}\n\n\n{rest}\n" if imports else f"{rest}\n"


@dataclass(frozen=True, slots=True)
class _Part:
    """A statement at the top of a module: the names that it binds there, and those of the module that it reads."""

    node: ast.stmt
    binds: frozenset[str]
    reads: frozenset[str]


def _part(node: ast.stmt, own: set[str]) -> _Part:
    """Ask the compiler's own tables: a parameter or a name inside is none of the module's, whatever it is called."""
    table = symtable(ast.unparse(_undecorated(node, own)), "<statement>", "exec")
    names = table.get_symbols()
    reads = {each.get_name() for each in names if each.is_referenced()}
    reads.update(*map(_globals_of, table.get_children()))
    return _Part(
        node=node,
        binds=frozenset(
            each.get_name() for each in names if each.is_assigned() or each.is_imported()
        ),
        reads=frozenset(reads),
    )


def _globals_of(table: SymbolTable) -> set[str]:
    """The names of the module that a function, a class or a comprehension reads or sets."""
    is_class = (
        table.get_type() == "class"
    )  # there a name that is bound later still is the module's before
    found = {
        each.get_name()
        for each in table.get_symbols()
        if each.is_global() or (is_class and each.is_referenced())
    }
    return found.union(*map(_globals_of, table.get_children()))


def _undecorated(node: ast.stmt, own: set[str]) -> ast.stmt:
    """The statement without the decorators of Lignin."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node
    kept = copy(node)
    kept.decorator_list = [each for each in node.decorator_list if _root(each) not in own]
    return kept


def _needed(parts: Sequence[_Part], name: str) -> set[str]:
    """The names of the module that a function reaches, itself among them."""
    needed, waiting = set[str](), [name]
    while waiting:
        each = waiting.pop()
        binding = [part for part in parts if each in part.binds]
        if each in needed or not binding:
            continue
        needed.add(each)
        for part in binding:
            waiting += part.reads
    return needed


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

"""The canonical form of code: what stays when layout, comments, docstrings and local names go.

Two derivations of the same function have the same form. It is an index, never an identity: equal
forms are a reason to look, not a proof.
"""

import ast
import json
import re
from collections.abc import Iterator

from lignin.artifacts.source.python import is_guard, parse_python
from lignin.domain.codec import Json

_SKIPPED = frozenset(["ctx", "type_comment", "type_params", "kind", "annotation", "returns"])
_SHELL_PIECE = re.compile(
    r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|(?<!\S)#[^\n]*|\s+|[^\s'\"\\]+|['\"\\]", re.DOTALL
)
_Inner = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip


def canonical_python(text: str, *, with_guard: bool = True) -> str:
    """Return the canonical form of Python text; what cannot be read stands for itself.

    `with_guard` false leaves out the main guard and `main`, which are not part of a program.
    """
    tree = parse_python(text)
    if isinstance(tree, str):
        return " ".join(text.split())
    body = [node for node in tree.body if with_guard or not _is_front(node)]
    try:
        return json.dumps(_Writer().block(body, {}), separators=(",", ":"))
    except RecursionError:
        return " ".join(text.split())


def _is_front(node: ast.stmt) -> bool:
    return is_guard(node) or (isinstance(node, ast.FunctionDef) and node.name == "main")


def canonical_shell(text: str) -> Json:
    """Return the words of shell text without comments and layout; line ends count as `;`."""
    words: list[str] = []
    fresh = True
    for match in _SHELL_PIECE.finditer(text):
        piece = match[0]
        if piece.isspace():
            fresh = True
            if "\n" in piece and words and words[-1] != ";":
                words.append(";")
        elif piece.startswith("#") and fresh:
            continue
        elif fresh or not words:
            words.append(piece)
            fresh = False
        else:
            words[-1] += piece
    return words[:-1] if words[-1:] == [";"] else words


def canonical_text(text: str) -> Json:
    """Return the words of a text."""
    return text.split()


class _Writer:
    """Writes syntax as JSON, naming what is bound by the order in which it first appears."""

    def __init__(self) -> None:
        self.depth = 0
        self.parameters: dict[str, list[str]] = {}

    def block(self, body: list[ast.stmt], outer: dict[str, str]) -> Json:
        """Write a module's or function's statements in a scope of its own."""
        self.parameters = {
            node.name: _parameters(node.args) for node in body if isinstance(node, ast.FunctionDef)
        }
        names = {**outer, **self._bound(body, [])}
        return self._statements(body, names)

    def _bound(self, nodes: list[ast.stmt], given: list[str]) -> dict[str, str]:
        """Name what some statements bind, without going into inner scopes."""
        found = dict.fromkeys(given)
        imported: dict[str, str] = {}
        free: set[str] = set()
        for node in _own_nodes(nodes):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    found[name] = None
                case ast.ClassDef(name=name) | ast.ExceptHandler(name=str() as name):
                    found[name] = None
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                    found[name] = None
                case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                    found[name] = None
                case ast.Global(names=several) | ast.Nonlocal(names=several):
                    free.update(several)
                case ast.Import() | ast.ImportFrom():
                    imported.update(_imported(node))
                case _:
                    pass
        self.depth += 1
        kept = [name for name in found if name not in free]
        return {name: f"{self.depth}:{n}" for n, name in enumerate(kept)} | imported

    def _statements(self, body: list[ast.stmt], names: dict[str, str]) -> Json:
        kept = [
            node
            for node in body
            if not isinstance(node, ast.Import | ast.ImportFrom | ast.Pass) and not _is_remark(node)
        ]
        return [self._node(node, names) for node in kept]

    def _node(self, node: ast.AST, names: dict[str, str]) -> Json:
        if isinstance(node, _Inner):
            names = {**names, **self._inner_names(node)}
        match node:
            case ast.Name(id=name):
                return ["name", names.get(name, name)]
            case ast.Attribute(attr=attr):
                inner = self._node(node.value, names)
                if (
                    isinstance(inner[1], str)
                    and inner[0] == "name"
                    and inner[1].startswith("import ")
                ):
                    return ["name", f"{inner[1]}.{attr}"]
                return ["attribute", inner, attr]
            case ast.Constant(value=value):
                return ["constant", type(value).__name__, repr(value)]
            case ast.AnnAssign(target=target, value=value):
                if value is None:
                    return ["declared"]
                given = self._node(value, names)
                return ["Assign", ["targets", [self._node(target, names)]], ["value", given]]
            case ast.arg(arg=name) | ast.ExceptHandler(name=str() as name):
                own = [names.get(name, name)]
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                own = [names.get(name, name)]
            case ast.Call(func=ast.Name(id=name)) if name in self.parameters:
                return self._own_call(node, self.parameters[name], names)
            case ast.keyword(arg=str() as name):
                own = [name]
            case _:
                own = []
        return [type(node).__name__, *own, *self._fields(node, names)]

    def _own_call(self, node: ast.Call, parameters: list[str], names: dict[str, str]) -> Json:
        """Write a call of the text's own function, whose parameter names count by place."""
        words = [
            [parameters.index(word.arg) if word.arg in parameters else word.arg]
            + [self._node(word.value, names)]
            for word in node.keywords
        ]
        given = [self._node(item, names) for item in node.args]
        return ["Call", self._node(node.func, names), given, words]

    def _fields(self, node: ast.AST, names: dict[str, str]) -> Iterator[Json]:
        for field, value in ast.iter_fields(node):
            if field in _SKIPPED or field in {"name", "arg"} or value is None or value == []:
                continue
            if isinstance(value, ast.AST):
                yield [field, self._node(value, names)]
            elif isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield [field, self._statements(value, names)]
            elif isinstance(value, list):
                yield [field, [self._item(item, names) for item in value]]
            else:
                yield [field, repr(value)]

    def _item(self, item: object, names: dict[str, str]) -> Json:
        if isinstance(item, ast.AST):
            return self._node(item, names)
        return names.get(item, item) if isinstance(item, str) else repr(item)

    def _inner_names(self, node: ast.AST) -> dict[str, str]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return self._bound(node.body, _parameters(node.args))
        if isinstance(node, ast.Lambda):
            return self._bound([], _parameters(node.args))
        targets = [
            inner.id
            for generator in getattr(node, "generators", [])
            for inner in ast.walk(generator.target)
            if isinstance(inner, ast.Name)
        ]
        return self._bound([], targets)


def _parameters(arguments: ast.arguments) -> list[str]:
    several = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    several += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
    return [parameter.arg for parameter in several]


def _own_nodes(nodes: list[ast.stmt]) -> Iterator[ast.AST]:
    """Walk statements in order of the text, without entering functions, classes, comprehensions."""
    waiting: list[ast.AST] = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (*_Inner, ast.ClassDef)):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        return {a.asname or a.name: f"import {module}.{a.name}" for a in node.names}
    return {
        a.asname or a.name.split(".")[0]: f"import {a.name if a.asname else a.name.split('.')[0]}"
        for a in node.names
    }


def _is_remark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)

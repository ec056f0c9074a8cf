"""Follows the statements around a call without running them.

Knows imports, literals, `sys.argv`, `sys.stdin`, files whose text is known, `print`, `json.dumps`;
notes with which arguments one function was called and how its result was printed. Anything else
raises `UncertainError`: what is not certain is no example.
"""

import ast
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.traces import CommandRun

_TEXT_METHODS = frozenset(["strip", "rstrip", "lstrip", "split", "splitlines", "lower", "upper"])
_PLAIN_CALLS: Mapping[str, Callable[[Any], Any]] = {
    "int": int, "float": float, "str": str, "len": len, "list": list, "tuple": tuple, "bool": bool,
}  # fmt: skip
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda a, b: bool(a == b), ast.NotEq: lambda a, b: bool(a != b),
    ast.Lt: lambda a, b: bool(a < b), ast.LtE: lambda a, b: bool(a <= b),
    ast.Gt: lambda a, b: bool(a > b), ast.GtE: lambda a, b: bool(a >= b),
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
    ast.Is: lambda a, b: a is b, ast.IsNot: lambda a, b: a is not b,
}  # fmt: skip
_MAX_STEPS = 2_000


class UncertainError(Exception):
    """A form the reader does not know; never leaves this module."""


@dataclass(frozen=True, slots=True)
class Called:
    """The result of the function for some arguments, not known yet."""

    arguments: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Written:
    """A result as it was turned into text: `json`, `literal` (repr) or `plain` (print)."""

    called: Called
    form: str


@dataclass(frozen=True, slots=True)
class Known:
    """Something the reader knows by its dotted name: a module, a stream, the function."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """An open file or stream with known text."""

    text: str


class _Stop(Exception):  # noqa: N818 - not an error: the code being read returned
    pass


class Follower:
    """Follows simple statements and notes what is printed."""

    def __init__(
        self, function: str, stem: str, parameters: tuple[str, ...], run: CommandRun
    ) -> None:
        self.function = function
        self.stem = stem
        self.parameters = parameters
        self.run = run
        self.names: dict[str, Any] = {}
        self.printed: list[Written] = []
        self.main: ast.FunctionDef | None = None
        self.steps = 0
        self.read_input = False

    def follow(self, statements: Sequence[ast.stmt]) -> None:
        """Follow statements in order."""
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = self.value(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self.names[name] = self.value(value)
            case ast.FunctionDef(name="main"):
                self.main = node
            case ast.With(
                items=[ast.withitem(context_expr=source, optional_vars=ast.Name(id=name))]
            ):
                self.names[name] = self.value(source)
                self.follow(node.body)
            case ast.If():
                self.follow(node.body if self._truth(self.value(node.test)) else node.orelse)
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(value=ast.Call() as call):
                self._call_statement(call)
            case ast.Raise(exc=ast.Call(func=ast.Name(id="SystemExit"), args=[ast.Call() as call])):
                self._call_statement(call)
            case ast.Return(value=None) | ast.Return(value=ast.Constant(value=0 | None)):
                raise _Stop
            case _:
                raise UncertainError(f"{type(node).__name__} is not followed")

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                own = module.split(".")[-1] == self.stem and alias.name == self.function
                target = "function" if own else f"{module}.{alias.name}"
                own_module = alias.name == self.stem and not own
                self.names[alias.asname or alias.name] = Known("own" if own_module else target)
            else:
                own = alias.name == self.stem or (
                    alias.asname is not None and alias.name.split(".")[-1] == self.stem
                )
                bound = alias.asname or alias.name.split(".")[0]
                self.names[bound] = Known("own" if own else alias.name)

    def _call_statement(self, call: ast.Call) -> None:
        name = self._dotted(call.func)
        if name.startswith("sys.path."):
            return
        if name == "print" and len(call.args) == 1 and not call.keywords:
            self._print(self.value(call.args[0]))
        elif (
            name == "json.dump"
            and len(call.args) >= 2
            and self._dotted(call.args[1]) == "sys.stdout"
        ):
            self._print(self._dumped(call.args[0]))
        elif name == "sys.exit" and len(call.args) == 1 and isinstance(call.args[0], ast.Call):
            self._call_statement(call.args[0])
        elif name == "main" and self.main and not call.args and not self.main.args.args:
            try:
                self.follow(self.main.body)
            except _Stop:
                return
        else:
            raise UncertainError(f"a call of {name or 'something'} is not followed")

    def _print(self, value: Any) -> None:
        if isinstance(value, Called):
            value = Written(value, "plain")
        if not isinstance(value, Written):
            raise UncertainError("something else than a result is printed")
        self.printed.append(value)

    def value(self, node: ast.expr) -> Any:
        """Return what an expression stands for."""
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise UncertainError("too much to follow")
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.List(elts=items):
                return [self.value(item) for item in items]
            case ast.Tuple(elts=items):
                return tuple(self.value(item) for item in items)
            case ast.Dict():
                return self._dict(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self._call(node)
            case _:
                return self._derived(node)

    def _derived(self, node: ast.expr) -> Any:
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(self.value(operand))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._truth(self.value(operand))
            case ast.Subscript():
                return self._subscript(node)
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._compare(operator, self.value(left), self.value(right))
            case ast.ListComp(generators=[ast.comprehension(target=ast.Name(id=name), ifs=[])]):
                return self._comprehension(node, name)
            case _:
                raise UncertainError(f"{type(node).__name__} is not followed")

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            if key is None:
                made.update(self._plain(self.value(item), dict))
            else:
                made[self._plain(self.value(key), str)] = self.value(item)
        return made

    def _subscript(self, node: ast.Subscript) -> Any:
        source = self.value(node.value)
        if not isinstance(source, list | tuple | dict | str):
            raise UncertainError("part of something unknown")
        if isinstance(node.slice, ast.Slice):
            ends = [node.slice.lower, node.slice.upper, node.slice.step]
            start, stop, step = [None if end is None else self.value(end) for end in ends]
            return self._plain(source, (list, tuple, str))[start:stop:step]
        return source[self.value(node.slice)]

    def _compare(self, operator: ast.cmpop, left: Any, right: Any) -> bool:
        for side in (left, right):
            if isinstance(side, Called | Written | Known | Text):
                raise UncertainError("a result is compared")
        return _COMPARE[type(operator)](left, right)

    def _comprehension(self, node: ast.ListComp, name: str) -> list[Any]:
        made = []
        for item in self._plain(self.value(node.generators[0].iter), (list, tuple)):
            self.names[name] = item
            made.append(self.value(node.elt))
        return made

    def _attribute(self, node: ast.Attribute) -> Any:
        name = self._dotted(node)
        if name == "sys.argv":
            return ["-c" if self.run.command == "inline" else self.stem + ".py", *self.run.argv]
        if name == "sys.stdin":
            return self._input()
        if name:
            return Known("function" if name == f"own.{self.function}" else name)
        raise UncertainError("an attribute of something unknown")

    def _input(self) -> Text:
        if self.read_input:
            raise UncertainError("standard input is read twice")
        self.read_input = True
        return Text(self.run.stdin)

    def _call(self, node: ast.Call) -> Any:
        if isinstance(node.func, ast.Attribute) and not self._dotted(node.func):
            return self._method(self.value(node.func.value), node.func.attr, node)
        name = self._dotted(node.func)
        if name in {"function", f"own.{self.function}"} or name.endswith(
            f".{self.stem}.{self.function}"
        ):
            return Called(self._arguments(node))
        if name == "json.dumps" and node.args:
            return self._dumped(node.args[0])
        if name == "repr" and len(node.args) == 1:
            return Written(self._plain(self.value(node.args[0]), Called), "literal")
        if name in {"json.load", "json.loads"} and len(node.args) == 1 and not node.keywords:
            source = self.value(node.args[0])
            return json.loads(source.text if isinstance(source, Text) else self._plain(source, str))
        if name in {"open", "pathlib.Path"} and node.args:
            return Text(self._file(self._plain(self.value(node.args[0]), str)))
        if name in {"sys.stdin.read", "sys.stdin.readline"}:
            text = self._input().text
            return text if name.endswith("read") else text.splitlines(keepends=True)[0]
        if name in _PLAIN_CALLS and len(node.args) == 1 and not node.keywords:
            value = self._plain(self.value(node.args[0]), (str, int, float, list, tuple, dict))
            return _PLAIN_CALLS[name](value)
        raise UncertainError(f"a call of {name or 'something'} is not followed")

    def _method(self, source: Any, name: str, node: ast.Call) -> Any:
        given = [self.value(item) for item in node.args]
        if isinstance(source, Text) and name in {"read", "read_text"}:
            return source.text
        if isinstance(source, str) and name in _TEXT_METHODS and not node.keywords:
            return getattr(source, name)(*given)
        if isinstance(source, dict) and name == "get" and not node.keywords:
            return source.get(*given)
        raise UncertainError(f"a call of {name} is not followed")

    def _dumped(self, node: ast.expr) -> Written:
        return Written(self._plain(self.value(node), Called), "json")

    def _arguments(self, node: ast.Call) -> dict[str, Json]:
        given: list[Any] = []
        for item in node.args:
            if isinstance(item, ast.Starred):
                given += self._plain(self.value(item.value), (list, tuple))
            else:
                given.append(self.value(item))
        if len(given) > len(self.parameters):
            raise UncertainError("more arguments than parameters")
        bound = dict(zip(self.parameters, given, strict=False))
        for word in node.keywords:
            value = self.value(word.value)
            extra = self._plain(value, dict) if word.arg is None else {word.arg: value}
            if set(extra) & set(bound):
                raise UncertainError("an argument is given twice")
            bound.update(extra)
        return bound

    def _file(self, name: str) -> str:
        if name not in self.run.files:
            raise UncertainError("the text of a file is not known")
        return self.run.files[name]

    def _dotted(self, node: ast.expr) -> str:
        """Return the dotted name of something known, else an empty text."""
        if isinstance(node, ast.Name):
            known = self.names.get(node.id)
            if isinstance(known, Known):
                return known.name
            return "" if node.id in self.names else node.id
        if isinstance(node, ast.Attribute):
            inner = self._dotted(node.value)
            return f"{inner}.{node.attr}" if inner else ""
        return ""

    @staticmethod
    def _plain(value: Any, kind: Any) -> Any:
        if not isinstance(value, kind):
            raise UncertainError("a value of an unexpected type")
        return value

    @staticmethod
    def _number(value: Any) -> Any:
        return Follower._plain(value, (int, float))

    @staticmethod
    def _truth(value: Any) -> bool:
        if isinstance(value, Called | Written | Known | Text):
            raise UncertainError("a result decides what is done")
        return bool(value)

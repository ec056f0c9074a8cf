"""What a Python file defines, with signatures, and what it uses of other files. Pure; nothing is run.

What cannot be known from the text (methods of instances, names put there at run time, decorated functions)
is left out: an absent answer is never a fault.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

MAX_SOURCE = 2**20
_PLAIN = frozenset({"staticmethod", "classmethod", "override", "typing.override"})
_STARRED = "*"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a call has to fit: names by place, how many of them have no default, and the keywords.

    `text` is how it reads; `only` the leading ones that have no name for callers.
    """

    text: str
    names: tuple[str, ...]
    only: int
    needed: int
    many: bool
    keywords: frozenset[str]
    needed_keywords: frozenset[str]
    any_keyword: bool

    def takes(self, call: "Call") -> bool:
        """True where a call fits, as far as it can be seen."""
        if call.is_open:
            return True
        if call.places > len(self.names) and not self.many:
            return False
        by_place = set(self.names[: call.places])
        named = set(self.names[self.only :])
        for keyword in call.keywords:
            if keyword in by_place & named:
                return False
            if keyword not in named | self.keywords and not self.any_keyword:
                return False
        given = by_place | (set(call.keywords) & (named | self.keywords))
        return set(self.names[: self.needed]) <= given and self.needed_keywords <= given

    def takes_all_of(self, was: "Signature") -> bool:
        """True only where every call that fitted the other one fits this one, too."""
        same_places = self.names[: len(was.names)] == was.names and self.only <= was.only
        return (
            (same_places or (self.many and not was.names))
            and set(self.names[was.needed : self.needed]) <= was.needed_keywords
            and self.only <= max(was.only, len(was.names))
            and not (was.many and len(self.names) > len(was.names))
            and (self.many or not was.many)
            and (was.keywords <= self.keywords | set(self.names[self.only :]) or self.any_keyword)
            and self.needed_keywords <= was.needed_keywords
            and (self.any_keyword or not was.any_keyword)
        )


@dataclass(frozen=True, slots=True)
class Call:
    """How something is called: how many by place, which by keyword; open where it unpacks."""

    places: int
    keywords: tuple[str, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Use:
    """A use of another file's name, at a line; `call` where it is called."""

    module: str
    name: str
    line: int
    call: Call | None


@dataclass(frozen=True, slots=True)
class Defined:
    """The names of a file, each with its signature where that is known; `is_open` where there may be more."""

    names: Mapping[str, Signature | None]
    is_open: bool


def read_source(text: str | None) -> ast.Module | None:
    """A file's syntax; None where there is none, or it is no Python."""
    if text is None or len(text) > MAX_SOURCE:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def defined_in(tree: ast.Module) -> Defined:
    """Return what a file defines at its top, with the methods of its classes as `Class.method`."""
    names: dict[str, Signature | None] = {}
    is_open = False
    for node in _top(tree.body):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                names[node.name] = _signature(node, node.name, first=0)
            case ast.ClassDef():
                names.update(_class(node))
            case ast.Import():
                names.update({(a.asname or a.name).partition(".")[0]: None for a in node.names})
            case ast.ImportFrom():
                is_open = is_open or any(alias.name == _STARRED for alias in node.names)
                names.update({alias.asname or alias.name: None for alias in node.names})
            case _:
                names.update(dict.fromkeys(_assigned(node)))
    return Defined(names, is_open or "__getattr__" in names)


def uses_in(tree: ast.Module, path: str) -> list[Use]:
    """Return which names of other modules a file uses, by the modules' dotted names."""
    modules: dict[str, str] = {}  # a name here: the module that it stands for
    members: dict[str, tuple[str, str]] = {}  # a name here: module and name there
    found: list[Use] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, path)
            for alias in node.names:
                if alias.name == _STARRED:
                    continue
                here = alias.asname or alias.name
                members[here] = (module, alias.name)
                modules[here] = f"{module}.{alias.name}" if module else alias.name
                found.append(Use(module, alias.name, node.lineno, None))
    called = {id(node.func): _call(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            found.extend(_used(node, modules, members, called.get(id(node))))
    return found


def modules_of(paths: Iterable[str]) -> dict[str, str]:
    """Dotted names by which each Python file may be imported, to its path; what is ambiguous is left out."""
    known = [PurePosixPath(path) for path in paths if path.endswith(".py")]
    packages = {path.parent for path in known if path.name == "__init__.py"}
    found: dict[str, str | None] = {}
    for path in known:
        root = path.parent
        while root in packages:
            root = root.parent
        for start in {PurePosixPath("."), PurePosixPath("src"), root}:
            if start == PurePosixPath(".") or start in path.parents:
                parts = path.relative_to(start).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                if name:
                    found[name] = str(path) if found.get(name, str(path)) == str(path) else None
    return {name: path for name, path in found.items() if path}


def _used(
    node: ast.Name | ast.Attribute,
    modules: Mapping[str, str],
    members: Mapping[str, tuple[str, str]],
    call: Call | None,
) -> Iterator[Use]:
    parts = _dotted(node)
    if not parts:
        return
    head, rest = parts[0], parts[1:]
    if head in members:
        module, name = members[head]
        yield Use(module, ".".join([name, *rest]), node.lineno, call)
    for cut in range(1, len(parts)):
        module = modules.get(".".join(parts[:cut]), "")
        if module:
            yield Use(module, ".".join(parts[cut:]), node.lineno, call)


def _dotted(node: ast.expr) -> list[str]:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []


def _call(node: ast.Call) -> Call:
    is_open = any(isinstance(each, ast.Starred) for each in node.args)
    keywords = tuple(each.arg for each in node.keywords if each.arg is not None)
    return Call(len(node.args), keywords, is_open or len(keywords) < len(node.keywords))


def _absolute(node: ast.ImportFrom, path: str) -> str:
    """The module that is imported from; a relative one as a path from the top of the repository."""
    if not node.level:
        return node.module or ""
    parts = PurePosixPath(path).parent.parts
    kept = parts[: len(parts) - (node.level - 1)] if node.level > 1 else parts
    return ".".join([*kept, *((node.module or "").split(".") if node.module else [])])


def _top(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """What stands at the top, also below `if`, `try` and `with`."""
    for node in body:
        yield node
        for part in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
                yield from _top(getattr(node, part, ()))
        for handler in getattr(node, "handlers", ()):
            yield from _top(handler.body)


def _assigned(node: ast.stmt) -> Iterator[str]:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.For):
        targets = [node.target]
    for target in targets:
        yield from (each.id for each in ast.walk(target) if isinstance(each, ast.Name))


def _class(node: ast.ClassDef) -> dict[str, Signature | None]:
    found: dict[str, Signature | None] = {node.name: None}
    plain = not node.bases and not node.keywords and not node.decorator_list
    for each in _top(node.body):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = {".".join(_dotted(d)) for d in each.decorator_list}
            first = 0 if "staticmethod" in decorators else 1
            through_class = first == 0 or "classmethod" in decorators
            signature = _signature(each, f"{node.name}.{each.name}", first=first)
            found[f"{node.name}.{each.name}"] = signature if through_class else None
            if each.name == "__init__" and plain:
                found[node.name] = _signature(each, node.name, first=1)
        else:
            found.update({f"{node.name}.{name}": None for name in _assigned(each)})
    if plain and f"{node.name}.__init__" not in found and f"{node.name}.__new__" not in found:
        found[node.name] = Signature(
            f"{node.name}()", (), 0, 0, False, frozenset(), frozenset(), False
        )
    return found


def _signature(
    node: ast.FunctionDef | ast.AsyncFunctionDef, name: str, *, first: int
) -> Signature | None:
    if any(".".join(_dotted(each)) not in _PLAIN for each in node.decorator_list):
        return None
    given = node.args
    places = [*given.posonlyargs, *given.args][first:]
    needed = max(0, len(given.posonlyargs) + len(given.args) - len(given.defaults) - first)
    pairs = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return Signature(
        text=f"{name}({ast.unparse(given)})",
        names=tuple(each.arg for each in places),
        only=max(0, len(given.posonlyargs) - first),
        needed=needed,
        many=given.vararg is not None,
        keywords=frozenset(each.arg for each in given.kwonlyargs),
        needed_keywords=frozenset(each.arg for each, default in pairs if default is None),
        any_keyword=given.kwarg is not None,
    )

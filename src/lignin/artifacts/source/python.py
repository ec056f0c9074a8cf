"""Reads Python text by its syntax tree: imports, public functions, main guard, summary, faults."""

import ast
import posixpath
import re
import sys
import warnings
from collections.abc import Iterable, Mapping

MAX_SOURCE_CHARS = 400_000
MACHINE_PATH = re.compile(
    r"(?:/(?:home|root|Users|testbed|workspaces?|repo|opt|srv|mnt|media|data|projects?|app|tmp|work|code)"
    r"|[A-Za-z]:\\\\?)[/\\]?[\w.@-]+(?:/[\w.@-]+)*"
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def parse_python(text: str) -> ast.Module | str:
    """Return the syntax tree, or the fault in words."""
    if len(text) > MAX_SOURCE_CHARS:
        return f"{len(text)} characters of Python; at most {MAX_SOURCE_CHARS} are read"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # about the agent's escapes, which are not ours to report
            return ast.parse(text)
    except SyntaxError as error:
        return f"syntax error at line {error.lineno or 1}"
    except (ValueError, RecursionError, MemoryError):
        return "cannot be parsed as Python"


def functions(tree: ast.Module) -> dict[str, _Function]:
    """Return the top-level functions by name, in order."""
    return {node.name: node for node in tree.body if isinstance(node, _Function)}


def public_functions(tree: ast.Module) -> dict[str, _Function]:
    """Return the top-level functions that a caller is meant to use."""
    return {
        name: node
        for name, node in functions(tree).items()
        if not name.startswith("_") and name != "main"
    }


def is_guard(node: ast.stmt) -> bool:
    """True for `if __name__ == "__main__":`."""
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
        return False
    sides = [node.test.left, *node.test.comparators]
    names = [side.id for side in sides if isinstance(side, ast.Name)]
    values = [side.value for side in sides if isinstance(side, ast.Constant)]
    return names == ["__name__"] and values == ["__main__"]


def guard_body(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements under the main guard, without it an empty list."""
    return [
        inner
        for node in tree.body
        if is_guard(node) and isinstance(node, ast.If)
        for inner in node.body
    ]


def effects_on_import(tree: ast.Module) -> list[ast.stmt]:
    """Return the top-level statements that do something when the file is imported."""
    quiet = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    found = []
    for node in tree.body:
        if isinstance(node, (*quiet, ast.Assign, ast.AnnAssign, ast.Pass)) or is_guard(node):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Try) and all(isinstance(inner, quiet) for inner in node.body):
            continue
        found.append(node)
    return found


def called_names(nodes: Iterable[ast.AST]) -> list[str]:
    """Return the plain names that are called, in order, without repeats."""
    names = [
        call.func.id
        for node in nodes
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    ]
    return list(dict.fromkeys(names))


def imported_modules(tree: ast.Module) -> list[str]:
    """Return the modules that must be there, dotted; relative ones start with a dot."""
    optional = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and node.handlers
        for statement in node.body
        for inner in ast.walk(statement)
    }
    names: list[str] = []
    for node in ast.walk(tree):
        if id(node) in optional:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append("." * node.level + (node.module or ""))
    return list(dict.fromkeys(names))


def local_modules(tree: ast.Module, siblings: Mapping[str, str]) -> dict[str, str]:
    """Return the sibling files that the code imports: place in the tree to the sibling's path."""
    found: dict[str, str] = {}
    names = imported_modules(tree) + [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
    ]
    for name in names:
        stem = name.replace(".", "/")
        parts = stem.split("/")
        starts = ["/".join(parts[: n + 1]) + "/__init__.py" for n in range(len(parts))]
        for place in (stem + ".py", *starts):
            for path in sorted(siblings):
                if path == place or path.endswith("/" + place):
                    found.setdefault(place, path)
    return found


def foreign_import(tree: ast.Module, local: Iterable[str], *, others: bool = False) -> str:
    """Return why the imports cannot be served, or an empty text.

    Args:
        others: There are packages of others; what they are called inside shows when it is run.
    """
    own = {place.removesuffix(".py").split("/")[0] for place in local}
    for name in imported_modules(tree):
        if name.startswith("."):
            return "imports from its own package, which is not part of it"
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names and top not in own and not others:
            return f"imports {top}, which is not in the standard library"
    return ""


def machine_path(tree: ast.Module) -> str:
    """Return the first absolute path in the code that only one machine had, or an empty text."""
    documentation = {id(node) for node in _documentation(tree)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
            and (match := MACHINE_PATH.match(node.value))
        ):
            return match[0]
    return ""


def _documentation(tree: ast.Module) -> list[ast.AST]:
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]


def first_sentences(text: str, limit: int = 300) -> str:
    """Return the first paragraph on one line, cut at a sentence or a word to `limit` characters."""
    paragraph = " ".join(re.split(r"\n\s*\n", text.strip(), maxsplit=1)[0].split())
    if len(paragraph) <= limit:
        return paragraph
    cut = paragraph[:limit]
    end = max(cut.rfind(". "), cut.rfind("! "), cut.rfind("? "))
    return cut[: end + 1] if end > 0 else cut[: limit - 3].rsplit(" ", 1)[0] + "..."


def leading_comment(text: str) -> str:
    """Return the comment block at the head of a file, without its marks and any `#!` line."""
    lines: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#!") or (not stripped and not lines):
            continue
        if not stripped.startswith("#"):
            break
        lines.append(stripped.lstrip("#").strip())
    return "\n".join(lines).strip()


def python_summary(text: str, function: str = "") -> str:
    """Return what the code says about itself: a docstring, else the leading comment."""
    tree = parse_python(text)
    if isinstance(tree, str):
        return ""
    node = functions(tree).get(function)
    documentation = (ast.get_docstring(node) if node else None) or ast.get_docstring(tree)
    return first_sentences(documentation or leading_comment(text))


def module_name(path: str) -> str:
    """Return a name that Python can import, made of a file's name."""
    stem = posixpath.basename(path).removesuffix(".py")
    name = re.sub(r"\W", "_", stem, flags=re.ASCII).strip("_") or "code"
    return f"m_{name}" if name[0].isdigit() else name

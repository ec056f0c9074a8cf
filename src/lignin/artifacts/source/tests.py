"""Tells test code from other Python."""

import ast
import posixpath

from lignin.artifacts.source.python import functions, parse_python
from lignin.domain.traces import Snippet


def is_test_path(path: str) -> bool:
    """True where a file is named as tests are."""
    name = posixpath.basename(path)
    return name.endswith("_test.py") or (name.startswith("test_") and name.endswith(".py"))


def is_test(snippet: Snippet) -> bool:
    """True for Python that is named as a test or holds nothing but test functions."""
    if snippet.language != "python":
        return False
    if is_test_path(snippet.path):
        return True
    tree = parse_python(snippet.text)
    if isinstance(tree, str):
        return False
    names = list(functions(tree))
    return bool(names) and all(name.startswith("test_") for name in names)


def test_names(tree: ast.Module) -> list[str]:
    """Return the test functions and the methods of `unittest` cases."""
    found = [name for name in functions(tree) if name.startswith("test")]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found += [
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef) and inner.name.startswith("test")
            ]
    return found


def fixtures(tree: ast.Module) -> list[str]:
    """Return the fixtures that the test functions ask a runner for."""
    return [
        parameter.arg
        for name, node in functions(tree).items()
        if name.startswith("test")
        for parameter in node.args.args
    ]

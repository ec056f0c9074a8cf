"""Places a Python file and the session files that it imports in one tree."""

import ast

from lignin.artifacts.source.python import (
    foreign_import,
    local_modules,
    machine_path,
    parse_python,
)
from lignin.domain.artifacts import File, Mode
from lignin.domain.traces import Snippet

_MAX_LOCAL = 50


def local_files(tree: ast.Module, snippet: Snippet) -> dict[str, str]:
    """Return the session files that the code needs, by the place in the tree where it finds them.

    The tree's root is where imports start, so `helpers.totals` stands at `helpers/totals.py`.
    """
    found: dict[str, str] = {}
    waiting = [tree]
    while waiting and len(found) < _MAX_LOCAL:
        for place, path in local_modules(waiting.pop(), snippet.siblings).items():
            if place not in found:
                found[place] = snippet.siblings[path]
                inner = parse_python(found[place])
                waiting += [] if isinstance(inner, str) else [inner]
    return found


def files_of(
    tree: ast.Module, snippet: Snippet, entry: str, mode: Mode = "0644"
) -> dict[str, File]:
    """Return the entry file and what it imports, ready for a tree."""
    local = {
        place: File(content=text.encode()) for place, text in local_files(tree, snippet).items()
    }
    return {**local, entry: File(content=snippet.text.encode(), mode=mode)}


def python_fault(tree: ast.Module, snippet: Snippet) -> str:
    """Return why a Python file cannot stand alone: what it imports or reads. Else an empty text."""
    local = local_files(tree, snippet)
    for place, text in {"": snippet.text, **local}.items():
        inner = parse_python(text)
        where = f"{place}: " if place else ""
        if isinstance(inner, str):
            return where + inner
        if fault := foreign_import(inner, local, others=bool(snippet.requires)):
            return where + fault
        if path := machine_path(inner):
            return f"{where}reads {path}, which only that machine had"
    return ""

"""Which other files of a session a piece of code imports or names."""

import ast
import posixpath
import re
import warnings

from lignin.traces.code.files import Held, Workspace

_MAX_LINKS = 100


def linked(held: Held, workspace: Workspace) -> list[Held]:
    """Return the whole files that `held` imports or names, and what those import, in path order."""
    found: dict[str, Held] = {}
    waiting = [held]
    while waiting and len(found) < _MAX_LINKS:
        current = waiting.pop()
        folder = posixpath.dirname(current.path)
        others = imported(current.text, folder, workspace) if _is_python(current) else []
        if current is held:
            others = others + _named(held, workspace)
        for other in others:
            if other.path != held.path and other.path not in found and not other.flaw:
                found[other.path] = other
                waiting.append(other)
    return [found[path] for path in sorted(found)]


def imported(text: str, folder: str, workspace: Workspace) -> list[Held]:
    """Return the session's files that some Python text imports."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # about the agent's escapes, which are not ours to report
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    found: dict[str, Held] = {}
    for name in names:
        stem = name.replace(".", "/")
        parts = stem.split("/")
        packages = ["/".join(parts[:n]) + "/__init__.py" for n in range(1, len(parts) + 1)]
        for path in (stem + ".py", *packages):
            held = _locate(path, folder, workspace)
            if held is not None:
                found[held.path] = held
    return list(found.values())


def _locate(path: str, folder: str, workspace: Workspace) -> Held | None:
    if folder and (held := workspace.held.get(posixpath.normpath(posixpath.join(folder, path)))):
        return held
    if held := workspace.find(path):
        return held
    tail = "/" + path
    same = workspace.named(posixpath.basename(path))
    matches = [held for held in same if held.path.endswith(tail) or held.path == path]
    return matches[0] if len(matches) == 1 else None


def _named(held: Held, workspace: Workspace) -> list[Held]:
    if posixpath.basename(held.path) == "SKILL.md":
        folder = posixpath.dirname(held.path)
        return [other for name, other in workspace.held.items() if name.startswith(folder + "/")]
    return named_in(held.text, workspace)


def named_in(text: str, workspace: Workspace) -> list[Held]:
    """Return the session's files whose names stand in a text."""
    words = dict.fromkeys(re.findall(r"[\w.-]+", text))
    return [held for word in words for held in workspace.named(word)]


def _is_python(held: Held) -> bool:
    return held.path.endswith(".py") or held.ran_as == "python"

"""A script: a shell file, or a Python file that is meant to be run and takes words or input."""

import ast
import posixpath
import re
from typing import Any

from lignin.artifacts.kind import Kind
from lignin.artifacts.source.draft import common_fault, draft, refuse
from lignin.artifacts.source.python import (
    MACHINE_PATH,
    effects_on_import,
    first_sentences,
    functions,
    guard_body,
    leading_comment,
    local_modules,
    module_name,
    parse_python,
    public_functions,
    python_summary,
)
from lignin.artifacts.source.runs import script_examples
from lignin.artifacts.source.tests import is_test
from lignin.artifacts.source.tree import files_of, python_fault
from lignin.domain.artifacts import Capabilities, File, Interface, Manifest, Tree
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.traces import Snippet

ONE_OFF = "one-off: no parameters, no function, nothing to reuse"
_WORDS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
_TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
INPUT: dict[str, Any] = {
    "type": "object",
    "properties": {"argv": _WORDS, "stdin": {"type": "string"}, "files": _TEXTS},
    "additionalProperties": False,
}
OUTPUT: dict[str, Any] = {
    "type": "object",
    "properties": {"stdout": {"type": "string"}, "exit_code": {"type": "integer"}},
    "required": ["stdout", "exit_code"],
}
_SHELL_INPUT = re.compile(r"\$\{?[1-9@*#]|\bread\s|\bgetopts\b|/dev/stdin|\bcat\s+-(?:\s|$)")
_SHELL_FUNCTION = re.compile(r"^\s*(?:function\s+)?[\w-]+\s*\(\)", re.MULTILINE)


def recognise(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal | None:
    """Return the script in a snippet, the reason against it, or None where it is none."""
    if snippet.language not in {"python", "shell"} or is_test(snippet):
        return None
    return read(snippet, provenance)


def read(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal:
    """Return the script that a file is said to be, or why it cannot be one."""
    if snippet.language not in {"python", "shell"}:
        return refuse(snippet, "neither Python nor shell", provenance)
    if fault := common_fault(snippet) or _fault(snippet):
        return refuse(snippet, fault, provenance)
    if snippet.language == "python":
        return _python(snippet, provenance)
    shebang = snippet.text.split("\n", 1)[0]
    plain = shebang.startswith("#!") and "bash" not in shebang and "zsh" not in shebang
    runtime = "sh" if plain else "bash"
    entry = posixpath.basename(snippet.path)
    return _draft(snippet, provenance, runtime, {entry: _file(snippet)}, entry)


def _fault(snippet: Snippet) -> str:
    return _python_fault(snippet) if snippet.language == "python" else _shell_fault(snippet)


def _python_fault(snippet: Snippet) -> str:
    tree = parse_python(snippet.text)
    if isinstance(tree, str):
        return tree
    defined, acts = functions(tree), effects_on_import(tree)
    acts += guard_body(tree)
    in_place = snippet.path.startswith("inline-")
    if not _takes_input(tree) and (in_place or not defined) and _is_one_off(snippet):
        driven = sorted(local_modules(tree, snippet.siblings).values())
        return f"one-off: only calls {driven[0]}" if driven and in_place else ONE_OFF
    if not acts:
        several = len(public_functions(tree)) > 1
        return (
            "several public functions and no main guard: which one is the program is open"
            if several
            else "is never run by itself, and has no function with input and result"
        )
    if not _takes_input(tree) and not guard_body(tree) and _is_one_off(snippet):
        return "one-off: its functions are only run with fixed values"
    return python_fault(tree, snippet)


def _takes_input(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "sys" and node.attr in {"argv", "stdin"}:
                return True
            if node.value.id in {"argparse", "fileinput"}:
                return True
        if isinstance(node, ast.ImportFrom) and node.module in {"argparse", "fileinput"}:
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "sys":
            return any(alias.name in {"argv", "stdin"} for alias in node.names)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "input"
        ):
            return True
    return False


def _is_one_off(snippet: Snippet) -> bool:
    """True for what an agent left behind, not for what is handed over with examples of its use."""
    return snippet.how != "handed over"


def _shell_fault(snippet: Snippet) -> str:
    code = "\n".join(
        line for line in snippet.text.splitlines() if not line.lstrip().startswith("#")
    )
    takes_input = _SHELL_INPUT.search(code) or _SHELL_FUNCTION.search(code)
    if not takes_input and _is_one_off(snippet):
        return ONE_OFF
    if match := re.search(r"(?<![\w.}])" + MACHINE_PATH.pattern, code):
        return f"reads {match[0]}, which only that machine had"
    for path in snippet.siblings:
        if path.endswith((".sh", ".bash", ".py")):
            return f"runs {path}, another file of its session, which it would not find"
    return ""


def _python(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal:
    tree = parse_python(snippet.text)
    entry = module_name(snippet.path) + ".py"
    if isinstance(tree, str):
        return refuse(snippet, tree, provenance)
    return _draft(snippet, provenance, "python", files_of(tree, snippet, entry, "0755"), entry)


def _draft(
    snippet: Snippet, provenance: Provenance, runtime: str, files: dict[str, File], entry: str
) -> Candidate | Refusal:
    manifest = Manifest(
        kind="script",
        entry=entry,
        runtime=runtime,
        interface=Interface(input=INPUT, output=OUTPUT),
        capabilities=Capabilities(processes=runtime != "python"),
    )
    return draft(
        name=snippet.path,
        files=files,
        manifest=manifest,
        examples=script_examples(snippet),
        provenance=provenance,
    )


def _file(snippet: Snippet) -> File:
    return File(content=snippet.text.encode(), mode="0755")


def summary(tree: Tree) -> str:
    """Return what the script's docstring or leading comment says first."""
    manifest = tree.manifest
    text = tree.text(manifest.entry)
    if manifest.runtime == "python":
        return python_summary(text)
    return first_sentences(leading_comment(text))


KIND = Kind(
    name="script",
    executable=True,
    checks=(
        "own_tests",
        "examples",
        "held_out",
        "memorised",
        "totality",
        "determinism",
        "effects",
        "sandbox_marks",
        "outlets",
        "prose",
        "detonation",
        "static",
    ),
    recognise=recognise,
    read=read,
    summary=summary,
    precedence=40,
)

"""A program: one Python function with annotated parameters, callable with a JSON object."""

import ast

from lignin.artifacts.kind import Kind
from lignin.artifacts.source.draft import common_fault, draft, refuse
from lignin.artifacts.source.observed import program_examples
from lignin.artifacts.source.python import (
    called_names,
    effects_on_import,
    functions,
    guard_body,
    module_name,
    parse_python,
    public_functions,
    python_summary,
)
from lignin.artifacts.source.schema import read_signature
from lignin.artifacts.source.tests import is_test
from lignin.artifacts.source.tree import files_of, python_fault
from lignin.domain.artifacts import Manifest, Tree
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.traces import Snippet


def recognise(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal | None:
    """Return the program in a Python snippet, the reason against it, or None where it is none."""
    if snippet.language != "python" or is_test(snippet):
        return None
    tree = parse_python(snippet.text)
    if not isinstance(tree, str) and not common_fault(snippet):
        function = main_function(tree, snippet.about)
        if isinstance(function, str):
            return read(snippet, provenance) if snippet.about else None
        if guard_body(tree) and isinstance(read_signature(function, tree), str):
            return None
    return read(snippet, provenance)


def read(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal:
    """Return the program that a file is said to be, or why it cannot be one."""
    if snippet.language != "python":
        return refuse(snippet, "not Python", provenance)
    if fault := common_fault(snippet):
        return refuse(snippet, fault, provenance)
    tree = parse_python(snippet.text)
    if isinstance(tree, str):
        return refuse(snippet, tree, provenance)
    function = main_function(tree, snippet.about)
    if isinstance(function, str):
        return refuse(snippet, function, provenance)
    signature = read_signature(function, tree)
    if isinstance(signature, str):
        return refuse(snippet, signature, provenance)
    if fault := python_fault(tree, snippet):
        return refuse(snippet, fault, provenance)
    entry = module_name(snippet.path) + ".py"
    stem = snippet.path.rsplit("/", 1)[-1].removesuffix(".py")
    return draft(
        name=function.name,
        files=files_of(tree, snippet, entry),
        manifest=Manifest(
            kind="program",
            entry=f"{entry}:{function.name}",
            runtime="python",
            interface=signature.interface,
        ),
        examples=program_examples(tree, function.name, stem, signature, snippet.runs),
        provenance=provenance,
    )


def main_function(tree: ast.Module, about: str = "") -> ast.FunctionDef | str:
    """Return the function that a file is about, or why there is none.

    That is the one that whoever hands the file over names, else the only public one which the main guard (or the `main` it calls) calls, else the only
    public one. There is none where the file acts when it is imported, where the choice is open, or
    where the function takes nothing or returns nothing: then it is not a function of its input.
    """
    if acts := effects_on_import(tree):
        return f"acts when it is imported (line {acts[0].lineno})"
    public = public_functions(tree)
    front: list[ast.AST] = [*guard_body(tree)]
    if "main" in called_names(front) and (main := functions(tree).get("main")):
        front.append(main)
    called = [name for name in called_names(front) if name in public]
    names = called if len(called) == 1 else list(public)
    if about:
        names = [about]
        if about not in public:
            return f"has no public function {about} at its top"
    if len(names) != 1:
        several = f"which of {', '.join(names[:5])} it is about is open"
        return several if names else "has no public function besides main"
    function = public[names[0]]
    if not isinstance(function, ast.FunctionDef):
        return f"{function.name} is asynchronous"
    if isinstance(function.returns, ast.Constant) and function.returns.value is None:
        return f"{function.name} returns nothing"
    if not any(isinstance(node, ast.arg) for node in ast.walk(function.args)):
        return f"{function.name} takes nothing"
    return function


def summary(tree: Tree) -> str:
    """Return what the function's docstring, the module's or the leading comment says first."""
    file, _, function = tree.manifest.entry.partition(":")
    return python_summary(tree.text(file), function)


KIND = Kind(
    name="program",
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
    precedence=30,
)

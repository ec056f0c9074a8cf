"""A workflow: a Python function whose first parameter is `ctx`, which survives the process it runs in.

Everything with an effect or a changing answer is a step that it asks for through `ctx`.
"""

import ast
import copy

from lignin.artifacts.kind import Kind
from lignin.artifacts.kinds.program import summary
from lignin.artifacts.source.draft import common_fault, draft, refuse
from lignin.artifacts.source.python import module_name, parse_python, public_functions
from lignin.artifacts.source.schema import read_signature
from lignin.artifacts.source.terms import read_terms
from lignin.artifacts.source.tests import is_test
from lignin.artifacts.source.thresholds import read_thresholds
from lignin.artifacts.source.tree import files_of, python_fault
from lignin.domain.artifacts import Capabilities, Manifest
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.errors import InvalidRequestError
from lignin.domain.traces import Snippet

CONTEXT = "ctx"


def recognise(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal | None:
    """Return the workflow in a Python snippet, the reason against it, or None where it is none."""
    if snippet.language != "python" or is_test(snippet):
        return None
    tree = parse_python(snippet.text)
    if isinstance(tree, str) or not _flows(tree):
        return None
    return read(snippet, provenance)


def read(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal:
    """Return the workflow that a file is said to be, or why it cannot be one."""
    if snippet.language != "python":
        return refuse(snippet, "not Python", provenance)
    if fault := common_fault(snippet):
        return refuse(snippet, fault, provenance)
    tree = parse_python(snippet.text)
    if isinstance(tree, str):
        return refuse(snippet, tree, provenance)
    entry = module_name(snippet.path) + ".py"
    try:
        terms = read_terms(tree, entry)
    except InvalidRequestError as error:
        return refuse(snippet, error.message, provenance)
    try:
        read_thresholds(snippet.text, terms.workflow.thresholds)
    except InvalidRequestError as error:
        return refuse(snippet, error.message, provenance)
    flow = _main_flow(tree, terms.workflow.on_failure.partition(":")[2])
    if isinstance(flow, str):
        return refuse(snippet, flow, provenance)
    signature = read_signature(_without_context(flow), tree)
    if isinstance(signature, str):
        return refuse(snippet, signature, provenance)
    if fault := python_fault(tree, snippet):
        return refuse(snippet, fault, provenance)
    return draft(
        name=flow.name,
        files=files_of(tree, snippet, entry),
        manifest=Manifest(
            kind="workflow",
            entry=f"{entry}:{flow.name}",
            runtime="python",
            interface=signature.interface,
            capabilities=Capabilities(tools=dict(terms.tools)),
            dependencies=dict(terms.artifacts),
            workflow=terms.workflow,
        ),
        examples=(),
        provenance=provenance,
    )


def _flows(tree: ast.Module) -> list[ast.FunctionDef]:
    """The functions that take `ctx` first, in order."""
    return [
        node
        for node in public_functions(tree).values()
        if isinstance(node, ast.FunctionDef)
        and node.args.args[:1]
        and node.args.args[0].arg == CONTEXT
    ]


def _main_flow(tree: ast.Module, handler: str) -> ast.FunctionDef | str:
    """The function that is the workflow, or why there is none."""
    flows = [node for node in _flows(tree) if node.name != handler]
    named = [node for node in flows if node.name == "workflow"] or flows
    if len(named) == 1:
        return named[0]
    if named:
        return f"which of {', '.join(node.name for node in named[:5])} it is about is open"
    return f"no function takes {CONTEXT} as its first parameter"


def _without_context(function: ast.FunctionDef) -> ast.FunctionDef:
    """The function as its caller sees it: `ctx` is given by whoever runs it."""
    seen = copy.copy(function)
    seen.args = copy.copy(function.args)
    seen.args.args = function.args.args[1:]
    return seen


KIND = Kind(
    name="workflow",
    executable=True,
    checks=(
        "examples",
        "held_out",
        "memorised",
        "totality",
        "determinism",
        "resumption",
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
    precedence=20,
)

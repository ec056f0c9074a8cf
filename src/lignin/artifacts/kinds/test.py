"""A test: Python tests that an agent wrote for code of the same session."""

from lignin.artifacts.kind import Kind
from lignin.artifacts.source.draft import common_fault, draft, refuse
from lignin.artifacts.source.python import module_name, parse_python, python_summary
from lignin.artifacts.source.tests import fixtures, is_test, test_names
from lignin.artifacts.source.tree import files_of, local_files, python_fault
from lignin.domain.artifacts import Manifest, Tree
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.traces import Snippet


def recognise(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal | None:
    """Return the test in a snippet with the code it tests, the reason against it, or None."""
    return read(snippet, provenance) if is_test(snippet) else None


def read(snippet: Snippet, provenance: Provenance) -> Candidate | Refusal:
    """Return the test that a file is said to be, or why it cannot be one."""
    if snippet.language != "python":
        return refuse(snippet, "not Python", provenance)
    if fault := common_fault(snippet) or _fault(snippet):
        return refuse(snippet, fault, provenance)
    tree = parse_python(snippet.text)
    if isinstance(tree, str):
        return refuse(snippet, tree, provenance)
    entry = module_name(snippet.path) + ".py"
    return draft(
        name=snippet.path,
        files=files_of(tree, snippet, entry),
        manifest=Manifest(kind="test", entry=entry, runtime="python"),
        examples=(),
        provenance=provenance,
    )


def _fault(snippet: Snippet) -> str:
    tree = parse_python(snippet.text)
    if isinstance(tree, str):
        return tree
    if not test_names(tree):
        return "holds no test function"
    if fault := python_fault(tree, snippet):
        return fault
    if names := fixtures(tree):
        return f"needs the fixture {names[0]} of a test runner"
    if not local_files(tree, snippet):
        return "tests nothing that its session wrote"
    return ""


def summary(tree: Tree) -> str:
    """Return what the test file's docstring or leading comment says first."""
    return python_summary(tree.text(tree.manifest.entry))


KIND = Kind(
    name="test",
    executable=True,
    checks=("mutants", "effects", "prose", "detonation", "static"),
    recognise=recognise,
    read=read,
    summary=summary,
    precedence=20,
)

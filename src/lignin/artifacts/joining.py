"""Joins a test to the programs it tests. Pure: knows trees, not where they are kept.

A captured test carries the session's files that it imports. Where one of them is a captured
program, the program's own bytes take its place and the manifest pins the program's digest, so the
test goes on running by itself and everybody can see which version it proves. A program counts as
the same code by its sighting key; it must also define the names and parameters of the carried file,
which that key does not tell.
"""

import ast
from collections.abc import Mapping
from dataclasses import replace

from lignin.artifacts.kind import Kind
from lignin.artifacts.plan import folder_of
from lignin.artifacts.source.draft import artifact_name, sighting_key
from lignin.artifacts.source.python import functions, imported_modules, parse_python
from lignin.artifacts.source.tests import is_test_path
from lignin.domain.artifacts import MANIFEST_PATH, File, Tree, make_tree
from lignin.domain.candidates import Candidate
from lignin.domain.errors import InvalidRequestError
from lignin.domain.traces import Snippet


def carried_programs(candidate: Candidate, kinds: Mapping[str, Kind]) -> dict[str, str]:
    """Return the sighting key of each program that a test carries, by its path in the test's tree."""
    tree, found = candidate.tree, {}
    for path in tree.files:
        if not path.endswith(".py") or path == tree.manifest.entry or is_test_path(path):
            continue
        others = {p: tree.text(p) for p in tree.files if p.endswith(".py") and p != path}
        snippet = Snippet(
            path=path,
            text=tree.text(path),
            language="python",
            how="written",
            session="",
            index=0,
            siblings=others,
        )
        program = kinds["program"].recognise(snippet, candidate.provenance)
        if isinstance(program, Candidate):
            found[path] = program.sighting_key
    return found


def join_subject(candidate: Candidate, path: str, name: str, program: Tree) -> Candidate | None:
    """Return the test with a program in the place of a carried file, or None where it cannot be.

    Args:
        candidate: The test.
        path: The carried file.
        name: The program's name in the space.
        program: The program's tree.
    """
    entry = program.manifest.entry.partition(":")[0]
    tree, folder = candidate.tree, folder_of(name)
    if not _defines(program.text(entry), tree.text(path)):
        return None
    files = dict(tree.files)
    for inner, file in program.files.items():
        if inner != MANIFEST_PATH:
            files[path if inner == entry else inner] = file
    if path == f"{folder}/{entry}":
        del files[path]  # there the program is mounted anyhow
    if any(other == folder or other.startswith(f"{folder}/") for other in files):
        return None
    pinned = {**tree.manifest.dependencies, name: program.digest}
    files[MANIFEST_PATH] = tree.manifest.model_copy(update={"dependencies": pinned}).to_file()
    try:
        joined = make_tree(files)
    except InvalidRequestError:
        return None
    return replace(candidate, tree=joined, sighting_key=sighting_key(joined))


def wanted_programs(path: str, text: str) -> dict[str, str]:
    """Return the artifacts that a lone test file's imports could mean: place in its tree to name."""
    tree = parse_python(text)
    if isinstance(tree, str) or not is_test_path(path):
        return {}
    names = [name for name in imported_modules(tree) if name and not name.startswith(".")]
    return {
        name.replace(".", "/") + ".py": artifact_name(name.rpartition(".")[2]) for name in names
    }


def with_program(files: Mapping[str, File], path: str, program: Tree) -> dict[str, File]:
    """Return a test's files with a program's beside them, its entry file at `path`."""
    entry = program.manifest.entry.partition(":")[0]
    beside = {
        path if inner == entry else inner: file
        for inner, file in program.files.items()
        if inner != MANIFEST_PATH
    }
    return {**beside, **files}


def _defines(text: str, wanted: str) -> bool:
    """True where every function of `wanted` is in `text` with the same parameters."""
    has, needs = _signatures(text), _signatures(wanted)
    return all(has.get(name) == parameters for name, parameters in needs.items())


def _signatures(text: str) -> dict[str, list[str]]:
    tree = parse_python(text)
    if isinstance(tree, str):
        return {}
    return {
        name: [arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)]
        for name, node in functions(tree).items()
    }

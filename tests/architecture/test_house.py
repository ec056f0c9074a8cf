"""The habits of the house that a tool can see: sizes, docstrings, the error tree, clean files."""

import ast
import re
from pathlib import Path

import pytest

from architecture.sources import (
    SOURCE_FOLDERS,
    functions,
    project_files,
    python_files,
    shown,
)
from lignin.domain import errors

MAX_FILE_LINES = 450
# One file is mounted in the sandbox and is all that confined code sees of us (decision record 4).
ONE_FILE_BY_DECISION = frozenset({"src/lignin/adapters/sandbox/guest.py"})
MAX_FUNCTION_LINES = 60
SHORT_FUNCTIONS_SHARE = 0.95
UNSAFE_LOADERS = frozenset(
    {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal"}
)

# Written in pieces, so that this file does not match its own patterns.
INDEX_HOSTS = re.compile(
    "|".join(
        re.escape(left + right)
        for left, right in [
            ("py", "pi.org"),
            ("pythonhosted", ".org"),
            ("npmjs", ".org"),
            ("npmjs", ".com"),
            ("registry.", "yarnpkg"),
            ("deb.debian", ".org"),
            ("ftp.debian", ".org"),
            ("snapshot.debian", ".org"),
            ("proxy.golang", ".org"),
            ("crates", ".io"),
            ("--index", "-url http"),
            ("--find", "-links http"),
        ]
    )
)
MACHINE_PATHS = re.compile(
    "|".join(
        left + right
        for left, right in [
            ("/wor", r"k/(shared|main|briefs|wt-|\.library)"),
            ("/roo", r"t/\.(pyenv|cargo|claude)"),
            ("/op", r"t/(pypi|wheels)"),
        ]
    )
)


def matches(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    """`file:line: match` for every line of the files that a pattern matches."""
    return [
        f"{shown(path)}:{number}: {match.group()}"
        for path in paths
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if (match := pattern.search(line))
    ]


def unsafe_imports(text: str) -> list[str]:
    """Names of imported modules that load code along with data."""
    names = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return [name for name in names if name.split(".")[0] in UNSAFE_LOADERS]


def test_no_file_names_a_package_index() -> None:
    assert matches(INDEX_HOSTS, project_files()) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert matches(MACHINE_PATHS, project_files()) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (INDEX_HOSTS, "https://files." + "pythonhosted" + ".org/x"),
        (INDEX_HOSTS, "--index" + "-url https://example.org"),
        (MACHINE_PATHS, "cd /wor" + "k/shared"),
    ],
)
def test_a_planted_address_is_found(tmp_path: Path, pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


GIVES_OWN_CODE_TO_OWN_CHILD = "src/lignin/adapters/sandbox/spawning.py: marshal"


def test_nothing_imports_a_loader_that_runs_code() -> None:
    everywhere = python_files(*SOURCE_FOLDERS, "tests")
    found = [
        f"{shown(path)}: {name}" for path in everywhere for name in unsafe_imports(path.read_text())
    ]
    assert found == [GIVES_OWN_CODE_TO_OWN_CHILD]


def test_a_planted_unsafe_import_is_found() -> None:
    assert unsafe_imports("def f():\n    from pickle import loads") == ["pickle"]


def test_every_source_file_says_what_it_owns() -> None:
    silent = [
        shown(path)
        for path in python_files(*SOURCE_FOLDERS)
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_source_file_grows_too_long() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in python_files(*SOURCE_FOLDERS)}
    long = {shown(path): n for path, n in lengths.items() if n > MAX_FILE_LINES}
    assert set(long) - ONE_FILE_BY_DECISION == set(), long


def test_nearly_all_functions_fit_on_a_page() -> None:
    lengths = {
        f"{shown(path)}:{node.lineno} {node.name}": (node.end_lineno or node.lineno)
        - node.lineno
        + 1
        for path in python_files(*SOURCE_FOLDERS)
        for node in functions(ast.parse(path.read_text()))
    }
    long = {place: n for place, n in lengths.items() if n > MAX_FUNCTION_LINES}
    assert len(long) <= (1 - SHORT_FUNCTIONS_SHARE) * len(lengths), long


def error_classes() -> dict[str, type[errors.LigninError]]:
    """Every error class of the error module by name."""
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }


def drawn_parents() -> dict[str, str | None]:
    """Each class in the tree drawn in the error module's docstring, with the one above it."""
    parents: dict[str, str | None] = {}
    branch: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│ ]*[├└]── |(?=LigninError$))(\w+)", line)
        if found is None:
            continue
        depth, name = len(found.group(1)), found.group(2)
        branch = [(d, n) for d, n in branch if d < depth]
        parents[name] = branch[-1][1] if branch else None
        branch.append((depth, name))
    return parents


def test_the_drawn_error_tree_is_the_real_one() -> None:
    real = {
        name: None if kind is errors.LigninError else kind.__mro__[1].__name__
        for name, kind in error_classes().items()
    }
    assert drawn_parents() == real


def test_every_error_class_ends_in_error_and_has_a_code_of_its_own() -> None:
    classes = error_classes()
    codes = [kind.code for kind in classes.values()]
    assert [name for name in classes if not name.endswith("Error")] == []
    assert sorted(codes) == sorted(set(codes))
    assert all("code" in vars(kind) for kind in classes.values())


def hintless(text: str) -> list[int]:
    """Lines on which a `NotFoundError` is made without a hint."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "NotFoundError"
        and not any(word.arg == "hint" for word in node.keywords)
    ]


def test_whatever_is_not_found_comes_with_a_hint() -> None:
    found = [
        f"{shown(path)}:{line}"
        for path in python_files("src")
        for line in hintless(path.read_text())
    ]
    assert found == []


def test_a_planted_error_without_a_hint_is_found() -> None:
    assert hintless("raise NotFoundError('x', hint='y')\nraise NotFoundError('x')") == [2]

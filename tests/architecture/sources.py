"""Finds the project's own files for the architecture tests. Owns no rule."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "lignin"
SOURCE_FOLDERS = ("src", "tools", "benchmarks")
_FOLDERS = (*SOURCE_FOLDERS, "tests", "docs", "changelog.d", ".ci")


def project_files() -> list[Path]:
    """Every file of the project that git has or would take; by folder where there is no git."""
    names = _git_names()
    if names is not None:
        paths = [ROOT / name for name in names]
    else:
        paths = [path for path in ROOT.iterdir() if not path.name.startswith(".")]
        paths += [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*")]
        paths = [path for path in paths if "__pycache__" not in path.parts]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def _git_names() -> list[str] | None:
    """What git lists, or None: no git, no repository, or one that belongs to somebody else."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        return None
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        return None
    return [name for name in listed.stdout.decode().split("\0") if name]


def python_files(*folders: str) -> list[Path]:
    """The project's Python files below some top folders."""
    return [
        path
        for path in project_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders
    ]


def shown(path: Path) -> str:
    """A path as a reader of a failure wants it: relative to the project."""
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node

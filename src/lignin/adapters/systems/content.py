"""What a command line brings with it: the files that its words name.

A word that names a file brings it, and where the file lies in a folder that whole first folder; a word
that names a folder brings that. A Python file brings the modules and packages beside it that it imports, and
what these do in turn. All else of the user's files is left where it is.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, digest_json
from lignin.domain.errors import LimitedError
from lignin.ports.system import split_words

MAX_FILES = 5000
MAX_BYTES = 64 * 2**20
_LEFT_OUT = frozenset({".git", "__pycache__", ".venv", "node_modules"})


@dataclass(frozen=True, slots=True)
class Content:
    """A command line with its files: `words` as given, `named` which of them are paths of files."""

    words: tuple[str, ...]
    named: frozenset[str]
    files: dict[str, File]

    @property
    def digest(self) -> Digest:
        """Digest of words and files."""
        told = {path: [file.mode, file.sha256] for path, file in sorted(self.files.items())}
        return digest_json([list(self.words), told])

    def placed(self, folder: str) -> tuple[str, ...]:
        """The words where the files lie in a folder."""
        return tuple(
            f"{folder}/{PurePosixPath(word)}" if word in self.named else word for word in self.words
        )


def read_content(command: str, folder: Path, *, most_files: int = MAX_FILES) -> Content:
    """Read what a command line names.

    Raises:
        InvalidRequestError: It is no command line.
        LimitedError: It brings too much.
    """
    words = split_words(command)
    named: set[str] = set()
    files: dict[str, File] = {}
    for word in words:
        path = PurePosixPath(word)
        if path.is_absolute() or ".." in path.parts or not (folder / path).exists():
            continue
        named.add(word)
        if path.parts:
            _take(folder, folder / path.parts[0], files)
        if path.suffix == ".py":
            _take_imported(folder, folder / path, files, most_files)
        if len(files) > most_files or sum(len(f.content) for f in files.values()) > MAX_BYTES:
            raise LimitedError(
                f"{word} brings more than {most_files} files, or {MAX_BYTES // 2**20} MiB",
                hint="put the system's own files in a folder of their own",
            )
    return Content(words, frozenset(named), files)


def _take(folder: Path, path: Path, files: dict[str, File]) -> None:
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    for each in found:
        relative = each.relative_to(folder)
        if each.is_symlink() or not each.is_file() or _LEFT_OUT & set(relative.parts):
            continue
        if _is_open_database(each):
            continue
        mode = "0755" if each.stat().st_mode & 0o100 else "0644"
        files[relative.as_posix()] = File(content=each.read_bytes(), mode=mode)  # type: ignore[arg-type]


def _is_open_database(path: Path) -> bool:
    """Whether it is part of an SQLite database in use, which no copy of its files is sound of.

    It may be this process's own store: whoever opens and closes the file drops all its locks on it.
    """
    database = str(path).removesuffix("-wal").removesuffix("-shm")
    return Path(f"{database}-wal").exists()


def _take_imported(folder: Path, program: Path, files: dict[str, File], most_files: int) -> None:
    """Take what a program imports from its own folder, which Python looks in first."""
    beside, left, known = program.parent, [program], set[str]()
    while left and len(files) <= most_files:
        each = left.pop()
        for name in set(_imported(each.read_bytes())) - known:
            known.add(name)
            for found in (beside / f"{name}.py", beside / name):
                if not found.is_symlink() and (found.is_file() or _is_package(found)):
                    _take(folder, found, files)
                    left += sorted(found.rglob("*.py")) if found.is_dir() else [found]


def _is_package(path: Path) -> bool:
    return path.is_dir() and path.name not in _LEFT_OUT and any(path.rglob("*.py"))


def _imported(source: bytes) -> Iterator[str]:
    """The first names of all that a Python source imports; of one that is none nothing."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]

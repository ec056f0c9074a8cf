"""The user's own repository: read as it is committed, given a branch, and nothing else of it touched.

Conformance: `tests/conformance/test_repository.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lignin.domain.artifacts import File
from lignin.ports.yard import Yard

MAX_FILES = 5000
MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as it is to be: its parent, what changes in it (None: the file goes), its words.

    `at` is its time in seconds since 1970: the same commit made twice is the same.
    """

    parent: str
    files: Mapping[str, File | None]
    message: str
    at: int


class Repository(Protocol):
    """One repository."""

    @property
    def folder(self) -> Path:
        """Its top folder."""
        ...

    def commit_of(self, revision: str) -> str:
        """Return the id of a commit.

        Raises:
            NotFoundError: There is none of that name.
        """
        ...

    def uncommitted(self) -> Sequence[str]:
        """Paths that differ from the newest commit, those that it does not know included; ignored ones not."""
        ...

    def files(self, commit: str) -> tuple[dict[str, File], Sequence[str]]:
        """Return the files of a commit, and the paths that are none (links, modules).

        Raises:
            LimitedError: They are more than `MAX_FILES`, or `MAX_BYTES`.
        """
        ...

    def branch(self, name: str, commit: Commit) -> str:
        """Make a branch of one new commit, whose id is returned; a branch that is there stays.

        Neither the newest commit, nor index, working tree, stash or any other branch is touched, and no
        hook is run. Interrupted anywhere, there is the whole branch or none.

        Raises:
            ConflictError: There is a branch of that name that is another commit.
            InvalidRequestError: No name for a branch.
        """
        ...


class Repositories(Protocol):
    """What opens repositories, and reads patches."""

    def open(self, folder: Path) -> Repository:
        """Open the repository that a folder lies in.

        Raises:
            NotFoundError: It lies in none.
            UnavailableError: There is no git.
        """
        ...

    def yard(self, folder: Path, place: Path) -> Yard:
        """Open the yard that lies at a place, for the repository that a folder lies in; made where missing.

        Raises:
            NotFoundError: The folder lies in no repository.
            UnavailableError: There is no git.
        """
        ...

    def patched(self, files: Mapping[str, File], patch: bytes) -> dict[str, File | None]:
        """Return what a patch changes in some files, each with its new content, or None where it goes.

        Raises:
            InvalidRequestError: It does not apply, or makes something else than files.
        """
        ...

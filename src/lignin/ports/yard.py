"""A yard: where a fleet works on a repository, and never in it.

It has the repository's commits to read, trees of its own for agents to work in, and a line of commits of
its own. Neither a reference, nor the index, nor the working tree of the repository is touched before
`deliver` gives it one new branch. Conformance: `tests/conformance/test_yard.py`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

MAX_PATCH_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was left in a tree, as a commit.

    Args:
        commit: "" where nothing was changed.
        lines: Per changed path how many lines came and went.
        odd: Changed paths that are no files that can be laid out anywhere: links, repositories in it.
    """

    commit: str
    lines: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    odd: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebased:
    """A change on top of another commit; `commit` is "" where the texts conflict, in `conflicts`."""

    commit: str
    conflicts: Sequence[str] = ()


class Yard(Protocol):
    """The yard of one fleet. Made again over what was there, it goes on with it. Thread-safe."""

    def held(self) -> AbstractContextManager[None]:
        """Holds the yard against other processes while a block lasts; the system frees it at a death.

        Raises:
            LimitedError: Another process holds it.
        """
        ...

    def left(self) -> Sequence[Path]:
        """Trees that an earlier process made and did not remove."""
        ...

    def add(self, commit: str, name: str) -> Path:
        """A new tree at a commit, a git worktree of the yard; its files are as they are committed."""
        ...

    def remove(self, tree: Path) -> None:
        """Remove a tree and what is in it."""
        ...

    def take(self, tree: Path, base: str, message: str, at: int) -> Taken:
        """Make a commit on `base` of what lies in a tree; ignored files and the piece's folder are not in it.

        Nothing that lies in the tree is run or decides where git looks. The same content, message and time
        are the same commit.
        """
        ...

    def rebase(self, commit: str, onto: str, message: str, at: int) -> Rebased:
        """Put the change of one commit on top of another, where their texts do not conflict."""
        ...

    def tree_id(self, commit: str) -> str:
        """The id of a commit's files: two commits with the same files have the same."""
        ...

    def parent(self, commit: str) -> str:
        """The id of the commit that one is a change of."""
        ...

    def patch(self, base: str, commit: str) -> bytes:
        """The difference between two commits, which `git apply` takes.

        Raises:
            LimitedError: It is longer than `MAX_PATCH_BYTES`.
        """
        ...

    def paths(self, commit: str) -> Sequence[str]:
        """Every path of a commit."""
        ...

    def changed(self, base: str, commit: str) -> Sequence[str]:
        """The paths that differ between two commits."""
        ...

    def texts(self, commit: str, paths: Sequence[str]) -> Mapping[str, str | None]:
        """Texts of files; None where there is none, or it is no text."""
        ...

    def deliver(self, branch: str, commit: str, base: str, *, moves: bool = False) -> None:
        """Give the repository a branch at a commit of the yard; one that is there already stays.

        Interrupted anywhere, there is the whole branch or none.

        Args:
            moves: One that stands at another commit that this yard made goes on to this one.

        Raises:
            ConflictError: There is a branch of that name at another commit, or it would be moved while it
                is checked out.
        """
        ...

"""The user's repository by real git: read as committed, given a branch, and byte for byte left alone."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from lignin.adapters.git.repository import GitRepositories
from lignin.domain.artifacts import File
from lignin.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from lignin.ports.repository import Commit, Repository

WHO = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
WHO |= {"GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com"}


def git(folder: Path, *words: str) -> str:
    environment = {**os.environ, **WHO, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository in the middle of work: staged, unstaged, stashed, unknown, ignored, a hook."""
    folder = tmp_path / "repo"
    (folder / "prompts").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "trunk")
    (folder / "agent.py").write_text("print('yes')\n")
    (folder / "agent.py").chmod(0o755)
    (folder / "prompts" / "main.md").write_bytes("Say yes. é\r\n".encode())
    (folder / ".gitignore").write_text("*.log\n")
    (folder / ".gitattributes").write_text("*.md text eol=lf export-ignore\n")
    (folder / "link").symlink_to("agent.py")
    git(folder, "add", "."), git(folder, "commit", "-q", "-m", "first")
    (folder / "other.txt").write_text("stashed\n")
    git(folder, "add", "."), git(folder, "stash", "-q")
    git(folder, "branch", "side")
    return folder


def dirty(folder: Path) -> None:
    (folder / "agent.py").write_text("print('maybe')\n")
    (folder / "staged.txt").write_text("staged\n")
    git(folder, "add", "staged.txt")
    (folder / "unknown.txt").write_text("unknown\n")
    (folder / "noise.log").write_text("noise\n")


def bytes_of(folder: Path) -> Mapping[str, bytes]:
    """Everything of a repository that a person would miss: the index, all references, the working tree.

    Objects may come; none that was there may change.
    """
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def opened(folder: Path) -> Repository:
    return GitRepositories({**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}).open(folder)


CHANGE = {
    "prompts/main.md": File(content=b"Say no.\n"),
    "new.sh": File(content=b"#\n", mode="0755"),
}


def commit(parent: str, **more: object) -> Commit:
    return Commit(parent=parent, files=CHANGE, message="Say no\n", at=1_700_000_000, **more)  # type: ignore[arg-type]


def test_files_are_as_they_were_committed_whatever_the_attributes(folder: Path) -> None:
    dirty(folder)
    repository = opened(folder / "prompts")
    files, others = repository.files(repository.commit_of("HEAD"))
    assert sorted(files) == [".gitattributes", ".gitignore", "agent.py", "prompts/main.md"]
    assert others == ["link"]
    assert files["agent.py"] == File(content=b"print('yes')\n", mode="0755")
    assert files["prompts/main.md"].content == git(folder, "show", "HEAD:prompts/main.md").encode()


def test_uncommitted_work_is_told_and_ignored_files_are_not(folder: Path) -> None:
    repository = opened(folder)
    assert repository.uncommitted() == []
    dirty(folder)
    git(folder, "mv", "prompts/main.md", "prompts/moved é.md")
    assert repository.uncommitted() == [
        "agent.py",
        "prompts/main.md",
        "prompts/moved é.md",
        "staged.txt",
        "unknown.txt",
    ]


def test_a_branch_is_all_that_comes_of_it(folder: Path) -> None:
    dirty(folder)
    hook = folder / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {folder}/hooked\n")
    hook.chmod(0o755)
    git(folder, "config", "core.fsmonitor", f"touch {folder}/monitored;")
    repository = opened(folder)
    before = bytes_of(folder)
    head = repository.commit_of("HEAD")
    repository.uncommitted()
    made = repository.branch("lignin/no", commit(head))
    after = bytes_of(folder)
    assert {path: after.get(path) for path in before} == before
    new = [path for path in after if path not in before and not path.startswith(".git/objects/")]
    assert sorted(new) == [".git/logs/refs/heads/lignin/no", ".git/refs/heads/lignin/no"]
    assert git(folder, "rev-parse", "lignin/no").strip() == made
    assert git(folder, "diff", "--name-status", "HEAD", made).split() == [
        "A",
        "new.sh",
        "M",
        "prompts/main.md",
    ]
    assert git(folder, "log", "-1", "--format=%s %ct", made).strip() == "Say no 1700000000"
    assert git(folder, "log", "--format=%H", made).split() == [made, head]


def test_the_same_branch_made_twice_is_the_same_and_another_is_refused(folder: Path) -> None:
    repository = opened(folder)
    head = repository.commit_of("HEAD")
    first = repository.branch("lignin/no", commit(head))
    assert repository.branch("lignin/no", commit(head)) == first
    other = Commit(parent=head, files={"agent.py": None}, message="Gone\n", at=1)
    with pytest.raises(ConflictError):
        repository.branch("lignin/no", other)
    assert git(folder, "rev-parse", "lignin/no").strip() == first
    with pytest.raises(ConflictError):
        repository.branch("side", commit(head))
    assert git(folder, "rev-parse", "side").strip() == head


def test_who_commits_is_the_user_where_git_knows(folder: Path) -> None:
    git(folder, "config", "user.name", "Bea"), git(folder, "config", "user.email", "b@example.com")
    repository = opened(folder)
    made = repository.branch("lignin/b", commit(repository.commit_of("HEAD")))
    assert git(folder, "log", "-1", "--format=%an %ae", made).strip() == "Bea b@example.com"


@pytest.mark.parametrize("name", ["a..b", "", "a b", "-x/..", "x.lock"])
def test_what_is_no_name_is_refused(folder: Path, name: str) -> None:
    repository = opened(folder)
    with pytest.raises(InvalidRequestError):
        repository.branch(name, commit(repository.commit_of("HEAD")))


@pytest.mark.parametrize("path", ["../out", "/etc/x", ".git/../x"])
def test_a_path_that_leaves_is_refused(folder: Path, path: str) -> None:
    repository = opened(folder)
    head = repository.commit_of("HEAD")
    asked = Commit(parent=head, files={path: File(content=b"x")}, message="x", at=1)
    with pytest.raises(InvalidRequestError):
        repository.branch("lignin/x", asked)


def test_no_repository_and_no_commit_say_so(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(NotFoundError):
        opened(tmp_path)
    with pytest.raises(NotFoundError):
        opened(folder).commit_of("--all")


FILES = {"a/b.md": File(content=b"one\ntwo\n"), "c.md": File(content=b"three\n")}
PATCH = b"""--- a/a/b.md
+++ b/a/b.md
@@ -1,2 +1,2 @@
 one
-two
+2
--- a/c.md
+++ /dev/null
@@ -1 +0,0 @@
-three
--- /dev/null
+++ b/d.md
@@ -0,0 +1 @@
+four
"""


def test_a_patch_changes_adds_and_takes_away() -> None:
    assert GitRepositories(os.environ).patched(FILES, PATCH) == {
        "a/b.md": File(content=b"one\n2\n"),
        "c.md": None,
        "d.md": File(content=b"four\n"),
    }


LINK = b"""diff --git a/e b/e
new file mode 120000
--- /dev/null
+++ b/e
@@ -0,0 +1 @@
+/etc/passwd
\\ No newline at end of file
"""


@pytest.mark.parametrize(
    "patch",
    [
        b"",
        b"not a patch",
        PATCH.replace(b"-two", b"-too"),
        PATCH.replace(b"b/d.md", b"b/../d.md"),
        LINK,
    ],
)
def test_a_patch_that_does_not_fit_or_leaves_is_refused(patch: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        GitRepositories(os.environ).patched(FILES, patch)

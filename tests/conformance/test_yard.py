"""A fleet's yard by real git: trees of its own, a line of its own, and the repository left alone until the end."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from conformance.test_repository import bytes_of, dirty, folder, git
from lignin.adapters.git.repository import GitRepositories
from lignin.domain.errors import ConflictError, IntegrityError, LimitedError
from lignin.ports.yard import Yard

__all__ = ["folder"]


def opened(folder: Path, place: Path) -> Yard:
    return GitRepositories({**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}).yard(folder, place)


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD").strip()


def changed(yard: Yard, base: str, files: Mapping[str, str], message: str = "m") -> str:
    tree = yard.add(base, "piece")
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    taken = yard.take(tree, base, message, 1)
    yard.remove(tree)
    return taken.commit


def test_a_tree_is_a_worktree_of_the_yard_and_the_repository_stays_as_it_was(
    folder: Path, tmp_path: Path
) -> None:
    dirty(folder)
    before = bytes_of(folder)
    yard = opened(folder, tmp_path / "yard")
    with yard.held():
        tree = yard.add(head(folder), "piece")
        assert git(tree, "status", "--porcelain") == ""
        assert (tree / "prompts" / "main.md").read_bytes() == (
            git(folder, "cat-file", "blob", "HEAD:prompts/main.md").encode()
        )
        git(tree, "checkout", "-q", "-b", "trunk")  # of the yard: it cannot move the user's
        (tree / "agent.py").write_text("print('no')\n")
        (tree / "noise.log").write_text("ignored\n")
        (tree / ".lignin-piece").mkdir()
        (tree / ".lignin-piece" / "notes.json").write_text("{}")
        git(tree, "add", "-A"), git(tree, "commit", "-q", "-m", "by the agent")
        taken = yard.take(tree, head(folder), "piece\n", 1_700_000_000)
        assert dict(taken.lines) == {"agent.py": (1, 1)}
        assert yard.take(tree, head(folder), "piece\n", 1_700_000_000) == taken
        assert yard.parent(taken.commit) == head(folder)
        yard.remove(tree)
    assert bytes_of(folder) == before
    yard.deliver("lignin/x", taken.commit, head(folder))
    after = bytes_of(folder)
    assert {path: after.get(path) for path in before} == before
    new = [path for path in after if path not in before and ".git/objects/" not in path]
    assert sorted(new) == [".git/logs/refs/heads/lignin/x", ".git/refs/heads/lignin/x"]
    assert git(folder, "show", "lignin/x:agent.py") == "print('no')\n"
    assert git(folder, "fsck", "--strict") == ""


def test_a_branch_given_twice_is_the_same_and_another_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    yard = opened(folder, tmp_path / "yard")
    base = head(folder)
    one, two = (changed(yard, base, {"a.txt": text}) for text in ("one\n", "two\n"))
    yard.deliver("lignin/x", one, base)
    yard.deliver("lignin/x", one, base)
    with pytest.raises(ConflictError):
        yard.deliver("lignin/x", two, base)
    with pytest.raises(ConflictError):
        yard.deliver("side", two, base)


def test_a_branch_moves_where_it_may_if_it_stands_at_a_commit_of_the_yard_and_nobody_uses_it(
    folder: Path, tmp_path: Path
) -> None:
    yard = opened(folder, tmp_path / "yard")
    base = head(folder)
    one = changed(yard, base, {"a.txt": "one\n"})
    two = changed(yard, one, {"a.txt": "two\n"})
    yard.deliver("lignin/x", one, base)
    yard.deliver("lignin/x", two, base, moves=True)
    assert git(folder, "show", "lignin/x:a.txt") == "two\n"
    git(folder, "worktree", "add", "-q", str(tmp_path / "looking"), "lignin/x")
    with pytest.raises(ConflictError, match="checked out"):
        yard.deliver("lignin/x", one, base, moves=True)
    with pytest.raises(ConflictError):
        yard.deliver("side", two, base, moves=True)


def test_changes_to_different_files_are_put_on_each_other_and_the_same_line_conflicts(
    folder: Path, tmp_path: Path
) -> None:
    yard = opened(folder, tmp_path / "yard")
    base = head(folder)
    one = changed(yard, base, {"one.txt": "1\n", "agent.py": "print('one')\n"})
    two = changed(yard, base, {"two.txt": "2\n"})
    three = changed(yard, base, {"agent.py": "print('three')\n"})
    both = yard.rebase(two, one, "two\n", 2)
    assert both.commit and yard.parent(both.commit) == one
    assert yard.changed(base, both.commit) == ["agent.py", "one.txt", "two.txt"]
    assert yard.rebase(two, one, "two\n", 2) == both
    assert yard.rebase(three, one, "three\n", 3).conflicts == ["agent.py"]
    told = yard.texts(one, ["gone", "agent.py", "prompts", "one.txt", "a b\nc"])
    assert told.pop("agent.py") == "print('one')\n" and told.pop("one.txt") == "1\n"
    assert told == {"gone": None, "prompts": None, "a b\nc": None}
    assert yard.texts(one, []) == {}


def test_nothing_that_an_agent_left_is_run_or_followed(folder: Path, tmp_path: Path) -> None:
    yard = opened(folder, tmp_path / "yard")
    base = head(folder)
    tree = yard.add(base, "piece")
    (tree / ".git").unlink()
    git(tree, "init", "-q")
    git(tree, "config", "filter.evil.clean", f"touch {tmp_path}/ran; cat")
    git(tree, "config", "core.fsmonitor", f"touch {tmp_path}/ran;")
    (tree / ".gitattributes").write_text("* filter=evil\n")
    (tree / "agent.py").write_text("print(1)\n")
    (tree / "out").symlink_to("/etc/passwd")
    (tree / "inner").mkdir()
    git(tree / "inner", "init", "-q")
    (tree / "inner" / "f").write_text("f\n")
    git(tree / "inner", "add", "."), git(tree / "inner", "commit", "-q", "-m", "inner")
    taken = yard.take(tree, base, "m", 1)
    assert not (tmp_path / "ran").exists()
    assert set(taken.odd) == {"out", "inner"}
    assert {".gitattributes", "agent.py"} < set(taken.lines)


def test_nothing_changed_is_no_commit(folder: Path, tmp_path: Path) -> None:
    yard = opened(folder, tmp_path / "yard")
    assert changed(yard, head(folder), {}) == ""


def test_two_processes_do_not_hold_one_yard_and_what_one_left_is_found(
    folder: Path, tmp_path: Path
) -> None:
    yard = opened(folder, tmp_path / "yard")
    with yard.held():
        with pytest.raises(LimitedError), opened(folder, tmp_path / "yard").held():
            pass
        tree = yard.add(head(folder), "piece")
        again = opened(folder, tmp_path / "yard")
        assert again.left() == [tree]
        assert yard.left() == []
        again.remove(tree)
        assert not tree.exists() and again.left() == []
    with yard.held():
        pass


def test_a_commit_that_is_not_there_says_so(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError):
        opened(folder, tmp_path / "yard").tree_id("f" * 40)

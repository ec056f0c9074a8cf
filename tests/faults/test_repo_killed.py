"""kill -9 at every step of giving a repository its branch: git's commands and the ledger's commit.

Afterwards there is the whole branch or none, nothing else of the repository has changed, and the same
command goes on to the very same commit.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from lignin.app import load_settings, open_context
from lignin.operations.context import Context
from lignin.operations.repo import (
    RepoBranch,
    RepoBranched,
    RepoPropose,
    RepoProve,
    branch,
    propose,
    prove_,
)

AGENT = """
import json, sys
task, rules = json.load(sys.stdin), open("prompts/main.md").read()
print(json.dumps({"resolved": "all" in rules or task["case"] < "c2"}))
"""
SHIM = """#!/bin/sh
count=$(($(cat "$OWN_COUNT") + 1))
echo $count >"$OWN_COUNT"
[ "$count$OWN_WHEN" = "${OWN_AT}before" ] && kill -9 $PPID && exit 1
"$OWN_GIT" "$@"
code=$?
[ "$count$OWN_WHEN" = "${OWN_AT}after" ] && kill -9 $PPID
exit $code
"""


@contextmanager
def opened(folder: Path, **variables: str) -> Iterator[Context]:
    environment = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "LIGNIN_HOME": str(folder / "home"),
        "LIGNIN_ACTOR": "user:tester",
        "OWN_GIT": str(shutil.which("git")),
        "OWN_COUNT": str(folder / "count"),
        **variables,
    }
    with open_context(load_settings(environment, folder)) as context:
        yield context


def git(folder: Path, *words: str) -> str:
    who = {f"GIT_{r}_{k}": "ann" for r in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")}
    command = ["git", "-C", str(folder), *words]
    environment = {**os.environ, **who}
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository in the middle of work, with an accepted draft."""
    folder = tmp_path_factory.mktemp("whole")
    for path, text in {
        "repo/agent.py": AGENT,
        "repo/prompts/main.md": "Do some.\n",
        "mine/prompts/main.md": "Do all.\n",
        "suite.jsonl": "".join(f'{{"case": "c{n}"}}\n' for n in range(4)),
        "bin/git": SHIM,
        "count": "0",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "bin" / "git").chmod(0o755)
    repo = folder / "repo"
    git(repo, "init", "-q"), git(repo, "add", "."), git(repo, "commit", "-q", "-m", "first")
    (repo / "staged.txt").write_text("stashed\n")
    git(repo, "add", "."), git(repo, "stash", "-q")
    (repo / "staged.txt").write_text("staged\n")
    git(repo, "add", "staged.txt")
    (repo / "agent.py").write_text("half done\n")
    with opened(folder) as context:
        asked = {"repo": "repo", "surface": ["prompts/*"], "folder": "mine", "hypothesis": "All."}
        draft = propose(context, RepoPropose.model_validate({**asked, "committed": True})).draft
        told = prove_(
            context,
            RepoProve.model_validate(
                {
                    "draft": draft,
                    "system": f"{sys.executable} agent.py",
                    "suite": "suite.jsonl",
                    "unsandboxed": True,
                }
            ),
        )
    assert told.verdict == "accept"
    return folder, draft


def bytes_of(repo: Path) -> Mapping[str, bytes]:
    return {
        path.relative_to(repo).as_posix(): path.read_bytes()
        for path in sorted(repo.rglob("*"))
        if path.is_file()
    }


def branched(folder: Path, draft: str, **variables: str) -> RepoBranched:
    (folder / "count").write_text("0")
    with opened(folder, **variables) as context:
        return branch(context, RepoBranch(draft=draft, name="all"))


def dies(folder: Path, draft: str, at: int, when: str) -> bool:
    child = os.fork()
    if child == 0:
        try:
            branched(folder, draft, OWN_AT=str(at), OWN_WHEN=when)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.fixture(params=[pytest.param(4, id="sample"), pytest.param(1, marks=pytest.mark.slow)])
def step(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_branch_killed_at_any_step_is_whole_or_not_there_and_the_rest_untouched(
    prepared: tuple[Path, str], tmp_path: Path, step: int, when: str
) -> None:
    folder, draft = prepared
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept, symlinks=True)
    made = branched(folder, draft).commit
    steps = int((folder / "count").read_text())
    assert steps > 8
    for at in range(1, steps + 1, step):
        restore(folder, kept)
        before = bytes_of(folder / "repo")
        assert dies(folder, draft, at, when)
        after = bytes_of(folder / "repo")
        assert {path: after.get(path) for path in before} == before
        new = {path for path in after if path not in before and ".git/objects/" not in path}
        whole_branch = {".git/logs/refs/heads/lignin/all", ".git/refs/heads/lignin/all"}
        assert new in (set(), whole_branch)
        assert branched(folder, draft).commit == made
        assert {path: bytes_of(folder / "repo").get(path) for path in before} == before
        assert git(folder / "repo", "rev-parse", "lignin/all").strip() == made
    restore(folder, kept)


def restore(folder: Path, kept: Path) -> None:
    """Everything as it was, at the place that the draft was made for."""
    shutil.rmtree(folder)
    shutil.copytree(kept, folder, symlinks=True)

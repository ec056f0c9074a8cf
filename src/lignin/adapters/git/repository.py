"""A repository by the command line of git: only plumbing, no hooks, no monitor, no filters, no lock of the index.

What is made are objects, which nobody sees, and then one reference, at once.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lignin.adapters.git.program import Git
from lignin.adapters.git.yard import BRANCHES, GitYard
from lignin.domain.artifacts import File, Mode, require_safe_path
from lignin.domain.errors import (
    ConflictError,
    InvalidRequestError,
    LimitedError,
    NotFoundError,
)
from lignin.ports.repository import MAX_BYTES, MAX_FILES, Commit

_MODES: Mapping[str, Mode] = {"100644": "0644", "100755": "0755"}
_NOBODY = "0" * 40
_WHO = "Lignin"
_ADDRESS = "lignin@localhost"


class GitRepositories:
    """See `lignin.ports.repository.Repositories`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        kept = {name: value for name, value in environment.items() if not name.startswith("GIT_")}
        self._environment = {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}

    def open(self, folder: Path) -> "GitRepository":
        """Open the repository that a folder lies in."""
        git = Git(folder, self._environment)
        try:
            top = git.ask("rev-parse", "--show-toplevel").decode().rstrip("\n")
        except InvalidRequestError as error:
            raise NotFoundError(
                f"{folder} lies in no git repository: {error.message}", hint="--repo FOLDER"
            ) from None
        return GitRepository(Git(Path(top), self._environment))

    def yard(self, folder: Path, place: Path) -> GitYard:
        """Open a fleet's yard for the repository that a folder lies in."""
        repository = self.open(folder)
        return GitYard(Git(repository.folder, self._environment), place, repository.who())

    def patched(self, files: Mapping[str, File], patch: bytes) -> dict[str, File | None]:
        """Return what a patch changes; it is applied in a folder of its own."""
        root = Path(tempfile.mkdtemp(prefix="lignin-patch-")).resolve()
        try:
            for path, file in files.items():
                require_safe_path(path)
                spot = root / path
                spot.parent.mkdir(parents=True, exist_ok=True)
                spot.write_bytes(file.content)
                spot.chmod(int(file.mode, 8))
            # a folder around it that is a repository would make paths mean something else
            fenced = {**self._environment, "GIT_CEILING_DIRECTORIES": str(root.parent)}
            Git(root, fenced).ask("apply", "--whitespace=nowarn", "-", given=patch)
            return _differences(root, files)
        finally:
            shutil.rmtree(root, ignore_errors=True)


def _differences(root: Path, files: Mapping[str, File]) -> dict[str, File | None]:
    there: dict[str, File] = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        if path.is_symlink():
            raise InvalidRequestError(f"the patch makes {relative} a link", hint="files only")
        if path.is_file():
            mode: Mode = "0755" if path.stat().st_mode & 0o100 else "0644"
            there[relative] = File(content=path.read_bytes(), mode=mode)
    changed: dict[str, File | None] = {
        path: file for path, file in there.items() if files.get(path) != file
    }
    return {**changed, **dict.fromkeys(path for path in files if path not in there)}


class GitRepository:
    """See `lignin.ports.repository.Repository`."""

    def __init__(self, git: Git) -> None:
        self._git = git

    @property
    def folder(self) -> Path:
        return self._git.folder

    def commit_of(self, revision: str) -> str:
        """Return the id of a commit."""
        try:
            words = ("--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            return self._git.ask("rev-parse", *words).decode().strip()
        except InvalidRequestError:
            raise NotFoundError(
                f"{self.folder} has no commit {revision!r}", hint="commit once, or --base COMMIT"
            ) from None

    def uncommitted(self) -> Sequence[str]:
        """Paths that differ from the newest commit."""
        told = self._git.ask("status", "--porcelain=v1", "-z", "--untracked-files=all")
        found, entries = [], iter(told.decode(errors="surrogateescape").split("\0"))
        for entry in entries:
            if entry:
                found.append(entry[3:])
                if entry[0] in "RC":
                    found.append(next(entries))
        return sorted(found)

    def files(self, commit: str) -> tuple[dict[str, File], Sequence[str]]:
        """Return the files of a commit, as they are committed: no filter is run on them."""
        listed = self._git.ask("ls-tree", "-r", "-z", "--long", "--full-tree", commit)
        wanted: list[tuple[str, Mode, str]] = []
        others, total = [], 0
        for entry in listed.decode(errors="surrogateescape").split("\0"):
            if not entry:
                continue
            about, _, path = entry.partition("\t")
            mode, _, blob, size = about.split()
            if mode not in _MODES:
                others.append(path)
                continue
            wanted.append((path, _MODES[mode], blob))
            total += int(size)
        if len(wanted) > MAX_FILES or total > MAX_BYTES:
            raise LimitedError(
                f"{commit[:12]} has more than {MAX_FILES} files, or {MAX_BYTES // 2**20} MiB",
                hint="put the agent in a repository of its own",
            )
        contents = self._contents([blob for _, _, blob in wanted])
        return {
            path: File(content=content, mode=mode)
            for (path, mode, _), content in zip(wanted, contents, strict=True)
        }, others

    def _contents(self, blobs: Sequence[str]) -> list[bytes]:
        answer = self._git.ask("cat-file", "--batch", given="\n".join([*blobs, ""]).encode())
        found, at = [], 0
        for _ in blobs:
            end = answer.index(b"\n", at)
            size = int(answer[at:end].split()[2])
            found.append(answer[end + 1 : end + 1 + size])
            at = end + size + 2
        return found

    def branch(self, name: str, commit: Commit) -> str:
        """Make a branch of one new commit."""
        reference = f"{BRANCHES}{name}"
        try:
            self._git.ask("check-ref-format", reference)
        except InvalidRequestError:
            raise InvalidRequestError(f"{name!r} is no name for a branch") from None
        made = self._commit(commit)
        try:
            self._git.ask("update-ref", reference, made, _NOBODY)
        except InvalidRequestError as error:
            there = self._branch(reference)
            if there != made:
                raise ConflictError(
                    f"the branch {name} is there and holds something else"
                    if there
                    else f"the branch {name} cannot be made: {error.message}",
                    hint="--name OTHER",
                ) from None
        return made

    def _branch(self, reference: str) -> str:
        try:
            return self._git.ask("rev-parse", "--verify", "--quiet", reference).decode().strip()
        except InvalidRequestError:
            return ""

    def _commit(self, commit: Commit) -> str:
        with tempfile.TemporaryDirectory(prefix="lignin-index-") as folder:
            git = self._git.with_variables(GIT_INDEX_FILE=str(Path(folder, "index")))
            git.ask("read-tree", commit.parent)
            lines = []
            for path, file in sorted(commit.files.items()):
                require_safe_path(path)
                if file is None:
                    lines.append(f"0 {_NOBODY}\t{path}")
                    continue
                blob = git.ask(
                    "hash-object", "-w", "--no-filters", "--stdin", given=file.content
                ).decode()
                lines.append(f"100{file.mode[1:]} {blob.strip()}\t{path}")
            git.ask("update-index", "-z", "--index-info", given="\0".join([*lines, ""]).encode())
            tree = git.ask("write-tree").decode().strip()
        when = f"@{commit.at} +0000"
        git = self._git.with_variables(**self.who(), GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)
        words = ("commit-tree", "--no-gpg-sign", tree, "-p", commit.parent)
        return git.ask(*words, given=commit.message.encode()).decode().strip()

    def who(self) -> dict[str, str]:
        """Variables that say who commits: the user, where git knows who that is."""
        found = {}
        for key, usual in (("name", _WHO), ("email", _ADDRESS)):
            try:
                told = self._git.ask("config", "--get", f"user.{key}").decode().strip()
            except InvalidRequestError:
                told = ""
            for role in ("AUTHOR", "COMMITTER"):
                found[f"GIT_{role}_{key.upper()}"] = told or usual
        return found

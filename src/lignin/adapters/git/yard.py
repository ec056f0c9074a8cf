"""A yard beside a repository: a bare one of its own that borrows the other's objects.

An agent may do in its tree what it likes: the references that it reaches are the yard's. What is done on
its tree afterwards names the yard and its own index, so that no `.git`, setting or filter that it may have
put there is looked at.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from lignin.adapters.git.program import Git
from lignin.domain.artifacts import require_safe_path
from lignin.domain.errors import (
    ConflictError,
    IntegrityError,
    InvalidRequestError,
    LimitedError,
    UnavailableError,
)
from lignin.ports.yard import MAX_PATCH_BYTES, Rebased, Taken

BRANCHES = "refs/heads/"
KEPT = "refs/lignin/"
MAX_TEXT_BYTES = 2**20
_NOBODY = "0" * 40
_FILES = frozenset({"100644", "100755", "000000"})
_PIECE_FOLDER = ".lignin-piece"
# byte for byte, whatever the repository's attributes say: no line ends, filters or drivers
_ATTRIBUTES = "* -text -eol -crlf -filter -ident -working-tree-encoding !diff merge\n"


class GitYard:
    """See `lignin.ports.yard.Yard`.

    Args:
        user: Git in the user's repository.
        place: The yard's own folder.
        who: Variables that say who commits.
    """

    def __init__(self, user: Git, place: Path, who: Mapping[str, str]) -> None:
        self._user, self._place, self._who = user, place, who
        self._lock = Lock()
        self._root: Path | None = None
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._store = place / "yard.git"
        self._git = user.with_variables(
            GIT_DIR=str(self._store),
            GIT_CONFIG_GLOBAL=os.devnull,
            GIT_CONFIG_NOSYSTEM="1",
            GIT_ATTR_NOSYSTEM="1",
        ).at(place)
        self._prepare()

    def _prepare(self) -> None:
        objects = self._user.ask("rev-parse", "--git-path", "objects").decode().rstrip("\n")
        borrowed = (self._user.folder / objects).resolve()
        if not (self._store / "HEAD").exists():
            self._git.ask("init", "-q", "--bare", "--template=", str(self._store))
        for name, text in (
            ("objects/info/alternates", f"{borrowed}\n"),
            ("info/attributes", _ATTRIBUTES),
            ("info/exclude", f"/{_PIECE_FOLDER}/\n"),
        ):
            spot = self._store / name
            spot.parent.mkdir(parents=True, exist_ok=True)
            spot.write_text(text)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the yard against other processes."""
        handle = os.open(self._place / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise LimitedError(
                    "another process runs this fleet", hint="wait for it, or `lignin fleet cancel`"
                ) from error
            yield
        finally:
            os.close(handle)
            if self._root is not None:
                shutil.rmtree(self._root, ignore_errors=True)
                self._root = None

    def left(self) -> Sequence[Path]:
        """Trees of an earlier process."""
        told = self._git.ask("worktree", "list", "--porcelain", "-z").decode().split("\0")
        trees = [Path(line[9:]) for line in told if line.startswith("worktree ")]
        mine = self._root
        return [
            tree
            for tree in trees
            if tree != self._store and (mine is None or mine not in tree.parents)
        ]

    def add(self, commit: str, name: str) -> Path:
        """A new tree at a commit."""
        with self._lock:
            if self._root is None:
                self._root = Path(tempfile.mkdtemp(prefix="lignin-fleet-")).resolve()
                self._root.chmod(0o755)  # an agent behind walls may become another user
            tree = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=self._root))
            self._git.ask("worktree", "add", "--quiet", "--force", "--detach", str(tree), commit)
            tree.chmod(0o755)
            return tree

    def remove(self, tree: Path) -> None:
        """Remove a tree."""
        with self._lock:
            shutil.rmtree(tree, ignore_errors=True)
            if tree.parent != self._root:
                with suppress(OSError):
                    tree.parent.rmdir()
            self._git.ask("worktree", "prune", "--expire=now")

    def take(self, tree: Path, base: str, message: str, at: int) -> Taken:
        """Make a commit of what lies in a tree."""
        with tempfile.TemporaryDirectory(prefix="lignin-index-") as folder:
            git = self._git.with_variables(GIT_INDEX_FILE=str(Path(folder, "index")))
            git.ask("read-tree", base)
            git.ask(f"--work-tree={tree}", "-C", str(tree), "add", "--all", "--", ".")
            new = git.ask("write-tree").decode().strip()
        raw = self._git.ask("diff-tree", "-r", "-z", "--no-renames", base, new)
        fields = raw.decode(errors="surrogateescape").split("\0")
        odd = []
        for about, path in zip(fields[::2], fields[1::2], strict=False):
            if about.split()[1] not in _FILES or not _is_safe(path):
                odd.append(path)
        if new == self.tree_id(base):
            return Taken(commit="", odd=odd)
        return Taken(
            commit=self._commit(new, base, message, at), lines=self._lines(base, new), odd=odd
        )

    def rebase(self, commit: str, onto: str, message: str, at: int) -> Rebased:
        """Put a change on top of another commit."""
        code, said, errors = self._git.run(
            "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", onto, commit
        )
        if code not in (0, 1):
            told = errors.decode(errors="replace").strip()
            raise UnavailableError(f"git merge-tree: {told[:400]}", hint="git 2.38 or newer")
        tree, *names = said.decode(errors="surrogateescape").rstrip("\0").split("\0")
        if code == 1:
            return Rebased(commit="", conflicts=sorted({name for name in names if name}))
        return Rebased(commit=self._commit(tree.strip(), onto, message, at))

    def tree_id(self, commit: str) -> str:
        """The id of a commit's files."""
        return self._named(f"{commit}^{{tree}}")

    def parent(self, commit: str) -> str:
        """The commit before."""
        return self._named(f"{commit}^")

    def _named(self, revision: str) -> str:
        try:
            return self._git.ask("rev-parse", "--verify", "--quiet", revision).decode().strip()
        except InvalidRequestError:
            raise IntegrityError(
                f"the yard {self._store} has no {revision}",
                hint="it was removed, or the repository lost commits; run the plan as a new fleet",
            ) from None

    def patch(self, base: str, commit: str) -> bytes:
        """The difference between two commits."""
        words = ("diff-tree", "-p", "--binary", "--full-index", "--no-renames", base, commit)
        told = self._git.ask(*words)
        if len(told) > MAX_PATCH_BYTES:
            raise LimitedError(f"a change of {len(told)} bytes; at most {MAX_PATCH_BYTES}")
        return told

    def paths(self, commit: str) -> Sequence[str]:
        """Every path of a commit."""
        told = self._git.ask("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
        return [path for path in told.decode(errors="surrogateescape").split("\0") if path]

    def changed(self, base: str, commit: str) -> Sequence[str]:
        """The paths that differ."""
        words = ("diff-tree", "-r", "-z", "--no-renames", "--name-only", base, commit)
        told = self._git.ask(*words).decode(errors="surrogateescape")
        return sorted(path for path in told.split("\0") if path)

    def texts(self, commit: str, paths: Sequence[str]) -> Mapping[str, str | None]:
        """Texts of files."""
        asked = [path for path in paths if "\n" not in path]
        given = "".join(f"{commit}:{path}\n" for path in asked)
        answer = self._git.ask("cat-file", "--batch", given=given.encode(errors="surrogateescape"))
        found: dict[str, str | None] = dict.fromkeys(paths)
        at = 0
        for path in asked:
            end = answer.index(b"\n", at)
            about = answer[at:end].split(b" ")
            at = end + 1
            if about[-1] == b"missing":
                continue
            size = int(about[-1])
            with suppress(UnicodeDecodeError):
                if about[-2] == b"blob" and size <= MAX_TEXT_BYTES:
                    found[path] = answer[at : at + size].decode()
            at += size + 1
        return found

    def deliver(self, branch: str, commit: str, base: str, *, moves: bool = False) -> None:
        """Give the repository a branch."""
        reference = f"{BRANCHES}{branch}"
        self._user.ask("check-ref-format", reference)
        wanted = f"{commit}\n^{base}\n".encode()
        pack = self._git.ask(
            "pack-objects", "--quiet", "--revs", "--thin", "--stdout", given=wanted
        )
        self._user.ask("-c", "core.fsync=committed", "unpack-objects", "-q", given=pack)
        try:
            self._user.ask("update-ref", reference, commit, _NOBODY)
        except InvalidRequestError as error:
            words = ("rev-parse", "--verify", "--quiet", reference)
            code, said, _ = self._user.run(*words)
            there = said.decode().strip() if code == 0 else ""
            if there == commit:
                return
            if moves and there and self._made(there):
                self._move(branch, commit, there)
                return
            raise ConflictError(
                f"the branch {branch} cannot be made: {error.message}", hint="--name OTHER"
            ) from None

    def _made(self, commit: str) -> bool:
        return self._git.run("show-ref", "--verify", "--quiet", f"{KEPT}{commit}")[0] == 0

    def _move(self, branch: str, commit: str, there: str) -> None:
        reference = f"{BRANCHES}{branch}"
        trees = self._user.ask("worktree", "list", "--porcelain", "-z").split(b"\0")
        if f"branch {reference}".encode() in trees:
            raise ConflictError(
                f"the branch {branch} is checked out, and would be moved", hint="leave it"
            )
        self._user.ask("update-ref", reference, commit, there)

    def _lines(self, base: str, new: str) -> dict[str, tuple[int, int]]:
        words = ("diff-tree", "-r", "-z", "--numstat", "--no-renames", base, new)
        told = self._git.ask(*words).decode(errors="surrogateescape")
        found = {}
        for each in filter(None, told.split("\0")):
            came, went, path = each.split("\t", 2)
            found[path] = (int(came) if came != "-" else 0, int(went) if went != "-" else 0)
        return found

    def _commit(self, tree: str, parent: str, message: str, at: int) -> str:
        when = f"@{at} +0000"
        git = self._git.with_variables(**self._who, GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)
        words = ("-c", "core.fsync=committed", "commit-tree", "--no-gpg-sign", tree, "-p", parent)
        made = git.ask(*words, given=message.encode()).decode().strip()
        # a reference keeps it from being swept away
        self._git.ask("update-ref", f"{KEPT}{made}", made)
        return made


def _is_safe(path: str) -> bool:
    with suppress(InvalidRequestError):
        require_safe_path(path)
        return True
    return False

"""Where the commands of a loop work: in its folder, or in git worktrees of the repository around that.

A worktree is made for each act and each check at the commit where the run stands, and removed behind it; what an
act left is the next commit. So a run that another process goes on with finds all that is recorded, and neither
index, branches nor files of the repository are touched before the run's own branch is given to it.
"""

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError, LimitedError, NotFoundError, UnavailableError
from lignin.domain.loops import Loop
from lignin.operations.context import Context
from lignin.operations.handing import host_need
from lignin.ports.ledger import View, require_known
from lignin.ports.yard import Yard

YARDS = "loops"


def found_place(context: Context, loop: Loop, folder: Path) -> Path:
    """Where the commands of a loop work whose file lies in a folder.

    Raises:
        InvalidRequestError: There is no such folder, or no commit of a repository for worktrees.
    """
    path = loop.workplace.path
    if not path:
        place = folder
    elif path == "~" or path.startswith("~/"):
        place = (context.person_home / path[2:]).resolve()
    else:
        place = (folder / path).resolve()
    if loop.commands and not place.is_dir():
        raise InvalidRequestError(
            f"folder: there is no folder {place}", hint="`folder` is as seen from the loop's file"
        )
    if loop.workplace.worktree:
        try:
            context.repositories().open(place).commit_of("HEAD")
        except NotFoundError as error:
            raise InvalidRequestError(
                f"folder.worktree: {error.message}", hint="commit once there, or leave worktree out"
            ) from error
    return place


def folders_of(view: View, loop: str, usual: Path) -> tuple[Path, Path]:
    """Where a loop's file lies, and where its commands work.

    Args:
        usual: Of a loop that was not added from a file.
    """
    row = view.row(f"loop/{loop}")
    body = row.body if row else {}
    folder = Path(body.get("folder") or usual)
    return folder, Path(body.get("works_in") or folder)


def is_for_here(context: Context, run: str) -> bool:
    """Whether a run's folder is that of this machine, or any machine will do."""
    with context.view() as view:
        loop = str(require_known(view, f"looprun/{run}").body["loop"])
        row = view.row(f"loop/{loop}")
        _, works_in = folders_of(view, loop, context.cwd)
    host = str(row.body.get("host", "")) if row else ""
    return host in ("", host_need()) or works_in.is_dir()


def branch_of(loop: str, run: str) -> str:
    """The branch on which a run keeps what it made."""
    return f"lignin/{loop}-{run.partition('_')[2][:10].lower()}"


class Places:
    """Where the commands of one run work.

    Args:
        place: The folder.
        stand: Where its work stands in worktrees: the commit it began at and its last one; None where it
            has none, or did not begin. Moved by each act.
    """

    def __init__(
        self, context: Context, loop: Loop, run: str, place: Path, stand: Json = None
    ) -> None:
        self._context, self._loop, self._run, self._place = context, loop, run, place
        self.stand = stand

    def begin(self) -> Json:
        """Where a run stands that begins now."""
        if not self._loop.workplace.worktree:
            return None
        commit = self._context.repositories().open(self._here()).commit_of("HEAD")
        return {"base": commit, "commit": commit}

    @contextmanager
    def here(self, keep_as: str = "") -> Iterator[Path]:
        """The folder to work in, while a block lasts.

        Args:
            keep_as: Keep what is left in a worktree as a commit with this message; "" keeps nothing.

        Raises:
            InvalidRequestError: The run's commit has no such folder.
            UnavailableError: The folder is not on this machine, or another process works there.
        """
        place = self._here()
        if self.stand is None:
            yield place
            return
        commit = str(self.stand["commit"])
        top = self._context.repositories().open(place).folder.resolve()
        with self._yard() as yard:
            tree = yard.add(commit, "loop")
            try:
                inner = tree / place.resolve().relative_to(top)
                if not inner.is_dir():
                    raise InvalidRequestError(
                        f"{place} is not in the commit {commit[:12]}", hint="commit it"
                    )
                yield inner
                if keep_as:
                    at = int(self._context.ledger.now().timestamp())
                    taken = yard.take(tree, commit, keep_as, at)
                    self.stand = {**self.stand, "commit": taken.commit or commit}
            finally:
                yard.remove(tree)

    def deliver(self) -> str:
        """Give the repository a branch of all that the run made so far; "" where that is nothing.

        Raises:
            ConflictError: Somebody else's commits are on that branch, or it is checked out.
        """
        if self.stand is None or self.stand["commit"] == self.stand["base"]:
            return ""
        branch = branch_of(self._loop.name, self._run)
        with self._yard() as yard:
            commit, base = str(self.stand["commit"]), str(self.stand["base"])
            yard.deliver(branch, commit, base, moves=True)
        return branch

    def message(self, stage: str, number: int) -> str:
        """What a commit says of how it came about."""
        name = self._loop.name
        return f"{name}: {stage}, iteration {number}\n\nMade by the loop {name}, run {self._run}.\n"

    def _here(self) -> Path:
        if not self._place.is_dir():
            raise UnavailableError(
                f"the loop works in {self._place}, which is not on {socket.gethostname()}",
                hint="run it where that folder is, or `lignin loop add` its file here",
            )
        return self._place

    @contextmanager
    def _yard(self) -> Iterator[Yard]:
        yard = self._context.repositories().yard(self._here(), _yard_of(self._context, self._run))
        with ExitStack() as held:
            try:
                held.enter_context(yard.held())
            except LimitedError as error:
                raise UnavailableError(
                    f"another process here works on the run {self._run}", hint="wait until it ends"
                ) from error
            for tree in yard.left():
                yard.remove(tree)
            yield yard


def clear_places(context: Context, run: str) -> None:
    """Remove what a run that is over had of its own: the branch has all that it made."""
    shutil.rmtree(_yard_of(context, run), ignore_errors=True)


def _yard_of(context: Context, run: str) -> Path:
    return context.home / YARDS / run

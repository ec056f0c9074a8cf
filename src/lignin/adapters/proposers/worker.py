"""Commands that work in a tree: as the user, behind walls that have a network, or in the sandbox."""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from lignin.adapters.proposers.command_runs import OURS, MakeWall, Wall
from lignin.adapters.proposers.opening import COMMAND, ReadCommand
from lignin.adapters.proposers.process import Ended, Keep, end_marked, run_process
from lignin.domain.artifacts import File, Mode
from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.ports.sandbox import Command, Execution, Limits, Sandbox
from lignin.ports.worker import MAX_SAID_BYTES, Worked, Worker, WorkerAsked

MAX_TREE_BYTES = 64 * 2**20
MAX_TREE_FILES = 5000
_WHY_CHARS = 2000
_MEMORY_BYTES = 4 * 2**30
_WORK_BYTES = 256 * 2**20
_PROCESSES = 200
_LEFT = ".lignin-left"
_AND_LIST = f'"$@"; code=$?; find . -type f >{_LEFT}; exit $code'
_PROGRAM_FOLDER = "/artifact"
_PLAIN = ("PATH", "HOME", "LANG", "LC_ALL", "TERM")


def open_worker(
    asked: WorkerAsked,
    open_sandbox: Callable[[], Sandbox],
    read_command: ReadCommand,
    make_wall: MakeWall,
    *,
    keep: Keep,
) -> Worker:
    """Open a worker.

    Raises:
        InvalidRequestError: No command line, or a variable that is not set.
        UnavailableError: There is no sandbox.
    """
    name = " ".join(asked.argv) or asked.spec.removeprefix(COMMAND)
    placed, program = (lambda _folder: asked.argv, {}) if asked.argv else read_command(name)
    if asked.unsandboxed:
        own = {k: v for k, v in asked.environment.items() if not k.startswith(OURS)}
        return PlainWorker(name, placed(str(asked.folder)), own, keep)
    if asked.network:
        if absent := [each for each in asked.variables if each not in asked.environment]:
            raise InvalidRequestError(f"variables that are not set: {', '.join(absent)}")
        names = (*_PLAIN, *asked.variables)
        given = {each: asked.environment[each] for each in names if each in asked.environment}
        return WalledWorker(
            name,
            placed,
            program,
            environment=given,
            wall=make_wall,
            share=asked.share,
            keep=keep,
        )
    return SandboxedWorker(name, placed, program, open_sandbox())


class PlainWorker:
    """See `lignin.ports.worker.Worker`. Runs as the user, without Lignin's own variables."""

    walls = "none"

    def __init__(
        self, name: str, words: Sequence[str], environment: Mapping[str, str], keep: Keep
    ) -> None:
        self.name, self._words, self._environment = name, tuple(words), environment
        self._ran = partial(_ran, keep=keep)

    def run(self, tree: Path, told: str, limit_s: float, stop: Callable[[], bool]) -> Worked:
        """Run the command in the tree."""
        environment = self._environment
        return self._ran(self._words, Wall(), environment, tree, told, limit_s=limit_s, stop=stop)

    def end_left(self, tree: Path) -> None:
        """End what was left running."""
        end_marked(_mark(tree))


class WalledWorker:
    """See `lignin.ports.worker.Worker`. Sees its tree, its own program and what is shared; has a network."""

    walls = "network"

    def __init__(
        self,
        name: str,
        placed: Callable[[str], tuple[str, ...]],
        program: Mapping[str, File],
        *,
        environment: Mapping[str, str],
        wall: MakeWall,
        share: Sequence[str],
        keep: Keep,
    ) -> None:
        self.name, self._placed, self._program = name, placed, program
        self._environment, self._wall, self._share = environment, wall, tuple(share)
        self._ran = partial(_ran, keep=keep)

    def run(self, tree: Path, told: str, limit_s: float, stop: Callable[[], bool]) -> Worked:
        """Run the command behind walls of its own."""
        root = Path(tempfile.mkdtemp(prefix="lignin-worker-"))
        try:
            root.chmod(0o755)  # where the command becomes another user, that one has to get in
            _lay_out(root, self._program)
            wall = self._wall((str(root), *self._share), (str(tree),))
            if wall.user is not None:
                for path in (tree, *tree.rglob("*")):
                    os.chown(path, wall.user, wall.user, follow_symlinks=False)
            words = self._placed(str(root))
            environment = self._environment
            return self._ran(words, wall, environment, tree, told, limit_s=limit_s, stop=stop)
        except OSError as error:
            return Worked(ended="infrastructure", why=f"{type(error).__name__}: {error}")
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def end_left(self, tree: Path) -> None:
        """End what was left running."""
        end_marked(_mark(tree))


class SandboxedWorker:
    """See `lignin.ports.worker.Worker`. Works on a copy inside, which is written back; no network."""

    walls = "sandbox"

    def __init__(
        self,
        name: str,
        placed: Callable[[str], tuple[str, ...]],
        program: Mapping[str, File],
        sandbox: Sandbox,
    ) -> None:
        self.name, self._placed, self._program, self._sandbox = name, placed, program, sandbox

    def run(self, tree: Path, told: str, limit_s: float, stop: Callable[[], bool]) -> Worked:
        """Run the command in the sandbox; the sandbox ends it with us, so that `stop` is asked before."""
        if stop():
            return Worked(ended="stopped")
        work = _read_tree(tree)
        action = Command(
            argv=("sh", "-c", _AND_LIST, "sh", *self._placed(_PROGRAM_FOLDER)), stdin=told.encode()
        )
        limits = Limits(
            wall_s=limit_s,
            cpu_s=max(1, int(limit_s)),
            memory_bytes=_MEMORY_BYTES,
            processes=_PROCESSES,
            output_bytes=MAX_SAID_BYTES,
            work_bytes=_WORK_BYTES,
        )
        seen = self._sandbox.run(
            Execution(files=self._program, action=action, work=work, limits=limits)
        )
        said = seen.stdout.decode(errors="replace").strip()
        errors = seen.stderr.decode(errors="replace").strip() or seen.message
        if seen.status == "infrastructure":
            return Worked(ended="infrastructure", said=said, why=errors[-_WHY_CHARS:])
        if seen.status == "timeout":
            return Worked(ended="late", said=said, why=_late(limit_s))
        if seen.status != "exited" or seen.exit_code != 0:
            how = f"exit {seen.exit_code}" if seen.status == "exited" else seen.status
            return Worked(ended="failed", said=said, why=_why(how, errors or said))
        if any(effect.kind in ("unreadable", "overflow") for effect in seen.effects):
            return Worked(ended="failed", said=said, why="it left more than can be read back")
        _write_back(tree, work, dict(seen.written))
        return Worked(ended="done", said=said)

    def end_left(self, tree: Path) -> None:
        """Nothing is left: the sandbox ends with the process that opened it."""


def _ran(
    words: Sequence[str],
    wall: Wall,
    environment: Mapping[str, str],
    tree: Path,
    told: str,
    *,
    keep: Keep,
    limit_s: float,
    stop: Callable[[], bool],
) -> Worked:
    given = {**environment, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = run_process(
            (*wall.words, *words),
            tree,
            given,
            told.encode(),
            limit_s=limit_s,
            most_bytes=MAX_SAID_BYTES,
            keep=keep,
            becomes=wall.becomes,
            stop=stop,
            mark=_mark(tree),
        )
    except (FileNotFoundError, PermissionError) as error:
        return Worked(ended="failed", why=f"it does not start: {error.strerror}")
    except OSError as error:  # a full disk, no more processes: nothing that it did
        return Worked(ended="infrastructure", why=f"{type(error).__name__}: {error}")
    return _worked(ended, limit_s)


def _worked(ended: Ended, limit_s: float) -> Worked:
    if ended.code is None:
        if ended.is_late:
            return Worked(ended="late", said=ended.said, why=_late(limit_s))
        return Worked(ended="stopped", said=ended.said)
    if ended.code != 0:
        why = _why(f"exit {ended.code}", ended.errors or ended.said)
        return Worked(ended="failed", said=ended.said, why=why)
    return Worked(ended="done", said=ended.said)


def _late(limit_s: float) -> str:
    return f"still running after {limit_s:g} seconds"


def _why(how: str, told: str) -> str:
    return f"{how}: {told[-_WHY_CHARS:]}".removesuffix(": ")


def _mark(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.pid")


def _lay_out(folder: Path, files: Mapping[str, File]) -> None:
    for path, file in files.items():
        spot = folder / path
        spot.parent.mkdir(parents=True, exist_ok=True)
        spot.write_bytes(file.content)
        spot.chmod(int(file.mode, 8))


def _read_tree(tree: Path) -> dict[str, File]:
    """The files of a tree, links and git's own left out."""
    found: dict[str, File] = {}
    size = 0
    for folder, folders, names in os.walk(tree):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            path = Path(folder, name)
            info = path.lstat()
            relative = path.relative_to(tree).as_posix()
            if not stat.S_ISREG(info.st_mode) or relative == ".git":
                continue
            size += info.st_size
            if size > MAX_TREE_BYTES or len(found) >= MAX_TREE_FILES:
                raise LimitedError(
                    f"the tree has more than {MAX_TREE_FILES} files, or {MAX_TREE_BYTES // 2**20} MiB",
                    hint="--network or --unsandboxed works in the tree itself",
                )
            mode: Mode = "0755" if info.st_mode & 0o100 else "0644"
            found[relative] = File(content=path.read_bytes(), mode=mode)
    return found


def _write_back(tree: Path, was: Mapping[str, File], written: dict[str, bytes]) -> None:
    """What was left inside, laid out in the tree outside; nothing inside is a link."""
    listed = written.pop(_LEFT, b"").decode(errors="replace").splitlines()
    there = {path.removeprefix("./") for path in listed}
    for path in set(was) - there:
        (tree / path).unlink(missing_ok=True)
    for path, content in written.items():
        spot = tree / path
        if ".git" in spot.relative_to(tree).parts or ".." in Path(path).parts:
            continue
        with suppress(FileExistsError, NotADirectoryError):
            spot.parent.mkdir(parents=True, exist_ok=True)
            spot.write_bytes(content)

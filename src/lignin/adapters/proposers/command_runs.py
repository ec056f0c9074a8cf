"""Running a command that proposes, in a folder of its own: in the sandbox, as a process, or behind walls.

In the sandbox it has no network; as a plain process it has all that the user has, and only its folder, its
variables and what it is told are ours to say; behind walls it has a network and sees what was shared.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lignin.adapters.proposers.process import Keep, run_process
from lignin.domain.artifacts import File
from lignin.ports.sandbox import Command, Execution, Limits, Sandbox

LEFT, LINKS = ".left", ".links"
OURS = "LIGNIN_"
SAID_CHARS = 600
_PROGRAM_FOLDER = "/artifact"
_MEMORY_BYTES = 4 * 2**30
_WORK_BYTES = 256 * 2**20
_OUTPUT_BYTES = 8 * 2**20
_PROCESSES = 200
_AND_LIST = f'"$@"; code=$?; find . -type f >{LEFT}; find . -type l >{LINKS}; exit $code'
"""Runs a command and then tells what is left, whoever deleted what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A command: its words where its files lie in a folder, these files, and how long it may take."""

    placed: Callable[[str], tuple[str, ...]]
    files: Mapping[str, File]
    limit_s: float


@dataclass(frozen=True, slots=True)
class Left:
    """What a run left: why it did not end well, what it said, and its folder.

    `files` are those that differ from what was laid out, `gone` those that are no longer there, `links` what
    is no file.
    """

    why: str = ""
    said: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()


class Runner(Protocol):
    """Runs a command once in a fresh folder and tells what it left there."""

    def __call__(self, laid_out: Mapping[str, File], told: str, keeps: Sequence[str]) -> Left:
        """Run it.

        Args:
            laid_out: What lies in its folder, by path.
            told: What it is told on its standard input.
            keeps: Paths, and beginnings of paths, of what is read back.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InSandbox:
    """Runs it in the sandbox; its own files lie below `/artifact`."""

    program: Program
    sandbox: Sandbox

    def __call__(self, laid_out: Mapping[str, File], told: str, keeps: Sequence[str]) -> Left:
        del keeps  # the sandbox reads back what was written and no more than fits
        words = self.program.placed(_PROGRAM_FOLDER)
        action = Command(argv=("sh", "-c", _AND_LIST, "sh", *words), stdin=told.encode())
        limits = Limits(
            wall_s=self.program.limit_s,
            cpu_s=max(1, int(self.program.limit_s)),
            memory_bytes=_MEMORY_BYTES,
            processes=_PROCESSES,
            output_bytes=_OUTPUT_BYTES,
            work_bytes=_WORK_BYTES,
        )
        seen = self.sandbox.run(
            Execution(files=self.program.files, action=action, work=laid_out, limits=limits)
        )
        said = seen.stdout.decode(errors="replace")
        if seen.status != "exited" or seen.exit_code != 0:
            told_why = seen.stderr.decode(errors="replace").strip() or seen.message or said
            how = f"exit {seen.exit_code}" if seen.status == "exited" else seen.status
            return Left(why=f"{how}: {last_words(told_why)}".removesuffix(": "))
        if any(effect.kind in ("unreadable", "overflow") for effect in seen.effects):
            return Left(why="it left more than can be read back")
        written = dict(seen.written)
        left, links = (_listed(written.pop(name, b"")) for name in (LEFT, LINKS))
        gone = frozenset(laid_out) - left - links
        return Left(said=said, files=written, gone=gone, links=links)


@dataclass(frozen=True, slots=True)
class Wall:
    """Words that go before a command's, and the user that it becomes first, None to stay."""

    words: tuple[str, ...] = ()
    user: int | None = None

    @property
    def becomes(self) -> dict[str, Any]:
        return (
            {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
        )


MakeWall = Callable[[Sequence[str], Sequence[str]], Wall]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walls:
    """Walls that have a network.

    Args:
        make: Makes the walls that show some places and let others be changed; raises where it cannot.
        share: What of the user's files it may read.
    """

    make: MakeWall
    share: tuple[str, ...] = ()

    def around(self, root: Path, program: str, work: str) -> Wall:
        """The walls of one run, whose folder is at a place of its own."""
        root.chmod(0o755)  # where a command becomes another user, that one has to get in
        made = self.make((program, *self.share), (work,))
        if made.user is not None:
            for path in (root / "work", *(root / "work").rglob("*")):
                os.chown(path, made.user, made.user)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class AsProcess:
    """Runs it as the user, in a folder of its own; behind walls where there are some.

    Args:
        environment: The variables it is given; those of Lignin itself, which lead to its store, are left out.
    """

    program: Program
    environment: Mapping[str, str]
    keep: Keep
    walls: Walls | None = None

    def __call__(self, laid_out: Mapping[str, File], told: str, keeps: Sequence[str]) -> Left:
        root = Path(tempfile.mkdtemp(prefix="lignin-draft-"))
        try:
            program, work = root / "program", root / "work"
            _write(program, self.program.files)
            _write(work, laid_out)
            wall = self.walls.around(root, str(program), str(work)) if self.walls else Wall()
            words = (*wall.words, *self.program.placed(str(program)))
            said, why = self._ran(words, wall, work, told.encode())
            return Left(why=why) if why else _look(work, laid_out, said, tuple(keeps))
        except OSError as error:
            return Left(why=f"{type(error).__name__}: {error.strerror or error}")
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _ran(self, words: tuple[str, ...], wall: Wall, work: Path, told: bytes) -> tuple[str, str]:
        given = {n: value for n, value in self.environment.items() if not n.startswith(OURS)}
        ended = run_process(
            words,
            work,
            {**given, "PYTHONDONTWRITEBYTECODE": "1"},
            told,
            limit_s=self.program.limit_s,
            most_bytes=_OUTPUT_BYTES,
            keep=self.keep,
            becomes=wall.becomes,
        )
        said, failed = last_words(ended.said), last_words(ended.errors)
        why = f"still running after {self.program.limit_s:g} seconds" if ended.code is None else ""
        if ended.code:
            why = f"exit {ended.code}: {failed or said}".removesuffix(": ")
        return said, why


def last_words(text: str) -> str:
    """The end of what was said, no word of it cut: half a secret is not recognised as one."""
    text = text.strip()
    if len(text) <= SAID_CHARS:
        return text
    _, _, rest = text[-SAID_CHARS:].replace("\n", " \n").partition(" ")
    return rest


def _listed(listed: bytes) -> frozenset[str]:
    paths = listed.decode(errors="replace").splitlines()
    return frozenset(path.removeprefix("./") for path in paths)


def _write(folder: Path, files: Mapping[str, File]) -> None:
    folder.mkdir()
    for path, file in files.items():
        spot = folder / path
        spot.parent.mkdir(parents=True, exist_ok=True)
        spot.write_bytes(file.content)
        spot.chmod(int(file.mode, 8))


def _look(work: Path, laid_out: Mapping[str, File], said: str, keeps: tuple[str, ...]) -> Left:
    """What lies in a folder; no link is followed, and no more is read than a draft may hold."""
    files: dict[str, bytes] = {}
    links, there = set[str](), set[str]()
    room = _WORK_BYTES
    for folder, folders, names in os.walk(work):
        for name in (*names, *(each for each in folders if Path(folder, each).is_symlink())):
            path = Path(folder, name)
            relative = path.relative_to(work).as_posix()
            info = path.lstat()
            if not stat.S_ISREG(info.st_mode):
                links.add(relative)
                continue
            there.add(relative)
            if not relative.startswith(keeps):
                continue
            room -= info.st_size
            if room < 0:
                return Left(why="it left more than can be read back")
            content = path.read_bytes()
            if relative not in laid_out or laid_out[relative].content != content:
                files[relative] = content
    gone = frozenset(laid_out) - there - links
    return Left(said=said, files=files, gone=gone, links=frozenset(links))

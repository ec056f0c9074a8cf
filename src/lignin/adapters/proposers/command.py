"""A program that proposes by changing files: the user's coding agent, or any other.

It finds the brief, the failing runs and copies of the files in a folder of its own, and nothing else: what
judges, what is hidden and where it is stored are not there. What it leaves different below `files/` is its
draft. By default in the sandbox, without a network; as a plain process it has all that the user has, and
only its folder, its variables and the brief are ours to say.
"""

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lignin.adapters.proposers.process import run_process
from lignin.adapters.proposers.telling import tell
from lignin.domain.artifacts import File
from lignin.ports.proposer import (
    MAX_DRAFT_BYTES,
    Brief,
    Draft,
    Proposed,
    faults_of,
    outside_surface,
)
from lignin.ports.sandbox import Command, Execution, Limits, Sandbox

FILES = "files/"
RUNS = "runs/"
ANSWER = "draft.json"
LEFT, LINKS = ".left", ".links"
OURS = "LIGNIN_"
_PROGRAM_FOLDER = "/artifact"
_SAID_CHARS = 600
_MEMORY_BYTES = 4 * 2**30
_WORK_BYTES = 256 * 2**20
_OUTPUT_BYTES = 8 * 2**20
_PROCESSES = 200
_AND_LIST = f'"$@"; code=$?; find . -type f >{LEFT}; find . -type l >{LINKS}; exit $code'
"""Runs a command and then tells what is left, whoever deleted what."""

LAYOUT = f"""
# How to hand it in

You are in a folder of your own. `{FILES}` has copies of the agent's files, `{RUNS}` the failing runs.
Change, add or delete files below `{FILES}` in place. Then write `{ANSWER}`:

    {{"kind": "prompt", "hypothesis": "why it fails and why this mends it", "predicted": 0.3}}

`kind` is one of prompt, skill, tool, code, setting, removal; `predicted` by how much the share of passed
runs of such tasks will grow. If you will not do this, write `{{"refused": "why"}}` there instead.
"""


@dataclass(frozen=True, slots=True)
class _Left:
    """What a run left: how it ended, what it said, and its folder."""

    why: str = ""
    said: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()


class _CommandProposer:
    """What both have in common: what is laid out, and how what is left is read."""

    def __init__(
        self,
        name: str,
        placed: Callable[[str], tuple[str, ...]],
        program: Mapping[str, File],
        *,
        limit_s: float,
    ) -> None:
        self._name, self._placed, self._program = name, placed, program
        self._limit_s = limit_s

    @property
    def name(self) -> str:
        return f"command:{self._name}"

    def propose(self, brief: Brief, number: int) -> Proposed:
        """Run the command once on a fresh copy."""
        told = tell(brief, number, with_files=False) + LAYOUT
        return _read(self._run(_laid_out(brief, told), told), brief)

    def _run(self, laid_out: Mapping[str, File], told: str) -> _Left:
        raise NotImplementedError


class SandboxedProposer(_CommandProposer):
    """See `lignin.ports.proposer.Proposer`. Its own files lie below `/artifact`."""

    def __init__(
        self,
        name: str,
        placed: Callable[[str], tuple[str, ...]],
        program: Mapping[str, File],
        *,
        limit_s: float,
        sandbox: Sandbox,
    ) -> None:
        super().__init__(name, placed, program, limit_s=limit_s)
        self._sandbox = sandbox

    def _run(self, laid_out: Mapping[str, File], told: str) -> _Left:
        words = self._placed(_PROGRAM_FOLDER)
        action = Command(argv=("sh", "-c", _AND_LIST, "sh", *words), stdin=told.encode())
        limits = Limits(
            wall_s=self._limit_s,
            cpu_s=max(1, int(self._limit_s)),
            memory_bytes=_MEMORY_BYTES,
            processes=_PROCESSES,
            output_bytes=_OUTPUT_BYTES,
            work_bytes=_WORK_BYTES,
        )
        seen = self._sandbox.run(
            Execution(files=self._program, action=action, work=laid_out, limits=limits)
        )
        said = seen.stdout.decode(errors="replace")
        if seen.status != "exited" or seen.exit_code != 0:
            told_why = seen.stderr.decode(errors="replace").strip() or seen.message or said
            how = f"exit {seen.exit_code}" if seen.status == "exited" else seen.status
            return _Left(why=f"{how}: {told_why[-_SAID_CHARS:]}".removesuffix(": "))
        if any(effect.kind in ("unreadable", "overflow") for effect in seen.effects):
            return _Left(why="it left more than can be read back")
        written = dict(seen.written)
        left, links = (_listed(written.pop(name, b"")) for name in (LEFT, LINKS))
        gone = frozenset(laid_out) - left - links
        return _Left(said=said, files=written, gone=gone, links=links)


class PlainProposer(_CommandProposer):
    """See `lignin.ports.proposer.Proposer`. Runs as the user, in a folder of its own.

    Args:
        environment: The user's variables; those of Lignin itself, which lead to its store, are left out.
    """

    def __init__(
        self,
        name: str,
        placed: Callable[[str], tuple[str, ...]],
        program: Mapping[str, File],
        *,
        limit_s: float,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(name, placed, program, limit_s=limit_s)
        self._environment = {
            name: value for name, value in environment.items() if not name.startswith(OURS)
        }

    def _run(self, laid_out: Mapping[str, File], told: str) -> _Left:
        root = Path(tempfile.mkdtemp(prefix="lignin-draft-"))
        try:
            program, work = root / "program", root / "work"
            _write(program, self._program)
            _write(work, laid_out)
            wall = self._wall(root, str(program), str(work))
            said, why = self._ran(wall, self._placed(str(program)), work, told.encode())
            return _Left(why=why) if why else _look(work, laid_out, said)
        except OSError as error:
            return _Left(why=f"{type(error).__name__}: {error.strerror or error}")
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _wall(self, root: Path, program: str, work: str) -> "Wall":  # noqa: ARG002
        return Wall()

    def _ran(
        self, wall: "Wall", words: tuple[str, ...], work: Path, told: bytes
    ) -> tuple[str, str]:
        ended = run_process(
            (*wall.words, *words),
            work,
            {**self._environment, "PYTHONDONTWRITEBYTECODE": "1"},
            told,
            limit_s=self._limit_s,
            most_bytes=_OUTPUT_BYTES,
            becomes=wall.becomes,
        )
        said, failed = ended.said[-_SAID_CHARS:], ended.errors[-_SAID_CHARS:]
        why = f"still running after {self._limit_s:g} seconds" if ended.code is None else ""
        if ended.code:
            why = f"exit {ended.code}: {failed or said}".removesuffix(": ")
        return said, why


class WalledProposer(PlainProposer):
    """See `lignin.ports.proposer.Proposer`. Behind walls that have a network.

    Args:
        wall: Makes the walls that show some places and let others be changed; raises where it cannot.
        share: What of the user's files it may read.
        environment: All the variables that it is given.
    """

    def __init__(
        self,
        name: str,
        placed: Callable[[str], tuple[str, ...]],
        program: Mapping[str, File],
        *,
        limit_s: float,
        environment: Mapping[str, str],
        wall: "MakeWall",
        share: Sequence[str],
    ) -> None:
        super().__init__(name, placed, program, limit_s=limit_s, environment=environment)
        self._make, self._share = wall, tuple(share)

    def _wall(self, root: Path, program: str, work: str) -> "Wall":
        root.chmod(0o755)  # where a command becomes another user, that one has to get in
        made = self._make((program, *self._share), (work,))
        if made.user is not None:
            for path in (root / "work", *(root / "work").rglob("*")):
                os.chown(path, made.user, made.user)
        return made


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


def _laid_out(brief: Brief, told: str) -> dict[str, File]:
    found = {f"{FILES}{path}": file for path, file in brief.files.items()}
    found |= {
        f"{RUNS}{case.case}.txt": File(content=case.run.encode())
        for case in brief.cases
        if case.run
    }
    return {**found, "BRIEF.md": File(content=told.encode())}


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


def _look(work: Path, laid_out: Mapping[str, File], said: str) -> _Left:
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
            if not relative.startswith(FILES) and relative != ANSWER:
                continue
            room -= info.st_size
            if room < 0:
                return _Left(why="it left more than can be read back")
            content = path.read_bytes()
            if relative not in laid_out or laid_out[relative].content != content:
                files[relative] = content
    gone = frozenset(laid_out) - there - links
    return _Left(said=said, files=files, gone=gone, links=frozenset(links))


def _read(left: _Left, brief: Brief) -> Proposed:
    """The draft that a command left; what it changed where it may not is refused by name."""
    if left.why:
        return Proposed(ended="failed", why=left.why)
    answer, fault = _answer(left.files.get(ANSWER, b"{}"))
    if fault:
        return Proposed(ended="failed", why=fault)
    if refused := answer.get("refused"):
        return Proposed(ended="refused", why=str(refused)[:_SAID_CHARS])
    if links := _below(left.links):
        return Proposed(ended="failed", why=f"no file of its own: {', '.join(links)}")
    files: dict[str, File | None] = {path.removeprefix(FILES): None for path in _below(left.gone)}
    for path in _below(left.files):
        was = brief.files.get(path.removeprefix(FILES))
        changed = File(content=left.files[path], mode=was.mode if was else "0644")
        if changed != was:
            files[path.removeprefix(FILES)] = changed
    if not files:
        return Proposed(
            ended="nothing", why=left.said.strip()[-_SAID_CHARS:] or "it changed nothing"
        )
    if outside := outside_surface(files, brief.surface):
        return Proposed(ended="failed", why=f"changed outside the surface: {', '.join(outside)}")
    draft = Draft(
        kind=str(answer.get("kind") or "code")[:40],
        hypothesis=str(answer.get("hypothesis") or left.said.strip())[-_SAID_CHARS:],
        files=files,
        predicted=_share(answer.get("predicted")),
    )
    if faults := faults_of(draft, brief):
        return Proposed(ended="failed", why="; ".join(faults))
    return Proposed(ended="drafted", draft=draft, model=str(answer.get("model") or "")[:80])


def _share(told: object) -> float | None:
    return float(told) if isinstance(told, int | float) and 0 <= told <= 1 else None


def _below(paths: Iterable[str]) -> list[str]:
    return sorted(path for path in paths if path.startswith(FILES))


def _answer(content: bytes) -> tuple[Mapping[str, Any], str]:
    try:
        told = json.loads(content[:MAX_DRAFT_BYTES])
    except (ValueError, RecursionError):
        return {}, f"its {ANSWER} is no JSON"
    return (told, "") if isinstance(told, dict) else ({}, f"its {ANSWER} is no object")

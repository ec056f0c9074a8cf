"""A command line as a system under test: the task as JSON on stdin, its run on stdout.

By default in the sandbox, where it reaches nothing but the task's tools (`lignin_guest.call`). As a plain
process it has all that the user has; it too works on a copy of its files, unless it is given the folder.
"""

import errno
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from lignin.adapters.systems.content import Content
from lignin.adapters.systems.ending import (
    KEPT_BYTES,
    both_ends,
    cause_of_exit,
    cause_of_no_start,
)
from lignin.adapters.systems.orphans import running
from lignin.adapters.systems.surroundings import digest_program
from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json, digest_json
from lignin.ports.sandbox import Command, Execution, Limits, Observed, RequestHandler, Sandbox
from lignin.ports.system import (
    MAX_SAID_BYTES,
    SystemAsked,
    SystemCause,
    SystemEnd,
    SystemRun,
    split_words,
)
from lignin.ports.tools import Tools

_FOLDER, _WORK = "/artifact", "/work"
_CAUSES: Mapping[str, SystemCause] = {
    "timeout": "time_limit",
    "memory": "memory_limit",
    "output": "too_much_said",
    "killed": "killed",
}
_MEMORY_BYTES = 2 * 2**30
_LOOK_S = 0.5


_NO_START: Mapping[int | None, SystemCause] = {
    errno.ENOENT: "missing_file",
    errno.ENOTDIR: "missing_file",
    errno.EACCES: "not_executable",
    errno.ENOEXEC: "not_executable",
}


class _CommandSystem:
    """What both have in common: their name and content."""

    simulated = False
    kind = ""

    def __init__(self, asked: SystemAsked, content: Content) -> None:
        self._asked, self._content = asked, content

    @property
    def name(self) -> str:
        return self._asked.spec

    @property
    def digest(self) -> Digest:
        harness = {path: file.sha256 for path, file in sorted(self._asked.harness.items())}
        kind = f"{self.kind} in place" if self._asked.in_place else self.kind
        return digest_json([kind, self._content.digest, harness, self._asked.limit_s])

    @property
    def made_of(self) -> tuple[str, ...]:
        """See `lignin.ports.system.MadeOfFiles`."""
        tops = {
            first + slash for first, slash, _ in (p.partition("/") for p in self._content.files)
        }
        return tuple(sorted(tops))

    @property
    def _files(self) -> dict[str, File]:
        harness = {f"harness/{path}": file for path, file in self._asked.harness.items()}
        return {**self._content.files, **harness}


class SandboxedCommand(_CommandSystem):
    """See `lignin.ports.system.System`. Its files lie below `/artifact`, or are where it works."""

    kind = "sandboxed"

    def __init__(self, asked: SystemAsked, content: Content, sandbox: Sandbox) -> None:
        super().__init__(asked, content)
        self._sandbox = sandbox

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
        """Run the command once in the sandbox."""
        given = json.dumps({**task, "seed": seed}).encode()
        limits = Limits(
            wall_s=self._asked.limit_s,
            cpu_s=max(1, int(self._asked.limit_s)),
            memory_bytes=_MEMORY_BYTES,
            output_bytes=MAX_SAID_BYTES,
        )
        task_file = {"task.json": File(content=given)}
        if self._asked.in_place:
            rest = self._content.words[1:]
            placed = self._content.placed(_WORK)[0]  # a program of the tree is named in full
            action = Command(argv=(placed, *rest), stdin=given)
            work = {**self._files, **task_file}
            execution = Execution(
                files={}, action=action, work=work, limits=limits, stop=self._asked.stop
            )
        else:
            action = Command(argv=self._content.placed(_FOLDER), stdin=given)
            execution = Execution(
                files=self._files,
                action=action,
                work=task_file,
                limits=limits,
                stop=self._asked.stop,
            )
        seen = self._sandbox.run(execution, _answering(tools))
        return SystemRun(
            ended=_end(seen),
            said=seen.stdout,
            why=_why(seen),
            cause=self._cause(seen, action.argv[0]),
            errors=both_ends(seen.stderr),
            latency_s=round(seen.wall_s, 3),
        )

    def _cause(self, seen: Observed, program: str) -> SystemCause | None:
        if _end(seen) == "done":
            return None
        if seen.status == "infrastructure":
            folder = _WORK if self._asked.in_place else _FOLDER
            unexecutable = {
                f"{folder}/{path}" for path, file in self._files.items() if file.mode == "0644"
            }
            return cause_of_no_start(seen.message, program, unexecutable)
        return _CAUSES.get(seen.status) or cause_of_exit(seen.exit_code or 0, seen.stderr)


def _end(seen: Observed) -> SystemEnd:
    if seen.status == "infrastructure":
        return "infrastructure"
    return "done" if seen.status == "exited" and seen.exit_code == 0 else "crashed"


def _why(seen: Observed) -> str:
    if _end(seen) == "done":
        return ""
    how = f"exit {seen.exit_code}" if seen.status == "exited" else seen.status
    return how if seen.stderr.strip() else f"{how}: {seen.message}".removesuffix(": ")


def _answering(tools: Tools) -> RequestHandler:
    def answer(request: Mapping[str, Json]) -> Mapping[str, Json]:
        tool, arguments = request.get("tool"), request.get("arguments")
        if request.get("type") != "call":
            return {"error": "denied", "message": "a system under test calls the task's tools only"}
        if not isinstance(tool, str) or not isinstance(arguments, Mapping):
            return {"error": "invalid_request", "message": "a call has a tool and arguments"}
        observation = tools.call(tool, arguments)
        if observation.error is not None:
            return {"error": observation.error, "message": observation.message}
        return {"result": observation.result}

    return answer


class PlainCommand(_CommandSystem):
    """See `lignin.ports.system.System`. Runs as the user, with the user's variables and network."""

    kind = "plain"

    def __init__(
        self, asked: SystemAsked, content: Content, also: Digest = "", covers: str = ""
    ) -> None:
        super().__init__(asked, content)
        self._also, self.covers = also, covers
        words = [Path(word) for word in content.words if word not in content.named]
        named = [asked.folder / word for word in words if word.is_absolute() or ".." in word.parts]
        self._beside = [digest_program(each) for each in named if each.is_file()]

    @property
    def digest(self) -> Digest:
        digest = super().digest
        if self._beside:
            digest = digest_json([digest, self._beside])
        return digest_json([digest, self._also]) if self._also else digest

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:  # noqa: ARG002
        """Run the command once in a fresh folder with copies of its files."""
        given = json.dumps({**task, "seed": seed}).encode()
        try:
            with (
                self._laid_out(given) as folder,
                tempfile.TemporaryFile() as said,
                tempfile.TemporaryFile() as errors,
            ):
                return self._run_in(folder, given, said, errors)
        except OSError as error:  # a full disk, no more processes: nothing that it did
            why = f"{type(error).__name__}: {error}"
            return SystemRun(ended="infrastructure", why=why, cause="outside")

    @contextmanager
    def _laid_out(self, given: bytes) -> Iterator[Path]:
        """The folder that it works in."""
        folder = Path(tempfile.mkdtemp(prefix="lignin-trial-"))
        try:
            for path, file in self._files.items():
                spot = folder / path
                spot.parent.mkdir(parents=True, exist_ok=True)
                spot.write_bytes(file.content)
                spot.chmod(int(file.mode, 8))
            (folder / "task.json").write_bytes(given)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run_in(self, folder: Path, given: bytes, said: IO[bytes], errors: IO[bytes]) -> SystemRun:
        began = time.monotonic()
        with ExitStack() as stack:
            try:
                started = running(
                    self._content.placed(str(folder)),
                    cwd=folder,
                    env=dict(self._asked.environment),
                    stdin=subprocess.PIPE,
                    stdout=said,
                    stderr=errors,
                )
                process = stack.enter_context(started)
            except OSError as error:
                if error.errno not in _NO_START:
                    raise
                why = f"it does not start: {error.strerror}"
                return SystemRun(ended="crashed", why=why, cause=_NO_START[error.errno])
            is_stopped = self._wait(process, given)
            code = process.poll()
        if is_stopped:
            return SystemRun(ended="infrastructure", why="it was stopped", cause="outside")
        latency_s = round(time.monotonic() - began, 3)
        told = both_ends(_ends(errors))
        said.seek(0)
        data = said.read(MAX_SAID_BYTES + 1)
        why = ""
        cause: SystemCause | None = None
        if code is None:
            why, cause = f"still running after {self._asked.limit_s:g} seconds", "time_limit"
        elif code != 0:
            why, cause = f"exit {code}", cause_of_exit(code, told)
        elif len(data) > MAX_SAID_BYTES:
            why, cause = "it said too much", "too_much_said"
        if why:
            kept = data if code and len(data) <= MAX_SAID_BYTES else b""
            return SystemRun(
                ended="crashed", said=kept, why=why, cause=cause, errors=told, latency_s=latency_s
            )
        return SystemRun(ended="done", said=data, latency_s=latency_s)

    def _wait(self, process: subprocess.Popen[bytes], given: bytes) -> bool:
        """Whether it is to be stopped; else it has ended, or its time is over."""
        end, told = time.monotonic() + self._asked.limit_s, given
        while (left := end - time.monotonic()) > 0:
            try:
                process.communicate(told or None, timeout=min(left, _LOOK_S))
            except subprocess.TimeoutExpired:
                told = b""  # what is left of it is written by the next call
            except BrokenPipeError:
                told = b""
            if process.poll() is not None:
                return False
            if self._asked.stop():
                return True
        return False


class PlacedCommand(PlainCommand):
    """A command that works in a folder of the user's, as if it were typed there."""

    kind = "placed"

    def __init__(self, asked: SystemAsked, place: Path) -> None:
        words = split_words(asked.spec)
        program = Path(words[0])
        is_there = not program.is_absolute() and (place / program).is_file()
        super().__init__(asked, Content(words, frozenset(words[:1] if is_there else ()), {}))
        self._place = place

    @property
    def digest(self) -> Digest:
        files = [self._place / word for word in self._content.words]
        programs = [digest_program(each) for each in files if each.is_file()]
        return digest_json([super().digest, str(self._place), programs])

    @contextmanager
    def _laid_out(self, given: bytes) -> Iterator[Path]:  # noqa: ARG002
        yield self._place


def _ends(stream: IO[bytes]) -> bytes:
    """A stream as far as its ends may be kept."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size <= 4 * KEPT_BYTES:
        return stream.read()
    first = stream.read(2 * KEPT_BYTES)
    stream.seek(size - 2 * KEPT_BYTES)
    return first + stream.read()

"""Runs in a plain subprocess with folders of its own: what the tiers without namespaces share.

Owns a temporary folder and a process group per run, and the conversation with the guest. Puts up no
wall: a tier says with what command the guest is started, and what that holds.
"""

import contextlib
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from lignin.adapters.sandbox import plan, remains, world
from lignin.adapters.sandbox.channel import Guest, Output, Pump, frame, new_key, outcome
from lignin.adapters.sandbox.folders import run_folder, sweep
from lignin.adapters.sandbox.misplaced import judged_apart
from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, digest_bytes, digest_json
from lignin.ports.sandbox import (
    HOME_FOLDER,
    STOPPED,
    Capability,
    Command,
    Effect,
    Execution,
    Limits,
    Observed,
    RequestHandler,
    Status,
)

_Contents = dict[str, bytes]
_TEMPORARY = "/tmp"  # noqa: S108 -- a name inside
ASK_S = 0.25
"""How often it is asked whether a run is to go on."""
_GUEST = Path(__file__).with_name("guest.py")


class ProcessSandbox:
    """A tier that runs each execution in a process of its own on the host's file system.

    Thread-safe. A subclass names the tier, says what it holds and how the guest is started.
    """

    tier = ""
    capabilities: frozenset[Capability] = frozenset()
    modules: tuple[str, ...] = ("guest", "plan", "remains")
    """Files of this package whose text could change a result."""
    shut: tuple[str, ...] = ()
    """Paths of the sandbox that its walls refuse, since its folders lie elsewhere."""
    unbounded: frozenset[str] = frozenset()
    """Bounds of a process that this tier's system cannot keep."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        sweep()

    @property
    def policy_digest(self) -> Digest:
        """Changes with the tier's files and the interpreter."""
        texts = [digest_bytes(_GUEST.with_name(f"{n}.py").read_bytes()) for n in self.modules]
        return digest_json({**self.described(), "tier": self.tier, "texts": texts})

    def described(self) -> Mapping[str, Any]:
        """What about this machine the tier depends on."""
        return {**world.describe(), "landlock": 0}

    def command(self, folders: Mapping[str, Path], guest: list[str], limits: Limits) -> list[str]:
        """The command that runs the guest's own command behind the tier's walls."""
        raise NotImplementedError

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run once. Raises InvalidRequestError for a request that no sandbox could run."""
        plan.require_valid(execution)
        if execution.packages and not Path(execution.packages).is_dir():
            why = f"{execution.packages} is no folder of packages"
            return Observed(status="infrastructure", tier=self.tier, message=why)
        with run_folder() as root:
            try:
                observed = _Run(self, root, execution, broker).observe()
            except FileNotFoundError as error:
                return Observed(status="infrastructure", tier=self.tier, message=str(error))
        if not self.shut:
            return observed
        own = [str(root), *filter(None, [execution.packages]), *world.interpreter_folders()]
        return judged_apart(execution, observed, own)

    def start(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start one process that `close` will end; raises FileNotFoundError once closed."""
        with self._lock:
            if self._closed:
                raise FileNotFoundError("the sandbox is closed")
            process = subprocess.Popen(  # noqa: S603
                command, start_new_session=True, umask=0o022, **options
            )
            self._running.add(process)
            return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process with its whole group and collect it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        with self._lock:
            self._running.discard(process)

    def close(self) -> None:
        """End every run."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            self.end(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Run:
    def __init__(
        self,
        sandbox: ProcessSandbox,
        root: Path,
        execution: Execution,
        broker: RequestHandler | None,
    ) -> None:
        self._sandbox = sandbox
        self._execution = execution
        self._broker = broker
        self._folders = {name: root / name for name in ("artifact", "work", "tmp", "home", "guest")}
        self._status: Status = "exited"
        self._stopped = False

    def observe(self) -> Observed:
        job = self._job()
        for folder in self._folders.values():
            folder.mkdir()
        (self._folders["guest"] / "lignin_guest.py").write_bytes(_GUEST.read_bytes())
        _place(self._folders["artifact"], self._execution.files)
        _place(self._folders["work"], self._execution.work)
        _place(self._folders["home"], self._execution.surroundings.home)
        started = time.monotonic()
        with tempfile.TemporaryFile() as stdin:
            if isinstance(self._execution.action, Command):
                stdin.write(self._execution.action.stdin)
                stdin.seek(0)
            observed = self._converse(job, stdin.fileno(), started)
        if self._stopped:
            wall_s = time.monotonic() - started
            tier = self._sandbox.tier
            return Observed(status="infrastructure", tier=tier, message=STOPPED, wall_s=wall_s)
        changed, lost = self._left()
        observed["effects"] = tuple(dict.fromkeys((*observed["effects"], *lost)))
        observed.update(status=self._status, tier=self._sandbox.tier, written=changed)
        return Observed(**observed)

    def _left(self) -> tuple[_Contents, list[Effect]]:
        """The new and changed files of the work folder, and what was done to files besides."""
        around = {name: file.content for name, file in self._execution.surroundings.home.items()}
        given = {name: file.content for name, file in self._execution.work.items()}
        after, unread = self._read_back("work", "/work", given)
        kept, more = self._read_back("home", HOME_FOLDER, around)
        temporary, lost = remains.look(str(self._folders["tmp"]))
        in_tmp = [path.replace(str(self._folders["tmp"]), _TEMPORARY, 1) for path in temporary]
        left = [
            *(["delete", f"/work/{path}"] for path in sorted(given.keys() - after.keys())),
            *(["delete", f"{HOME_FOLDER}/{path}"] for path in sorted(around.keys() - kept.keys())),
            *(["write", path] for path in in_tmp),
            *(["write", f"{HOME_FOLDER}/{p}"] for p, raw in kept.items() if around.get(p) != raw),
            *unread,
            *more,
            *(["unreadable", _TEMPORARY] for _ in lost),
        ]
        effects = [Effect(kind=kind, target=target) for kind, target in remains.bounded(left)]
        return {path: raw for path, raw in after.items() if given.get(path) != raw}, effects

    def _read_back(
        self, name: str, shown: str, given: _Contents
    ) -> tuple[_Contents, list[list[str]]]:
        bound = self._execution.limits.work_bytes + sum(map(len, given.values()))
        return _contents(self._folders[name], shown, bound, remains.MAX_FILES + len(given))

    def _converse(self, job: Mapping[str, Any], stdin: int, started: float) -> dict[str, Any]:
        bounds = self._execution.limits
        ours, theirs = socket.socketpair()
        (out, out_theirs), (err, err_theirs) = os.pipe(), os.pipe()
        deadline = started + bounds.wall_s
        with ours:
            with theirs:
                guest = [world.interpreter(), "-s", "-P", "-S", "-B"]
                guest += [str(self._folders["guest"] / "lignin_guest.py"), str(theirs.fileno())]
                process = self._sandbox.start(
                    self._sandbox.command(self._shown(), guest, bounds),
                    stdin=stdin,
                    stdout=out_theirs,
                    stderr=err_theirs,
                    pass_fds=(theirs.fileno(),),
                    env=self._environment(),
                    cwd=self._folders["work"],
                )
            os.close(out_theirs)
            os.close(err_theirs)
            outputs = [Output(out, bounds.output_bytes), Output(err, bounds.output_bytes)]
            said = Guest(ours, self._broker, job["key"])

            next_ask = started + ASK_S

            def on_tick() -> bool:
                nonlocal next_ask
                if time.monotonic() >= next_ask:
                    next_ask = time.monotonic() + ASK_S
                    self._stopped = self._execution.stop()
                if self._stopped:
                    self._status = "infrastructure"
                elif any(output.exceeded for output in outputs):
                    self._status = "output"
                elif time.monotonic() >= deadline:
                    self._status = "timeout"
                else:
                    return process.poll() is None
                return False

            try:
                ours.sendall(frame(job))
                sources = {output.descriptor: output.receive for output in outputs}
                Pump({**sources, ours.fileno(): said.receive}, on_tick, 0.02).run()
                if not self._stopped and not any(output.exceeded for output in outputs):
                    _wait(process, deadline)
            except BrokenPipeError:
                pass  # it ended before it was told anything: the exit code says so
            finally:
                if process.poll() is None and self._status == "exited":
                    exceeded = any(output.exceeded for output in outputs)
                    self._status = "output" if exceeded else "timeout"
                self._sandbox.end(process)  # what it has left to read is read all the same
                rest = {output.descriptor: output.receive for output in outputs}
                Pump({**rest, ours.fileno(): said.receive}, lambda: False, 0.02).run()
                os.close(out)
                os.close(err)
        return self._verdict(process.returncode, said, outputs, started)

    def _verdict(
        self, code: int, guest: Guest, outputs: list[Output], started: float
    ) -> dict[str, Any]:
        said = outcome(guest)
        if self._status == "exited" and any(output.exceeded for output in outputs):
            self._status = "output"
        if self._status == "exited" and code < 0:
            self._status = "timeout" if code == -signal.SIGXCPU else "killed"
        if self._status == "exited" and said["error"] == "MemoryError":
            self._status = "memory"
        if self._status != "exited":
            said.update(returned=False, result=None)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            **said,
            "exit_code": code if self._status in ("exited", "killed") else None,
            "stdout": outputs[0].content,
            "stderr": outputs[1].content,
            "wall_s": time.monotonic() - started,
            "memory_bytes": used.ru_maxrss * 1024,  # of the largest run so far: no better is known
        }

    def _job(self) -> dict[str, Any]:
        job = plan.job_in_folders(self._execution, self._names(), new_key())
        job["shut"] = list(self._sandbox.shut)
        for name in self._sandbox.unbounded:
            del job["rlimits"][name]
        if job["do"] == "exec":
            job["argv"] = [_program(job["exec"][0]), *job["exec"][1:]]
        return job

    def _shown(self) -> dict[str, Path]:
        """The folders of this run, with `packages` where it has some."""
        packages = self._execution.packages
        return {**self._folders, **({"packages": Path(packages)} if packages else {})}

    def _names(self) -> dict[str, str]:
        return {name: str(folder) for name, folder in self._folders.items()}

    def _environment(self) -> dict[str, str]:
        return plan.environment_in_folders(self._execution, self._names())


def _program(word: str) -> str:
    if word == "python":
        return world.interpreter()
    found = shutil.which(word, path="/usr/bin:/bin")
    if found is None:
        raise FileNotFoundError(f"the sandbox has no program {word!r}")
    return found


def _wait(process: subprocess.Popen[bytes], deadline: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):  # judged by the caller
        process.wait(max(0.0, deadline - time.monotonic()))


def _place(folder: Path, files: Mapping[str, File]) -> None:
    for path, file in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
        place.chmod(0o755 if file.mode == "0755" else 0o644)


def _contents(folder: Path, shown: str, bound: int, most: int) -> tuple[_Contents, list[list[str]]]:
    """The regular files of a folder by their path in it, and as effects what cannot be read back."""
    found, lost = remains.look(str(folder))
    files = [each for each in found.items() if stat.S_ISREG(each[1].st_mode)]
    contents, trouble = remains.read_back(files, bound, most)
    place = f"{folder}/"
    unread = [*trouble, *(["unreadable", path] for path in lost)]
    unread = [[kind, target.replace(str(folder), shown, 1)] for kind, target in unread]
    return {remains.as_text(path.removeprefix(place)): raw for path, raw in contents}, unread

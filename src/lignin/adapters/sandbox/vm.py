"""The `vm` tier: each run in a remote machine of its own, which is thrown away after it.

Owns the archive that goes there, the turns of the conversation and the machine's end. Knows no
service: a `Provider` makes machines that take a file, run a command and give a file back. Whatever
a provider's client raises is an outage, never the code's fault. Opened only by name.
"""

import base64
import contextlib
import io
import json
import math
import secrets
import struct
import threading
import time
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

from lignin.adapters.sandbox import plan
from lignin.adapters.sandbox.channel import MAX_FRAME, Guest, new_key, outcome
from lignin.domain.artifacts import File, require_safe_path
from lignin.domain.codec import Digest, digest_bytes, digest_json, parse_json
from lignin.domain.errors import IntegrityError, LigninError, UnavailableError
from lignin.ports.sandbox import (
    HOME_FOLDER,
    STOPPED,
    TIER_CAPABILITIES,
    Command,
    Effect,
    Execution,
    Limits,
    Observed,
    RequestHandler,
)

FOLDER = "/tmp"  # noqa: S108 - of a machine that nobody else uses
MARGIN_S = 60.0
"""How long a machine lives beyond the run's own time: the way there, the way back, the requests."""
_TURN_MARGIN_S = 15.0
_STRETCH_S = 3.0
_NO_NEWS = 3  # the courier's exit code
_TRIES = 3
_STATUSES = frozenset(("exited", "timeout", "memory", "output", "killed", "infrastructure"))
_TEXTS = {"__main__.py": "courier", "family.py": "family", "lignin_guest.py": "guest"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A machine to make: `name` is new and finds it again, `lifetime_s` is when it ends by itself."""

    name: str
    limits: Limits
    lifetime_s: int


class Machine(Protocol):
    """One remote machine. Methods raise whatever the provider's client raises."""

    def write(self, path: str, content: bytes) -> None:
        """Make a file at an absolute path, with the folders above it."""
        ...

    def run(self, argv: tuple[str, ...], timeout_s: int) -> int:
        """Run a command to its end, with all rights that there are, and return its exit code."""
        ...

    def read(self, path: str, most_bytes: int) -> bytes:
        """The content of a file; raises where it is longer, without keeping more than that."""
        ...

    def destroy(self) -> None:
        """End the machine for good; done already is no error."""
        ...


class Provider(Protocol):
    """Makes machines that have no network and end by themselves."""

    name: str
    image: str
    """What the machine starts from; needs `python3` 3.11 or newer on its path."""
    needs: str
    """What must be there for it to work, told to a person."""

    def make(self, wanted: Wanted) -> Machine:
        """Start a machine. Where it fails, what was started half is ended or ends by itself."""
        ...


def joined(parts: Iterable[bytes], most_bytes: int) -> bytes:
    """What a client streams, as a whole; raises UnavailableError as soon as it is too long."""
    content = bytearray()
    for part in parts:
        content += part
        if len(content) > most_bytes:
            raise UnavailableError(f"a file is longer than {most_bytes} bytes")
    return bytes(content)


class RemoteSandbox:
    """The port's `vm` tier. Thread-safe; each run costs the making of a machine."""

    tier = "vm"
    capabilities = TIER_CAPABILITIES["vm"]

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self._lock = threading.Lock()
        self._machines: dict[str, Machine] = {}
        self._lost: dict[str, Machine] = {}
        self._closed = False
        self._courier = _archive({name: _text(module) for name, module in _TEXTS.items()})

    @property
    def policy_digest(self) -> Digest:
        """Changes with what is sent, the provider and what its machines start from."""
        told = {"tier": self.tier, "provider": self.provider.name, "image": self.provider.image}
        texts = [digest_bytes(_text(module)) for module in (*_TEXTS.values(), "plan", "vm")]
        return digest_json({**told, "texts": texts})

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run once in a new machine. Raises InvalidRequestError for what no sandbox could run."""
        plan.require_valid(execution)
        if execution.packages:
            why = "the vm tier has no Python packages to show a run"
            return Observed(status="infrastructure", tier=self.tier, message=why)
        job = _job(execution, name := f"lignin-{secrets.token_hex(8)}")
        started = time.monotonic()
        try:
            machine = self._make(name, execution.limits)
            try:
                return _Conversation(machine, job, execution, broker).hold(self._courier)
            finally:
                self._end(name, machine)
        except Exception as error:  # a client's own classes: none of them is the code's doing
            told = error.message if isinstance(error, LigninError) else str(error)
            return Observed(
                status="infrastructure",
                tier=self.tier,
                message=f"{self.provider.name}: {type(error).__name__}: {told}"[:1000],
                wall_s=time.monotonic() - started,
            )

    def close(self) -> None:
        """End every machine that is still there; warns of what could not be ended."""
        with self._lock:
            self._closed = True
            left = {**self._machines, **self._lost}
        for name, machine in left.items():
            self._end(name, machine)
        if self._lost:
            names = ", ".join(sorted(self._lost))
            warnings.warn(
                f"{self.provider.name} did not end {names}; each ends by itself within its lifetime",
                RuntimeWarning,
                stacklevel=2,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def lost(self) -> tuple[str, ...]:
        """Names of machines that could not be ended so far; tried again with the next run."""
        with self._lock:
            return tuple(sorted(self._lost))

    def _make(self, name: str, limits: Limits) -> Machine:
        with self._lock:
            if self._closed:
                raise UnavailableError("the sandbox is closed")
            lost = dict(self._lost)
        for other, machine in lost.items():
            self._end(other, machine, tries=1)
        made = self.provider.make(Wanted(name=name, limits=limits, lifetime_s=_lifetime_s(limits)))
        with self._lock:
            self._machines[name] = made
            closed = self._closed
        if closed:
            self._end(name, made)
            raise UnavailableError("the sandbox is closed")
        return made

    def _end(self, name: str, machine: Machine, tries: int = _TRIES) -> None:
        with self._lock:
            if name not in self._machines and name not in self._lost:
                return  # somebody else has ended it
        ended = False
        for _ in range(tries):
            with contextlib.suppress(Exception):  # tried again, then remembered
                machine.destroy()
                ended = True
                break
        with self._lock:
            self._machines.pop(name, None)
            if ended:
                self._lost.pop(name, None)
            else:
                self._lost[name] = machine


class _Letters:
    """The guest's channel where it is carried in files: what came, and what is answered."""

    def __init__(self) -> None:
        self.came = b""
        self.answers = bytearray()

    def recv(self, size: int) -> bytes:
        part, self.came = self.came[:size], self.came[size:]
        return part

    def sendall(self, raw: bytes) -> None:
        self.answers += raw

    def settimeout(self, seconds: float | None) -> None:
        """There is nobody to wait for."""


class _Conversation:
    def __init__(
        self,
        machine: Machine,
        job: dict[str, Any],
        execution: Execution,
        broker: RequestHandler | None,
    ) -> None:
        self._machine = machine
        self._job = job
        self._execution = execution
        self._folder = job["folder"]
        self._letters = _Letters()
        self._guest = Guest(self._letters, broker, job["job"]["key"])
        self._deadline = time.monotonic() + job["lifetime_s"]
        self._most = 2 * (_kept_bytes(execution.limits) + 8 * MAX_FRAME)

    def hold(self, courier: bytes) -> Observed:
        """Send the run there, answer what it asks, and say what was seen."""
        program = f"{self._folder}/courier.pyz"
        self._machine.write(program, courier)
        self._machine.write(f"{self._folder}/job.zip", _packed(self._execution, self._job))
        turn = 0
        while True:
            if not self._await(program, turn):
                return Observed(status="infrastructure", tier="vm", message=STOPPED)
            news = self._read(turn)
            if news["end"] is not None:
                return self._seen(news["end"])
            if time.monotonic() > self._deadline:
                raise UnavailableError("requests took longer than the machine lives")
            answers = bytes(self._letters.answers)
            sized = struct.pack(">Q", len(answers)) + answers  # so that none is read in part
            self._machine.write(f"{self._folder}/in-{turn}", sized)
            self._letters.answers.clear()
            turn += 1

    def _await(self, program: str, turn: int) -> bool:
        """Have the machine wait for news, a stretch at a time; False where nobody wants them any more."""
        words = ("begin",) if turn == 0 else ("turn", str(turn))
        last = time.monotonic() + self._execution.limits.wall_s + _TURN_MARGIN_S
        while True:
            if self._execution.stop():
                return False
            wait_s = max(0.0, min(_STRETCH_S, last - time.monotonic()))
            said = ("python3", program, *words, f"{wait_s:g}")
            code = self._machine.run(said, math.ceil(wait_s + _TURN_MARGIN_S))
            if code == 0:
                return True
            if code != _NO_NEWS or time.monotonic() >= last:
                raise UnavailableError(f"the machine did not answer: exit code {code}")
            words = ("turn", str(turn))

    def _read(self, turn: int) -> dict[str, Any]:
        raw = self._machine.read(f"{self._folder}/out-{turn}", self._most)
        try:
            news = parse_json(raw)
            self._letters.came += base64.b64decode(news["frames"], validate=True)
            end = news["end"]
        except (LigninError, KeyError, TypeError, ValueError) as error:
            raise IntegrityError(f"a message that makes no sense: {error}") from error
        if not isinstance(end, dict | None):
            raise IntegrityError("a message without an end that could be read")
        while self._letters.came and self._guest.receive():
            pass
        return {"end": end}

    def _seen(self, end: Mapping[str, Any]) -> Observed:
        if end.get("status") not in _STATUSES:
            raise IntegrityError(f"a run that ended as {end.get('status')!r}"[:200])
        if end["status"] == "infrastructure":
            return Observed(status="infrastructure", tier="vm", message=str(end["message"])[:1000])
        for path in end["written"]:
            require_safe_path(path)  # it names where whoever reads this would put a file
        said = outcome(self._guest)
        bounds = self._execution.limits
        observed = Observed(
            status=end["status"],
            tier="vm",
            exit_code=None if end["exit_code"] is None else int(end["exit_code"]),
            stdout=base64.b64decode(end["stdout"])[: bounds.output_bytes],
            stderr=base64.b64decode(end["stderr"])[: bounds.output_bytes],
            written={str(p): base64.b64decode(raw) for p, raw in end["written"].items()},
            wall_s=float(end["wall_s"]),
            cpu_s=float(end["cpu_s"]),
            memory_bytes=int(end["memory_bytes"]),
            **said,
        )
        effects = [Effect(kind="delete", target=f"/work/{path}"[:400]) for path in end["deleted"]]
        effects += [Effect(kind="write", target="/tmp")] if end["temporary"] else []  # noqa: S108
        effects += [
            Effect(kind=kind, target=f"{HOME_FOLDER}/{path}"[:400])
            for kind in ("write", "delete")
            for path in end["home"][kind]
        ]
        observed = replace(observed, effects=tuple(dict.fromkeys((*observed.effects, *effects))))
        if observed.status == "exited" and observed.error == "MemoryError":
            observed = replace(observed, status="memory")
        if observed.status != "exited":
            observed = replace(observed, returned=False, result=None)
        return observed


def _lifetime_s(limits: Limits) -> int:
    return math.ceil(limits.wall_s + MARGIN_S)


def _kept_bytes(limits: Limits) -> int:
    return limits.work_bytes + 2 * limits.output_bytes


def _job(execution: Execution, name: str) -> dict[str, Any]:
    """All that the courier is told. Raises InvalidRequestError."""
    folder = f"{FOLDER}/{name}"
    folders = {part: f"{folder}/{part}" for part in ("artifact", "work", "tmp", "home", "guest")}
    chosen = execution.action
    return {
        "folder": folder,
        "lifetime_s": _lifetime_s(execution.limits),
        "job": plan.job_in_folders(execution, folders, new_key()),
        "environment": plan.environment_in_folders(execution, folders),
        "limits": plan.limits(execution.limits),
        "stdin": base64.b64encode(chosen.stdin if isinstance(chosen, Command) else b"").decode(),
    }


def _packed(execution: Execution, job: Mapping[str, Any]) -> bytes:
    files = {"job.json": File(content=json.dumps(job).encode())}
    home = execution.surroundings.home
    for folder, tree in (("artifact", execution.files), ("work", execution.work), ("home", home)):
        files |= {f"{folder}/{path}": file for path, file in tree.items()}
    return _archive({path: file.content for path, file in files.items()}, files)


def _archive(contents: Mapping[str, bytes], files: Mapping[str, File] | None = None) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, raw in contents.items():
            entry = zipfile.ZipInfo(path)
            mode = 0o755 if files and files[path].mode == "0755" else 0o644
            entry.external_attr, entry.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, raw)
    return packed.getvalue()


def _text(module: str) -> bytes:
    return Path(__file__).with_name(f"{module}.py").read_bytes()

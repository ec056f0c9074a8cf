"""Two fakes of the sandbox port, neither of which isolates anything.

`ScriptedSandbox` answers as it is told. `ProcessSandbox` really runs code, in a process forked from
a warm interpreter, and watches it as far as an audit hook sees: **only for programs that were
read before**, such as the test programs of this project.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json, digest_bytes, digest_json
from lignin.ports.sandbox import (
    TIER_CAPABILITIES,
    Capability,
    Command,
    Effect,
    Execution,
    Observed,
    RequestHandler,
    Status,
)
from lignin.testing.fakes import sandbox_guest

_GUEST = Path(sandbox_guest.__file__)


class ScriptedSandbox:
    """Answers every run by a function of its execution, and remembers what was asked."""

    def __init__(
        self, answer: Callable[[Execution], Observed], *, policy: str = "scripted"
    ) -> None:
        self._answer = answer
        self.policy_digest: Digest = digest_json(policy)
        self.executions: list[Execution] = []

    @property
    def tier(self) -> str:
        return "ns"  # it stands for the tier that promotion asks for

    @property
    def capabilities(self) -> frozenset[Capability]:
        return TIER_CAPABILITIES["ns"]

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:  # noqa: ARG002 -- of the port
        self.executions.append(execution)
        return self._answer(execution)

    def close(self) -> None:
        """Nothing was started."""


class ProcessSandbox:
    """Runs vetted code in forks of a warm interpreter, one such per hash seed."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="lignin-fake-sandbox-"))
        self._servers: dict[int, subprocess.Popen[bytes]] = {}
        self._roots: dict[str, Path] = {}
        self._lock = threading.Lock()

    @property
    def tier(self) -> str:
        return "ns"  # it stands for the tier that promotion asks for

    @property
    def capabilities(self) -> frozenset[Capability]:
        return TIER_CAPABILITIES["ns"]

    @property
    def policy_digest(self) -> Digest:
        return digest_bytes(_GUEST.read_bytes() + sys.version.encode())

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:  # noqa: ARG002 -- of the port
        """Run once. One at a time: the lock keeps requests and answers in step."""
        with self._lock:
            root = self._root_of(execution.files)
            work = Path(tempfile.mkdtemp(dir=self._folder, prefix="work-"))
            try:
                return self._run_in(execution, root, work)
            finally:
                shutil.rmtree(work, ignore_errors=True)

    def close(self) -> None:
        """End the interpreters and take away their folder."""
        for server in self._servers.values():
            if server.stdin is not None and server.stdout is not None:
                server.stdin.close()
                server.wait(timeout=10)
                server.stdout.close()
        self._servers.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _root_of(self, files: Mapping[str, File]) -> Path:
        name = digest_json({path: file.sha256 for path, file in files.items()})[-24:]
        if name not in self._roots:
            self._roots[name] = _materialised(self._folder / name, files)
        return self._roots[name]

    def _run_in(self, execution: Execution, root: Path, work: Path) -> Observed:
        _materialised(work / "in", execution.work)
        answer = self._asked(execution, _request(execution, root, work))
        status: Status = answer["status"]
        limit = execution.limits.output_bytes
        stdout, stderr = (_read(work / name, limit + 1) for name in ("stdout", "stderr"))
        if status == "exited" and max(len(stdout), len(stderr)) > limit:
            status = "output"
        said = json.loads(_read(work / "answer", 16 * 2**20) or b"{}")
        return Observed(
            status=status,
            tier=self.tier,
            exit_code=answer["exit_code"],
            stdout=stdout[:limit],
            stderr=stderr[:limit],
            returned="result" in said,
            result=said.get("result"),
            error=said.get("error"),
            message=said.get("message", ""),
            effects=tuple(Effect(kind=k, target=t) for k, t in said.get("effects", [])),
            written=_changed(work / "in", execution.work),
            wall_s=answer["wall_s"],
            cpu_s=answer["cpu_s"],
        )

    def _asked(self, execution: Execution, request: Json) -> Json:
        server = self._server(execution.hash_seed)
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(request).encode() + b"\n")
        server.stdin.flush()
        patience = execution.limits.wall_s + 20
        if not select.select([server.stdout], [], [], patience)[0]:
            server.kill()
            del self._servers[execution.hash_seed]
            return {"status": "infrastructure", "exit_code": None, "wall_s": patience, "cpu_s": 0}
        return json.loads(server.stdout.readline())

    def _server(self, hash_seed: int) -> subprocess.Popen[bytes]:
        server = self._servers.get(hash_seed)
        if server is None or server.poll() is not None:
            server = subprocess.Popen(  # noqa: S603 -- our own file, our own interpreter
                [sys.executable, "-S", str(_GUEST)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={"PYTHONHASHSEED": str(hash_seed), "PATH": os.defpath, "LANG": "C.UTF-8"},
            )
            self._servers[hash_seed] = server
        return server


def _request(execution: Execution, root: Path, work: Path) -> Json:
    action = execution.action
    body: dict[str, Json] = {
        "root": str(root),
        "work": str(work),
        "packages": execution.packages,
        "clock_offset_s": execution.clock_offset_s,
        "entropy": execution.entropy,
        "wall_s": execution.limits.wall_s,
        "cpu_s": execution.limits.cpu_s,
        "memory_bytes": execution.limits.memory_bytes,
    }
    if isinstance(action, Command):
        words = [word.replace("/artifact", str(root), 1) for word in action.argv]
        words[0] = sys.executable if words[0] == "python" else words[0]
        (work / "stdin").write_bytes(action.stdin)
        return body | {"argv": words}
    call = {"file": action.file, "function": action.function}
    return body | call | {"arguments": dict(action.arguments)}


def _materialised(folder: Path, files: Mapping[str, File]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for path, file in files.items():
        spot = folder / path
        spot.parent.mkdir(parents=True, exist_ok=True)
        spot.write_bytes(file.content)
        spot.chmod(int(file.mode, 8))
    return folder


def _read(path: Path, limit: int) -> bytes:
    if not path.is_file():
        return b""
    with path.open("rb") as stream:
        return stream.read(limit)


def _changed(folder: Path, before: Mapping[str, File]) -> dict[str, bytes]:
    changed = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            content = path.read_bytes()
            if name not in before or before[name].content != content:
                changed[name] = content
    return changed

"""Machines of the `vm` tier from a Docker daemon, by its command line.

A container shares the daemon's kernel unless the daemon runs it in something stronger (gVisor, Kata).
Images are never fetched here: what a run starts from is there already.
"""

import contextlib
import subprocess

from lignin.adapters.sandbox.vm import MARGIN_S, Machine, Wanted
from lignin.domain.errors import UnavailableError

IMAGE = "python:3.12-slim"
_RIGHTS = ("SETUID", "SETGID", "KILL", "CHOWN", "DAC_OVERRIDE")
"""What the courier needs to become nobody, to end processes and to read what they left."""
_OWN_BYTES = 128 * 2**20  # the courier's memory
_OWN_PROCESSES = 16
_CALL_S = 30.0
_WRITE = 'mkdir -p "$(dirname "$1")" && cat > "$1"'


class DockerProvider:
    """Containers without network, read-only but for a bounded `/tmp`."""

    name = "docker"

    def __init__(self, image: str = "", program: str = "docker") -> None:
        self.image = image or IMAGE
        self.needs = f"start a Docker daemon and have the image there: docker pull {self.image}"
        self._program = program

    def make(self, wanted: Wanted) -> Machine:
        """Start a container that sleeps for its lifetime and is removed when it ends."""
        container = _Container(self._program, wanted.name)
        try:
            container.call(*self._words(wanted), timeout_s=MARGIN_S)
        except BaseException:
            with contextlib.suppress(Exception):  # the first error says more
                container.destroy()
            raise
        return container

    def _words(self, wanted: Wanted) -> list[str]:
        limits = wanted.limits
        memory = str(limits.memory_bytes + limits.work_bytes + _OWN_BYTES)
        size = limits.work_bytes + 16 * 2**20  # the guest and the mail lie there too
        options = {
            "name": wanted.name,
            "pull": "never",
            "network": "none",
            "ipc": "none",
            "cap-drop": "ALL",
            "security-opt": "no-new-privileges",
            "user": "0:0",
            "memory": memory,
            "memory-swap": memory,
            "pids-limit": str(limits.processes + _OWN_PROCESSES),
            "cpus": "1",
            "tmpfs": f"/tmp:rw,exec,nosuid,nodev,mode=1777,size={size}",  # noqa: S108 - there
            "entrypoint": "sleep",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        words += [f"--cap-add={right}" for right in _RIGHTS]
        return ["run", "--detach", "--rm", "--init", "--read-only", *words, self.image,
                str(wanted.lifetime_s)]  # fmt: skip


class _Container:
    def __init__(self, program: str, name: str) -> None:
        self._program = program
        self._name = name

    def call(self, *words: str, content: bytes = b"", timeout_s: float = _CALL_S) -> bytes:
        done = subprocess.run(  # noqa: S603 - the words are ours, what came from elsewhere is data
            [self._program, *words], input=content, capture_output=True, timeout=timeout_s,
            check=False,
        )  # fmt: skip
        if done.returncode != 0:
            told = done.stderr.decode(errors="replace").strip()[-500:]
            raise UnavailableError(f"docker {words[0]} ended with {done.returncode}: {told}")
        return done.stdout

    def write(self, path: str, content: bytes) -> None:
        inside = ("sh", "-c", _WRITE, "sh", path)
        self.call("exec", "--interactive", self._name, *inside, content=content)

    def run(self, argv: tuple[str, ...], timeout_s: int) -> int:
        words = [self._program, "exec", self._name, *argv]
        done = subprocess.run(words, capture_output=True, timeout=timeout_s, check=False)  # noqa: S603
        return done.returncode

    def read(self, path: str, most_bytes: int) -> bytes:
        words = [self._program, "exec", self._name, "cat", path]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603
            assert process.stdout is not None
            content = process.stdout.read(most_bytes + 1)
            if len(content) > most_bytes:
                process.kill()
                raise UnavailableError(f"{path} is longer than {most_bytes} bytes")
        if process.returncode != 0:
            raise UnavailableError(f"{path} could not be read: {process.returncode}")
        return content

    def destroy(self) -> None:
        try:
            self.call("rm", "--force", self._name)
        except UnavailableError as error:
            if "No such container" not in error.message:
                raise

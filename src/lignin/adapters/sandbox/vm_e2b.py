"""Machines of the `vm` tier from E2B, by its Python client (`lignin[e2b]`, `E2B_API_KEY`).

The template decides memory and processors there; the courier keeps a run's own bounds.
"""

import shlex
from typing import Any

from lignin.adapters.sandbox.vm import Machine, Wanted, joined

IMAGE = "base"


class E2bProvider:
    """Sandboxes of a template, without internet access."""

    name = "e2b"
    needs = "set E2B_API_KEY"

    def __init__(self, image: str = "", sdk: Any = None) -> None:
        """Take the client; raises ImportError where it is not installed."""
        if sdk is None:
            import e2b

            sdk = e2b
        self._sdk = sdk
        self.image = image or IMAGE

    def make(self, wanted: Wanted) -> Machine:
        """Create a sandbox that the service kills at the end of its lifetime."""
        sandbox = self._sdk.Sandbox.create(
            template=self.image,
            timeout=wanted.lifetime_s,
            metadata={"lignin": wanted.name},
            allow_internet_access=False,
        )
        return _E2bMachine(self._sdk, sandbox)


class _E2bMachine:
    def __init__(self, sdk: Any, sandbox: Any) -> None:
        self._sdk = sdk
        self._sandbox = sandbox

    def write(self, path: str, content: bytes) -> None:
        self._sandbox.files.write(path, content, user="root")

    def run(self, argv: tuple[str, ...], timeout_s: int) -> int:
        command = shlex.join(argv)
        try:
            done = self._sandbox.commands.run(command, user="root", cwd="/", timeout=timeout_s)
        except self._sdk.CommandExitException as error:
            return int(error.exit_code)
        return int(done.exit_code)

    def read(self, path: str, most_bytes: int) -> bytes:
        return joined(self._sandbox.files.read(path, format="stream", user="root"), most_bytes)

    def destroy(self) -> None:
        self._sandbox.kill()  # False where it is gone already

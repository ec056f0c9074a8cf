"""Machines of the `vm` tier from Daytona, by its Python client (`lignin[daytona]`, `DAYTONA_API_KEY`)."""

import contextlib
import math
import posixpath
import shlex
from typing import Any

from lignin.adapters.sandbox.vm import Machine, Wanted, joined
from lignin.domain.errors import UnavailableError

IMAGE = "python:3.12-slim"
_GIBIBYTE = 2**30


class DaytonaProvider:
    """Ephemeral sandboxes of an image, with all network blocked."""

    name = "daytona"
    needs = "set DAYTONA_API_KEY"

    def __init__(self, image: str = "", sdk: Any = None) -> None:
        """Take the client; raises ImportError where it is not installed."""
        if sdk is None:
            import daytona

            sdk = daytona
        self._sdk = sdk
        self.image = image or IMAGE

    def make(self, wanted: Wanted) -> Machine:
        """Create a sandbox that the service deletes soon after its lifetime."""
        sdk, limits = self._sdk, wanted.limits
        minutes = math.ceil(wanted.lifetime_s / 60)
        parameters = sdk.CreateSandboxFromImageParams(
            image=self.image,
            name=wanted.name,
            labels={"lignin": wanted.name},
            public=False,
            ephemeral=True,
            ttl_minutes=minutes,
            auto_stop_interval=minutes,
            network_block_all=True,
            resources=sdk.Resources(
                cpu=1, memory=math.ceil((limits.memory_bytes + limits.work_bytes) / _GIBIBYTE)
            ),
        )
        return _DaytonaMachine(sdk, sdk.Daytona().create(parameters, timeout=wanted.lifetime_s))


class _DaytonaMachine:
    def __init__(self, sdk: Any, sandbox: Any) -> None:
        self._sdk = sdk
        self._sandbox = sandbox
        self._folder = ""

    def write(self, path: str, content: bytes) -> None:
        folder = posixpath.dirname(path)
        if folder != self._folder:
            if code := self.run(("mkdir", "-p", folder), 30):
                raise UnavailableError(f"{folder} could not be made: exit code {code}")
            self._folder = folder
        self._sandbox.fs.upload_file(content, path)

    def run(self, argv: tuple[str, ...], timeout_s: int) -> int:
        done = self._sandbox.process.exec(shlex.join(argv), timeout=timeout_s)
        return int(done.exit_code)

    def read(self, path: str, most_bytes: int) -> bytes:
        return joined(self._sandbox.fs.download_file_stream(path), most_bytes)

    def destroy(self) -> None:
        with contextlib.suppress(self._sdk.DaytonaNotFoundError):  # it is gone already
            self._sandbox.delete()

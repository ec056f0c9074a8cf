"""What is used of the client of E2B, with its signatures, over local machines."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from unit.adapters.sandbox.standins.machines import Cloud, interpreter


class SandboxException(Exception):  # noqa: N818 - its name there
    pass


class TimeoutException(SandboxException):
    pass


class RateLimitException(SandboxException):
    pass


@dataclass
class CommandResult:
    stderr: str | None
    stdout: str | None
    exit_code: int
    error: str | None


@dataclass
class CommandExitException(SandboxException, CommandResult):
    pass


def client(cloud: Cloud) -> Any:
    """The module `e2b` of one service."""

    class Commands:
        def __init__(self, network: bool) -> None:
            self._network = network

        def run(
            self,
            cmd: str,
            background: bool | None = None,
            envs: dict[str, str] | None = None,
            user: str | None = None,
            cwd: str | None = None,
            on_stdout: Callable[[str], None] | None = None,
            on_stderr: Callable[[str], None] | None = None,
            stdin: bool | None = None,
            timeout: float | None = 60,
            request_timeout: float | None = None,
            *,
            retain_output: bool = True,
        ) -> CommandResult:
            assert user == "root" and cwd == "/"
            cmd = cmd.replace("python3 ", interpreter() + " ", 1)
            try:
                code = cloud.run(["/bin/bash", "-l", "-c", cmd], timeout, network=self._network)
            except subprocess.TimeoutExpired as error:
                raise TimeoutException("deadline exceeded") from error
            if code:
                raise CommandExitException(stderr="", stdout="", exit_code=code, error=None)
            return CommandResult(stderr="", stdout="", exit_code=0, error=None)

    class Filesystem:
        def write(
            self,
            path: str,
            data: str | bytes,
            user: str | None = None,
            request_timeout: float | None = None,
            gzip: bool = False,
            use_octet_stream: bool | None = None,
            metadata: dict[str, str] | None = None,
        ) -> None:
            assert isinstance(data, bytes)
            cloud.write(path, data)

        def read(
            self,
            path: str,
            format: str = "text",
            user: str | None = None,
            request_timeout: float | None = None,
            gzip: bool = False,
            stream_idle_timeout: float | None = None,
        ) -> Iterator[bytes]:
            assert format == "stream"
            return cloud.stream(path)

    class Sandbox:
        commands: Commands
        files: Filesystem

        @classmethod
        def create(
            cls,
            template: str | None = None,
            timeout: int | None = None,
            metadata: dict[str, str] | None = None,
            envs: dict[str, str] | None = None,
            secure: bool | None = None,
            allow_internet_access: bool | None = None,
        ) -> "Sandbox":
            cloud.fail("make")
            cloud.asked.append({"template": template, "timeout": timeout})
            made = cls()
            made.commands, made.files = Commands(allow_internet_access is not False), Filesystem()
            return made

        def kill(self) -> bool:
            cloud.destroy()
            return True

    class Module:
        pass

    module = Module()
    module.Sandbox, module.CommandExitException = Sandbox, CommandExitException  # type: ignore[attr-defined]
    module.Commands, module.Filesystem = Commands, Filesystem  # type: ignore[attr-defined]
    return module

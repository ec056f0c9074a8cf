"""What is used of the client of Daytona, with its signatures, over local machines."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from unit.adapters.sandbox.standins.machines import Cloud, interpreter


class DaytonaError(Exception):
    pass


class DaytonaNotFoundError(DaytonaError):
    pass


class DaytonaTimeoutError(DaytonaError):
    pass


@dataclass
class Resources:
    cpu: int | None = None
    memory: int | None = None
    disk: int | None = None


@dataclass(kw_only=True)
class CreateSandboxFromImageParams:
    image: str
    name: str | None = None
    labels: dict[str, str] | None = None
    public: bool | None = None
    auto_stop_interval: int | None = None
    ttl_minutes: int | None = None
    network_block_all: bool | None = None
    ephemeral: bool | None = None
    resources: Resources | None = None


@dataclass
class ExecuteResponse:
    exit_code: int
    result: str


def client(cloud: Cloud) -> Any:
    """The module `daytona` of one service."""

    class Process:
        def __init__(self, network: bool) -> None:
            self._network = network

        def exec(
            self,
            command: str,
            cwd: str | None = None,
            env: dict[str, str] | None = None,
            timeout: int | None = None,
        ) -> ExecuteResponse:
            command = command.replace("python3 ", interpreter() + " ", 1)
            try:
                code = cloud.run(["/bin/sh", "-c", command], timeout, network=self._network)
            except subprocess.TimeoutExpired as error:
                raise DaytonaTimeoutError("timed out") from error
            return ExecuteResponse(exit_code=code, result="")

    class FileSystem:
        def upload_file(self, src: str | bytes, dst: str, timeout: int = 1800) -> None:
            assert isinstance(src, bytes)  # a string is a local path there
            cloud.write(dst, src)

        def download_file_stream(self, remote_path: str, timeout: int = 1800) -> Iterator[bytes]:
            return cloud.stream(remote_path)

    class Sandbox:
        def __init__(self, network: bool) -> None:
            self.process, self.fs = Process(network), FileSystem()
            self._gone = False

        def delete(self, timeout: float | None = 60, wait: bool = False) -> None:
            if self._gone:
                raise DaytonaNotFoundError("no such sandbox")
            cloud.destroy()
            self._gone = True

    class Daytona:
        def __init__(self, config: object = None) -> None:
            pass

        def create(
            self, params: CreateSandboxFromImageParams | None = None, *, timeout: float = 60
        ) -> Sandbox:
            cloud.fail("make")
            assert params is not None
            assert params.ephemeral and params.name
            cloud.make(params.name)
            cloud.asked.append({"image": params.image, "ttl_minutes": params.ttl_minutes})
            return Sandbox(not params.network_block_all)

    class Module:
        pass

    module = Module()
    given = (Daytona, Sandbox, Process, FileSystem, CreateSandboxFromImageParams, Resources)
    for one in (*given, DaytonaNotFoundError):
        setattr(module, one.__name__, one)
    return module

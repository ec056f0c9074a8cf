"""What is used of the client of Modal, with its signatures, over local machines."""

import subprocess
from typing import Any

from unit.adapters.sandbox.standins.machines import Cloud


class Error(Exception):
    pass


class NotFoundError(Error):
    pass


class exception:  # noqa: N801 - a module there
    NotFoundError = NotFoundError


class App:
    @staticmethod
    def lookup(
        name: str,
        *,
        client: object = None,
        environment_name: str | None = None,
        create_if_missing: bool = False,
    ) -> "App":
        assert create_if_missing
        return App()


class Image:
    @staticmethod
    def debian_slim(python_version: str | None = None, force_build: bool = False) -> "Image":
        return Image()

    @staticmethod
    def from_registry(tag: str, secret: object = None, **kwargs: object) -> "Image":
        return Image()


class FileInfo:
    def __init__(self, size: int) -> None:
        self.size = size


def client(cloud: Cloud) -> Any:
    """The module `modal` of one service."""

    class ContainerProcess:
        def __init__(self, args: tuple[str, ...], timeout: int | None, network: bool) -> None:
            self._args, self._timeout, self._network = args, timeout, network

        def wait(self) -> int:
            try:
                return cloud.run(list(self._args), self._timeout, network=self._network)
            except subprocess.TimeoutExpired:
                return -1

    class Filesystem:
        def write_bytes(self, data: bytes, remote_path: str) -> None:
            cloud.write(remote_path, data)

        def stat(self, remote_path: str) -> FileInfo:
            return FileInfo(len(cloud.spoil(cloud.read(remote_path))))

        def read_bytes(self, remote_path: str) -> bytes:
            return cloud.read(remote_path)

    class Sandbox:
        filesystem = Filesystem()
        network = True
        gone = False

        @staticmethod
        def create(
            *args: str,
            app: App | None = None,
            name: str | None = None,
            image: Image | None = None,
            timeout: int | None = 300,
            cpu: float | tuple[float, float] | None = None,
            memory: int | tuple[int, int] | None = None,
            block_network: bool = False,
        ) -> "Sandbox":
            cloud.fail("make")
            assert isinstance(app, App) and isinstance(image, Image)
            assert args[0] == "sleep" and isinstance(timeout, int)
            cloud.asked.append({"timeout": timeout, "memory": memory})
            made = Sandbox()
            made.network = not block_network
            return made

        def exec(self, *args: str, timeout: int | None = None) -> ContainerProcess:
            assert timeout is None or isinstance(timeout, int)
            return ContainerProcess(args, timeout, self.network)

        def terminate(self, *, wait: bool = False) -> int | None:
            if self.gone:
                raise NotFoundError("no such sandbox")
            cloud.destroy()
            self.gone = True
            return None

    class Module:
        pass

    module = Module()
    for name, value in {"Sandbox": Sandbox, "App": App, "Image": Image,
                        "ContainerProcess": ContainerProcess, "Filesystem": Filesystem, "exception": exception}.items():  # fmt: skip
        setattr(module, name, value)
    return module

"""The stand-ins have the signatures of the clients they stand for, where those are installed."""

import importlib
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from unit.adapters.sandbox.standins import daytona, e2b, modal
from unit.adapters.sandbox.standins.machines import Cloud

_SAME = {
    "e2b": (
        ("Sandbox.create", "e2b", "Sandbox.create"),
        ("Sandbox.kill", "e2b", "Sandbox.kill"),
        ("Commands.run", "e2b.sandbox_sync.commands.command", "Commands.run"),
        ("Filesystem.write", "e2b.sandbox_sync.filesystem.filesystem", "Filesystem.write"),
        ("Filesystem.read", "e2b.sandbox_sync.filesystem.filesystem", "Filesystem.read"),
    ),
    "modal": (
        ("App.lookup", "modal", "App.lookup"),
        ("Image.debian_slim", "modal", "Image.debian_slim"),
        ("Image.from_registry", "modal", "Image.from_registry"),
        ("Sandbox.create", "modal", "Sandbox.create"),
        ("Sandbox.exec", "modal", "Sandbox.exec"),
        ("Sandbox.terminate", "modal", "Sandbox.terminate"),
        ("ContainerProcess.wait", "modal.container_process", "ContainerProcess.wait"),
        ("Filesystem.stat", "modal.sandbox._filesystem", "_SandboxFilesystem.stat"),
        ("Filesystem.read_bytes", "modal.sandbox._filesystem", "_SandboxFilesystem.read_bytes"),
        ("Filesystem.write_bytes", "modal.sandbox._filesystem", "_SandboxFilesystem.write_bytes"),
    ),
    "daytona": (
        ("Daytona.create", "daytona", "Daytona.create"),
        ("CreateSandboxFromImageParams", "daytona", "CreateSandboxFromImageParams"),
        ("Resources", "daytona", "Resources"),
        ("Sandbox.delete", "daytona._sync.sandbox", "Sandbox.delete"),
        ("Process.exec", "daytona._sync.process", "Process.exec"),
        ("FileSystem.upload_file", "daytona._sync.filesystem", "FileSystem.upload_file"),
        ("FileSystem.download_file_stream", "daytona._sync.filesystem", "FileSystem.download_file_stream"),
    ),
}  # fmt: skip
_CLIENTS: dict[str, Callable[[Cloud], Any]] = {
    "e2b": e2b.client,
    "modal": modal.client,
    "daytona": daytona.client,
}


def _found(start: object, path: str) -> Any:
    for name in path.split("."):
        start = getattr(start, name)
    return start


@pytest.mark.parametrize(
    ("service", "ours", "module", "theirs"),
    [(service, *row) for service, rows in _SAME.items() for row in rows],
)
def test_every_parameter_is_one_of_the_client_s_with_its_default(
    service: str, ours: str, module: str, theirs: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip(service)
        real = inspect.signature(_found(importlib.import_module(module), theirs)).parameters
    stand_in = inspect.signature(_found(_CLIENTS[service](Cloud()), ours)).parameters
    assert set(stand_in) - {"kwargs"} <= set(real)
    placed = inspect.Parameter.POSITIONAL_OR_KEYWORD
    order = [name for name in real if name in stand_in and real[name].kind == placed]
    assert order == [name for name in stand_in if name in order]
    for name in stand_in.keys() & real.keys():
        if real[name].default is inspect.Parameter.empty or name == "kwargs":
            continue
        assert stand_in[name].default == real[name].default, name

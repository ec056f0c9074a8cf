"""Opens the system that was asked for: a function by its name, else a command line."""

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

from lignin.adapters.systems.command import PlainCommand, SandboxedCommand
from lignin.adapters.systems.content import read_content
from lignin.adapters.systems.function import FunctionSystem
from lignin.domain.codec import digest_bytes
from lignin.domain.errors import DeniedError, NotFoundError
from lignin.ports.sandbox import Sandbox
from lignin.ports.system import System, SystemAsked

FUNCTION = "python:"


def open_system(asked: SystemAsked, open_sandbox: Callable[[], Sandbox]) -> System:
    """Open a system.

    Raises:
        DeniedError: A function, without leave to run unconfined.
        InvalidRequestError: No command line.
        LimitedError: It brings too many files.
        NotFoundError: No such module or function.
        UnavailableError: There is no sandbox.
    """
    if asked.spec.startswith(FUNCTION):
        return _function(asked)
    content = read_content(asked.spec, asked.folder)
    if asked.unsandboxed:
        return PlainCommand(asked, content)
    return SandboxedCommand(asked, content, open_sandbox())


def _function(asked: SystemAsked) -> FunctionSystem:
    if not asked.unsandboxed:
        raise DeniedError(
            f"{asked.spec} would run inside Lignin itself", hint="--unsandboxed says that it may"
        )
    module_name, _, name = asked.spec.removeprefix(FUNCTION).partition(":")
    sys.path.insert(0, str(asked.folder))
    try:
        module = importlib.import_module(module_name)
        function = getattr(module, name)
    except (ImportError, AttributeError, ValueError) as error:
        raise NotFoundError(f"{asked.spec}: {error}", hint="python:MODULE:FUNCTION") from None
    finally:
        sys.path.remove(str(asked.folder))
    file = inspect.getsourcefile(module)
    content = digest_bytes(Path(file).read_bytes()) if file else ""
    harness = {path: each.sha256 for path, each in sorted(asked.harness.items())}
    return FunctionSystem(asked.spec, function, [content, harness])

"""Opens the system that was asked for: a function by its name, else a command line."""

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from lignin.adapters.systems.command import PlacedCommand, PlainCommand, SandboxedCommand
from lignin.adapters.systems.content import Content, read_content
from lignin.adapters.systems.function import FunctionSystem
from lignin.adapters.systems.named import digest_named, tell_named
from lignin.adapters.systems.reading import Reading
from lignin.adapters.systems.staying import Left, staying
from lignin.adapters.systems.surroundings import digest_folder, digest_program
from lignin.domain.codec import Digest, digest_bytes, digest_json
from lignin.domain.errors import DeniedError, InvalidRequestError, NotFoundError
from lignin.ports.sandbox import Sandbox
from lignin.ports.system import System, SystemAsked

FUNCTION = "python:"


def open_system(asked: SystemAsked, open_sandbox: Callable[[], Sandbox]) -> System:
    """Open a system.

    Raises:
        DeniedError: A function, without leave to run unconfined.
        InvalidRequestError: No command line, or a module that exits as it is loaded.
        LimitedError: It brings too many files.
        NotFoundError: No such module or function.
        UnavailableError: There is no sandbox.
    """
    if asked.spec.startswith(FUNCTION):
        return _function(asked)
    if asked.unsandboxed and asked.place is not None:
        return PlacedCommand(asked, asked.place)
    if asked.command:
        content = Content(asked.command, frozenset(asked.files), dict(asked.files))
    else:
        content = read_content(asked.spec, asked.folder)
    if asked.unsandboxed:
        own = "its words, the files and folders that these name, of those elsewhere the code and texts"
        return PlainCommand(asked, content, digest_named(asked), _covers(own, asked))
    return SandboxedCommand(asked, content, open_sandbox())


def _function(asked: SystemAsked) -> FunctionSystem:
    if not asked.unsandboxed:
        raise DeniedError(
            f"{asked.spec} would run inside Lignin itself", hint="--unsandboxed says that it may"
        )
    module_name, _, name = asked.spec.removeprefix(FUNCTION).partition(":")
    sys.path.insert(0, str(asked.folder))
    reading = Reading(asked.folder)
    try:
        with reading.watched(), staying():
            module, content = _module(module_name, asked.folder)
        function = getattr(module, name)
    except (ImportError, AttributeError, ValueError) as error:
        raise NotFoundError(f"{asked.spec}: {error}", hint="python:MODULE:FUNCTION") from None
    except (SystemExit, Left) as error:
        told = f"exit {error.code}" if isinstance(error, SystemExit) else str(error)
        raise InvalidRequestError(
            f"{asked.spec}: its module ends Lignin as it is loaded ({told})",
            hint='put what only a script does below `if __name__ == "__main__":`',
        ) from None
    finally:
        sys.path.remove(str(asked.folder))
    also = digest_named(asked)
    return FunctionSystem(
        asked.spec,
        function,
        digest_json([content, also]) if also else content,
        asked.harness,
        reading=reading,
        covers=_covers("the code and texts of its module's folder", asked),
    )


def _covers(own: str, asked: SystemAsked) -> str:
    """What the digest of an unconfined system covers, and what not."""
    named = tell_named(asked)
    covered = f"{own}, and {named}" if named else own
    rest = "any other file, module or variable that it reads (--reads-path, --reads-variable)"
    return (
        f"its digest covers {covered}; it does not cover {rest}, nor what answers it from elsewhere"
    )


def _module(name: str, folder: Path) -> tuple[ModuleType, Digest]:
    """A module with the digest of the very source that it was made of, and of what lies beside it; one
    that lies in the folder is made anew, whatever was loaded under its name before."""
    file = folder / f"{name.replace('.', '/')}.py"
    if not file.is_file():
        module = importlib.import_module(name)
        found = inspect.getsourcefile(module)
        return module, digest_program(Path(found)) if found else ""
    beside, source = digest_folder(folder), file.read_bytes()
    if _LOADED.setdefault(folder, beside) != beside:
        _forget(folder)
        _LOADED[folder] = beside
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    exec(compile(source, str(file), "exec"), module.__dict__)  # noqa: S102 - the user said that it may
    return module, digest_json([digest_bytes(source), beside])


_LOADED: dict[Path, Digest] = {}


def _forget(folder: Path) -> None:
    """Have modules of a changed folder read anew, as its digest was."""
    importlib.invalidate_caches()
    for name, module in list(sys.modules.items()):
        stem = folder / name.replace(".", "/")
        own = {f"{stem}.py", f"{stem}/__init__.py"}
        if name.partition(".")[0] != "lignin" and getattr(module, "__file__", None) in own:
            del sys.modules[name]

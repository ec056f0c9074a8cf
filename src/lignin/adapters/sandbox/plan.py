"""What a tier is told to do, worked out from an `Execution`. Pure: no process, no file.

Owns the reading of `argv` (which Python calls run under the guest, so that their effects are seen)
and the environment that code gets.
"""

from collections.abc import Mapping
from typing import Any

from lignin.domain.artifacts import File, require_safe_path
from lignin.domain.codec import canonical_bytes
from lignin.domain.errors import InvalidRequestError
from lignin.ports.sandbox import (
    HOME_FOLDER,
    PACKAGES_FOLDER,
    Execution,
    Limits,
    PythonCall,
)

MAX_HASH_SEED = 2**32 - 1
_PYTHON = frozenset({"python", "python3"})
_HARMLESS_FLAGS = frozenset({"-u", "-B", "-I", "-s", "-S", "-E", "-P", "-q"})


def environment(
    execution: Execution, guest_folder: str, packages: str = PACKAGES_FOLDER
) -> dict[str, str]:
    """The whole environment inside; `packages` is where programs that a run starts find its own."""
    around = execution.surroundings
    path = [guest_folder, *([packages] if packages and execution.packages else [])]
    return {
        **around.variables,
        "HOME": HOME_FOLDER if around.home else "/work",
        "LANG": "C.UTF-8",
        "PATH": f"{guest_folder}/bin:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": str(execution.hash_seed),
        "PYTHONPATH": ":".join(path),
    }


def action(execution: Execution) -> dict[str, Any]:
    """The job for the guest, or `{"do": "exec", "exec": argv}` for every other program."""
    common: dict[str, Any] = {
        "clock_offset_s": execution.clock_offset_s,
        "entropy": execution.entropy,
    }
    if execution.packages:
        common["packages"] = PACKAGES_FOLDER
    chosen = execution.action
    if isinstance(chosen, PythonCall):
        require_safe_path(chosen.file)
        arguments = dict(chosen.arguments)
        canonical_bytes(arguments)
        wanted = {"do": "call", "file": chosen.file, "function": chosen.function}
        return {**common, **wanted, "arguments": arguments}
    if not chosen.argv:
        raise InvalidRequestError("a command needs at least one word")
    program = python_program(chosen.argv)
    if program is not None:
        return {**common, "do": "program", **program}
    return {**common, "do": "exec", "exec": list(chosen.argv)}


def job_in_folders(execution: Execution, folders: Mapping[str, str], key: str) -> dict[str, Any]:
    """The guest's job where its folders lie elsewhere, with the bounds that one process can have.

    Where it is `exec`, `argv` is still to be named from `exec`.
    """
    bounds = execution.limits
    job = {**action(execution), "key": key}
    for words in ("exec", "argv"):
        if words in job:
            job[words] = [_outside(word, folders) for word in job[words]]
    job["roots"] = {name: folders[name] for name in ("artifact", "work", "tmp", "home")}
    if execution.packages:
        job["packages"] = job["roots"]["packages"] = execution.packages
    job["rlimits"] = {
        "RLIMIT_CPU": [bounds.cpu_s, bounds.cpu_s + 1],
        "RLIMIT_AS": [bounds.memory_bytes + 64 * 2**20] * 2,
        "RLIMIT_FSIZE": [bounds.work_bytes] * 2,
        "RLIMIT_CORE": [0, 0],
    }
    return job


def environment_in_folders(execution: Execution, folders: Mapping[str, str]) -> dict[str, str]:
    """The whole environment where the sandbox's folders lie elsewhere."""
    home = folders["home" if execution.surroundings.home else "work"]
    # The guest adds the packages when it has started: nothing of theirs may stand in for what it needs.
    plain = environment(execution, folders["guest"], "")
    return {**plain, "HOME": home, "TMPDIR": folders["tmp"]}


def _outside(word: str, folders: Mapping[str, str]) -> str:
    """A word that names a path of the sandbox, as the path it has there."""
    for name in ("artifact", "work"):
        if word == f"/{name}" or word.startswith(f"/{name}/"):
            return f"{folders[name]}{word[len(name) + 1 :]}"
    return word


def python_program(argv: tuple[str, ...]) -> dict[str, Any] | None:
    """How the guest runs a Python command line, or None where only the interpreter itself can."""
    if argv[0] not in _PYTHON:
        return None
    rest = list(argv[1:])
    while rest and rest[0] in _HARMLESS_FLAGS:
        rest.pop(0)
    if not rest or rest[0] == "-":
        return {"how": "stdin", "argv": rest or [""]}
    if rest[0] == "-c" and len(rest) > 1:
        return {"how": "code", "code": rest[1], "argv": ["-c", *rest[2:]]}
    if rest[0] == "-m" and len(rest) > 1:
        return {"how": "module", "argv": rest[1:]}
    return None if rest[0].startswith("-") else {"how": "file", "argv": rest}


def limits(bounds: Limits) -> dict[str, float]:
    """The bounds as JSON; raises InvalidRequestError for one that is not positive."""
    found = {name: getattr(bounds, name) for name in Limits.__dataclass_fields__}
    for name, value in found.items():
        if not value > 0:
            raise InvalidRequestError(f"limit {name} is {value}; it must be above 0")
    return found


def entries(files: Mapping[str, File]) -> tuple[list[list[Any]], bytes]:
    """`[path, mode, size]` of each file, and all their bytes in that order."""
    listed = [[path, file.mode, len(file.content)] for path, file in files.items()]
    return listed, b"".join(file.content for file in files.values())


def require_valid(execution: Execution) -> None:
    """Raise InvalidRequestError for what no tier could run."""
    if not 0 <= execution.hash_seed <= MAX_HASH_SEED:
        raise InvalidRequestError(f"hash seed {execution.hash_seed} lies outside 0..2**32-1")
    for path in (*execution.files, *execution.work, *execution.surroundings.home):
        require_safe_path(path)
    place = execution.packages
    if place and (not place.startswith("/") or ":" in place or not place.isprintable()):
        raise InvalidRequestError(f"{place!r:.200} is no folder that a path can name")
    for name, value in execution.surroundings.variables.items():
        if not name or "=" in name or "\0" in name + value:
            raise InvalidRequestError(f"{name!r:.80} is no variable of an environment")
    limits(execution.limits)

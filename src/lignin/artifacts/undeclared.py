"""What of a run's effects its capabilities do not cover. Pure.

One rule for all: the checks judge the runs of a verification by it, and a call is held to it when the
artifact is in use, so that behaving well while it is watched gains nothing.

Asking for the time or for a random number is no effect by itself: what matters is whether the
answer depends on it, which the check `determinism` sees. A temporary file that the run takes away
again is none; one that it leaves is. Reading a variable that every environment has is none either;
asking for any other name is, since nothing may depend on an undeclared one. Nor may a function look
for files in the folder it happens to be called in, unless it was recorded with files or says so.
"""

from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase

from lignin.domain.artifacts import Capabilities
from lignin.domain.examples import Example
from lignin.ports.sandbox import OVERFLOW, Effect, Observed

_WORK = "/work/"
_INNOCUOUS_NAMES = frozenset(
    ["HOME", "PATH", "TMPDIR", "TEMP", "TMP", "TZ", "TZDIR", "LANG", "LANGUAGE", "TERM", "SHELL"]
    + ["COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PWD", "OLDPWD", "SHLVL", "_", "IFS", "PS4"]
    + ["SOURCE_DATE_EPOCH", "COLORTERM", "POSIXLY_CORRECT", "OPTIND"]
)
_INNOCUOUS_PREFIXES = ("LC_", "PYTHON", "BASH", "LIGNIN_")
_TEMPORARY = "/tmp"  # noqa: S108 -- a name; nothing is opened
_READABLE = (
    "/usr/",
    "/lib",
    "/bin/",
    "/sbin/",
    "/opt/",
    "/artifact",
    "/work",
    f"{_TEMPORARY}/",
    "/dev/",
)
_READABLE_FILES = frozenset(
    ["/", _TEMPORARY, "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/ld.so.cache"]
    + ["/usr", "/bin", "/dev", "/proc/self/fd", "/proc/cpuinfo", "/proc/meminfo", "/proc/self/maps"]
)
_DEVICES = frozenset(
    ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty", "/dev/fd/1", "/dev/fd/2"]
    + ["/dev/urandom", "/dev/random", "/dev/zero"]
)


# What the broker let through was declared, and a call without an answer proves nothing either way;
# what it denied is an effect like any other.
_ANSWERED = frozenset({"call", "http", "unknown", "step"})


def undeclared(
    capabilities: Capabilities, use: Example, observed: Observed, *, is_command: bool
) -> Iterator[str]:
    """Yield in words each effect of a run that its capabilities do not cover."""
    deleted = [effect.target for effect in observed.effects if effect.kind == "delete"]
    there = {f"{_WORK}{path}" for path in use.files}
    there |= {effect.target for effect in observed.effects if effect.kind == "write"}
    for effect in observed.effects:
        if effect.kind == "delete" and _was_never_there(effect.target, there):
            continue
        if effect.kind == "read" and effect.target.startswith(_WORK):
            if is_command or use.files or capabilities.paths or effect.target in there:
                continue  # files are a command's input; a function has what it was given
            yield f"looked for {effect.target}"
            continue
        what = _judged(capabilities, effect, deleted, is_command=is_command)
        if what is not None:
            yield what
    for path in sorted(observed.written):
        if not _is_declared_path(capabilities, path):
            yield f"left the file {path}"


def subject(effect: Effect) -> str:
    """The kind that an effect says something about: of an overflow the kind that there was more of."""
    return effect.target if effect.kind == OVERFLOW else effect.kind


def _judged(
    capabilities: Capabilities, effect: Effect, deleted: Collection[str], *, is_command: bool
) -> str | None:
    kind, target = effect.kind, effect.target[:120]
    if kind in _ANSWERED or kind in {"clock", "randomness"}:
        return None
    if kind in {"write", "delete"}:
        covered = _is_declared_path(capabilities, target) or _is_passing(target, deleted)
        words = "wrote to" if kind == "write" else "deleted"
        return None if covered else f"{words} {target}"
    if kind == "connect":
        host = target.rsplit(":", 1)[0] if target.count(":") == 1 else target
        known = any(
            fnmatchcase(name, glob) for glob in capabilities.hosts for name in (host, target)
        )
        return None if known else f"connected to {target}"
    if kind == "process":
        return None if is_command or capabilities.processes else f"started the process {target}"
    if kind == "environment":
        known = target in _INNOCUOUS_NAMES or target.startswith(_INNOCUOUS_PREFIXES)
        return None if known or target in capabilities.secrets else f"read the variable {target}"
    if kind == "read":
        return None if _is_readable(capabilities, target) else f"read {target}"
    words = {
        "native": "called native code",
        "arguments": "changed its arguments in place",
        "amount": "wrote more than its input explains",
        "left": "left a program or a thread running",
        "unreadable": "left what cannot be read back",
        OVERFLOW: "had more effects of one kind than are told",
        "global": "changed interpreter-wide state",
    }.get(kind, f"had the effect {kind}")
    return f"{words} ({target})" if target else words


def _is_declared_path(capabilities: Capabilities, target: str) -> bool:
    if target in _DEVICES:
        return True
    path = target.removeprefix(_WORK)
    if path.startswith("/") or ".." in path.split("/"):
        return False
    path = path.removeprefix("./")
    return "__pycache__" in path.split("/") or any(
        fnmatchcase(path, glob.removeprefix(_WORK).removeprefix("./"))
        or glob.startswith(f"{path}/")  # the folder that a declared file lies in
        for glob in capabilities.paths
    )


def _was_never_there(target: str, there: Iterable[str]) -> bool:
    """True where a deletion in the work folder hit nothing, so that nothing was lost.

    Seen where a temporary folder is taken away by names relative to an open folder.
    """
    if not target.startswith(_WORK):
        return False
    return not any(path == target or path.startswith(f"{target}/") for path in there)


def _is_passing(target: str, deleted: Collection[str]) -> bool:
    """True for a temporary file that the same run took away again.

    Where all of /tmp is told as one, a name there is told at the end, of what was left: that /tmp
    lost something does not excuse it.
    """
    if not (target == _TEMPORARY or target.startswith((f"{_TEMPORARY}/", f"{_WORK}tmp"))):
        return False
    named = [gone for gone in deleted if gone != _TEMPORARY]
    return target in deleted or any(target.startswith(f"{gone}/") for gone in named)


def _is_readable(capabilities: Capabilities, target: str) -> bool:
    if not target.startswith("/") or target in _READABLE_FILES or target in _DEVICES:
        return ".." not in target.split("/")
    return target.startswith(_READABLE) or _is_declared_path(capabilities, target)

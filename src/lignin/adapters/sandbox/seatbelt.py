"""The `seatbelt` tier, for macOS: the kernel's own profile around a plain subprocess.

Holds files and network. The profile denies by default and lets the code read what Python needs and
the run's folders, write to two of them, and start programs under the same profile. Apple calls
`sandbox-exec` deprecated and documents its profiles nowhere; nothing else confines without an app.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lignin.adapters.sandbox import misplaced, world
from lignin.adapters.sandbox.process import ProcessSandbox
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import TIER_CAPABILITIES, Limits

PROGRAM = "/usr/bin/sandbox-exec"
_READABLE = (
    *("/bin", "/sbin", "/usr/bin", "/usr/lib", "/usr/libexec", "/usr/sbin", "/usr/share"),
    *("/System", "/Library/Apple", "/private/var/db/dyld", "/private/var/db/timezone"),
)
_READABLE_FILES = ("/", "/private/etc/localtime", "/dev/random", "/dev/urandom", "/dev/zero")
_DEVICES = ("/dev/null", "/dev/dtracehelper")


def profile(interpreter: Sequence[str], root: str, packages: str = "") -> str:
    """The profile of one run.

    Args:
        interpreter: Real folders that the interpreter lives in.
        root: Real path of the run's folder, with `artifact`, `guest`, `work`, `tmp` and `home` in it.
        packages: Real path of a folder of packages to read; none where empty.

    Raises:
        UnavailableError: A path cannot be written into a profile.
    """
    readable = (*_READABLE, *interpreter, *(f"{root}/{name}" for name in ("artifact", "guest")))
    readable += (packages,) if packages else ()
    writable = tuple(f"{root}/{name}" for name in ("work", "tmp", "home"))
    return "\n".join(
        (
            "(version 1)",
            "(deny default)",
            "(allow process-fork)",
            "(allow process-exec)",
            "(allow signal (target same-sandbox))",
            "(allow sysctl-read)",
            _rule("allow file-read-metadata", "literal", _above((*readable, *writable))),
            _rule("allow file-read*", "subpath", (*readable, *writable)),
            _rule("allow file-read*", "literal", (*_READABLE_FILES, *_DEVICES)),
            _rule("allow file-write*", "subpath", writable),
            _rule("allow file-write-data", "literal", _DEVICES),
            "(deny network*)",
            "",
        )
    )


def _rule(does: str, how: str, paths: Sequence[str]) -> str:
    return f"({does} {' '.join(f'({how} {_quoted(path)})' for path in paths)})"


def _quoted(path: str) -> str:
    if not path.isprintable():
        raise UnavailableError(f"no profile can name the path {path!r}")
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _above(paths: Sequence[str]) -> tuple[str, ...]:
    """Every folder above these, whose names must be known for a path to be followed."""
    return tuple(sorted({str(above) for path in paths for above in Path(path).parents}))


class SeatbeltSandbox(ProcessSandbox):
    """The port's `seatbelt` tier. Thread-safe."""

    tier = "seatbelt"
    shut = misplaced.PLACES
    capabilities = TIER_CAPABILITIES["seatbelt"]
    modules = ("guest", "misplaced", "plan", "remains", "seatbelt")
    unbounded = frozenset({"RLIMIT_AS"})  # macOS reserves more than any bound before it starts

    def __init__(self, interpreter: Sequence[str], program: str = PROGRAM) -> None:
        super().__init__()
        self._interpreter = tuple(interpreter)
        self._program = program

    def described(self) -> Mapping[str, Any]:
        """The system's version decides what a profile means."""
        known = os.uname()
        return {
            "machine": known.machine,
            "system": f"{known.sysname} {known.release}",
            "interpreter": sys.version,
            "folders": list(self._interpreter),
        }

    def command(
        self,
        folders: Mapping[str, Path],
        guest: list[str],
        limits: Limits,  # noqa: ARG002
    ) -> list[str]:
        """The guest under its profile."""
        root = str(folders["artifact"].parent)
        packages = str(folders["packages"].resolve()) if "packages" in folders else ""
        return [self._program, "-p", profile(self._interpreter, root, packages), *guest]


def interpreter_folders() -> tuple[str, ...]:
    """The real folders the running interpreter lives in; raises UnavailableError where too wide."""
    binary = Path(world.interpreter()).parent
    places = {Path(sys.base_prefix).resolve(), Path(sys.base_exec_prefix).resolve(), binary}
    if wide := [str(place) for place in places if len(place.parts) < 3]:
        raise UnavailableError(f"the interpreter's folder is too wide to show inside: {wide}")
    return tuple(sorted(map(str, places)))


def open_seatbelt_sandbox(system: str = sys.platform, program: str = PROGRAM) -> SeatbeltSandbox:
    """Open the tier.

    Raises:
        UnavailableError: This is not macOS, or it has no `sandbox-exec`.
    """
    if system != "darwin":
        raise UnavailableError(f"seatbelt needs macOS; this is {system}")
    if not os.access(program, os.X_OK):
        raise UnavailableError(f"there is no {program}", hint="it is a part of macOS up to now")
    return SeatbeltSandbox(interpreter_folders(), program)

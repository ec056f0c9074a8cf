"""The `landlock` tier: for Linux machines that let nobody make user namespaces.

Landlock confines files, seccomp shuts sockets and the calls that reach other processes, limits bound
time and size. There is no process and no memory wall of the kernel's: other processes can be named
though not touched, sizes and names of files outside can be asked for, and what runs together is
bounded by watching. `capabilities` says so, and policy decides what that is enough for.
"""

import contextlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lignin.adapters.sandbox import kernel, misplaced, world
from lignin.adapters.sandbox.process import ProcessSandbox
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import TIER_CAPABILITIES, Limits

END_S = 5.0
_SOURCE = str(Path(__file__).parents[3])
_START = (
    f"import sys; sys.path.insert(0, {_SOURCE!r}); "
    "from lignin.adapters.sandbox import confine; confine.main(sys.argv[1:])"
)


class LandlockSandbox(ProcessSandbox):
    """The port's `landlock` tier. Thread-safe."""

    tier = "landlock"
    shut = misplaced.PLACES
    capabilities = TIER_CAPABILITIES["landlock"]
    modules = ("guest", "misplaced", "plan", "remains", "kernel", "seccomp", "confine", "family")

    def __init__(self, off: frozenset[str] = frozenset()) -> None:
        """Make the tier; `off` leaves out walls (`confine`) and is for their tests alone."""
        super().__init__()
        self.off = off

    def described(self) -> Mapping[str, Any]:
        """Landlock's version decides what is shut."""
        return {**world.describe(), "off": sorted(self.off)}

    def command(self, folders: Mapping[str, Path], guest: list[str], limits: Limits) -> list[str]:
        """The supervisor, which starts the guest behind the walls."""
        root = str(folders["artifact"].parent)
        bounds = [str(limits.processes), str(limits.memory_bytes), ",".join(sorted(self.off))]
        bounds.append(str(folders.get("packages", "")))
        return [world.interpreter(), "-s", "-P", "-S", "-B", "-c", _START, root, *bounds, *guest]

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Have the supervisor end everything below it, sessions of their own included."""
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
        super().end(process)


def open_landlock_sandbox() -> LandlockSandbox:
    """Open the tier.

    Raises:
        UnavailableError: The kernel offers no Landlock, or this is not Linux.
    """
    if not sys.platform.startswith("linux"):
        raise UnavailableError(f"Landlock needs Linux; this is {sys.platform}")
    try:
        version = kernel.landlock_version()
    except OSError as error:
        raise UnavailableError(f"no Landlock here: {error}") from error
    if version < 1:
        raise UnavailableError(
            "the kernel offers no Landlock", hint="Linux 5.13 or newer with lsm=landlock"
        )
    return LandlockSandbox()

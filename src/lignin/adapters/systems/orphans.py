"""Having the kernel end an unconfined command when the process that runs it dies, however it dies."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

_FORMATS = (b"#!", b"\x7fE")
"""What a kernel starts by itself; the wrapper would hand anything else to a shell."""


def ended_with_parent(words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The words that run a program so that it gets SIGKILL when its parent dies.

    Linux with util-linux alone; elsewhere, and for what cannot be started, they are as they were. What
    the program starts itself is not reached.
    """
    wrapper = _wrapper()
    program = shutil.which(words[0], path=environment.get("PATH"))
    if not wrapper or program is None:
        return list(words)
    try:
        with Path(program).open("rb") as file:
            is_known = file.read(2) in _FORMATS
    except OSError:
        is_known = False
    return [*wrapper, program, *words[1:]] if is_known else list(words)


@cache
def _wrapper() -> tuple[str, ...]:
    """What sets the parent-death signal and becomes the program; () where nothing here does."""
    found, probe = shutil.which("setpriv"), shutil.which("true")
    if found is None or probe is None:
        return ()
    words = (found, "--pdeathsig", "KILL", "--")
    try:
        done = subprocess.run([*words, probe], capture_output=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ()
    return words if done.returncode == 0 else ()

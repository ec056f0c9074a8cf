"""Running a program of the user's to its end, its time, or until it is not wanted any more."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

Keep = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]
"""Starts a process, given as `subprocess.Popen` takes it: in the block it ends with us, after it it has ended."""
_LOOK_S = 0.05
_SLOW_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code, None where it was ended; the ends of what it wrote."""

    code: int | None
    said: str
    errors: str
    is_late: bool = False


def run_process(
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    told: bytes,
    *,
    limit_s: float,
    most_bytes: int,
    keep: Keep,
    becomes: Mapping[str, Any] | None = None,
    stop: Callable[[], bool] = lambda: False,
    mark: Path | None = None,
) -> Ended:
    """Run a program in a folder; all that it began ends with it.

    Args:
        keep: Starts it in a session of its own; ends it with all that it began, also where we die.
        becomes: The user that it becomes, as `subprocess.Popen` takes it.
        mark: A file that says, while it runs, which process it is; see `end_marked`.

    Raises:
        OSError: It cannot be started.
    """
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as errors,
    ):
        given.write(told)
        given.seek(0)
        running = keep(
            words,
            cwd=folder,
            env=dict(environment),
            stdin=given,
            stdout=out,
            stderr=errors,
            **(becomes or {}),
        )
        try:
            with running as process:
                if mark is not None:
                    mark.write_text(f"{process.pid} {_began(process.pid)}")
                late = _wait(process, limit_s, stop)
        finally:
            if mark is not None:
                mark.unlink(missing_ok=True)
        code = None if late is not None else process.returncode
        return Ended(code, tail(out, most_bytes), tail(errors, most_bytes), bool(late))


def end_marked(mark: Path) -> None:
    """End the program that a mark names, if it is still that very one."""
    with suppress(OSError, ValueError):
        pid, _, began = mark.read_text().partition(" ")
        if began and _began(int(pid)) == began:
            _end_group(int(pid))
    mark.unlink(missing_ok=True)


def _wait(
    process: subprocess.Popen[bytes], limit_s: float, stop: Callable[[], bool]
) -> bool | None:
    """None when it ended by itself; else whether its time was over."""
    end, look = time.monotonic() + limit_s, _LOOK_S
    while True:
        left = end - time.monotonic()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0.001, min(look, left)))
            return None
        if time.monotonic() >= end:
            return True
        if stop():
            return False
        look = min(_SLOW_LOOK_S, look * 1.5)


def _began(pid: int) -> str:
    """When a process began, as its system tells it; "" where that cannot be known."""
    with suppress(OSError, IndexError):
        told = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return told.rpartition(")")[2].split()[19]
    with suppress(OSError, subprocess.SubprocessError):
        words = ["ps", "-o", "lstart=", "-p", str(pid)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
        return done.stdout.strip()
    return ""


def _end_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def tail(stream: IO[bytes], most_bytes: int) -> str:
    """The end of what was written, as text."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - most_bytes))
    return stream.read().decode(errors="replace").strip()

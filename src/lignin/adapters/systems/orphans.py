"""Having an unconfined command ended when the process that runs it dies, however it dies."""

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from lignin.adapters.systems import keeper

_LOCK = threading.Lock()
_RUNNING: set[int] = set()
_KEEPER: list[subprocess.Popen[bytes]] = []


@contextmanager
def running(words: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command in a session of its own, and end it with all that it began: at the end, or where we die.

    One small process sees to the latter for all commands of this one, and ends with us; where it cannot be
    started, and in the instant between the start of a command and its being told, commands outlive us. Of a
    command that ended by itself only its group is ended: a service that it began in another session goes on.

    Args:
        options: As `subprocess.Popen` takes them.

    Raises:
        OSError: It cannot be started.
    """
    _tell()  # before the command, so that little time is left in which nobody knows of it
    process = subprocess.Popen(words, start_new_session=True, **options)  # noqa: S603 - the user's own
    try:
        _tell(begins=process.pid)
        yield process
    finally:
        if process.poll() is None:
            keeper.end_tree(process.pid)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        _tell(ended=process.pid)
        process.wait()


def _tell(begins: int = 0, ended: int = 0) -> None:
    """Tell the keeper what changed; a new one, where there is none, is told of all that runs."""
    with _LOCK, suppress(OSError):
        _RUNNING.add(begins)
        _RUNNING.difference_update({0, ended})
        lines = [f"+{begins}"] * bool(begins) + [f"-{ended}"] * bool(ended)
        if not (_KEEPER and _said(_KEEPER[0], lines)):
            _KEEPER[:] = [_start()]
            _said(_KEEPER[0], [f"+{pid}" for pid in _RUNNING])


def _said(process: subprocess.Popen[bytes], lines: Sequence[str]) -> bool:
    if process.stdin is None or process.poll() is not None:
        return False
    try:
        process.stdin.write("".join(f"{line}\n" for line in lines).encode())
    except BrokenPipeError:
        return False
    return True


def _start() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
        [sys.executable, "-I", "-S", "-B", str(Path(keeper.__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        env={},
        start_new_session=True,
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it end what is left, and wait for that."""
    if process.stdin is not None:
        process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)

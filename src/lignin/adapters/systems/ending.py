"""How a command ended: of which kind that is, and what of its error stream is kept. Pure."""

import signal
from collections.abc import Container

from lignin.ports.system import SystemCause

KEPT_BYTES = 16 * 1024
"""Of the beginning and of the end of an error stream so much is kept."""
_NOT_EXECUTABLE, _NO_FILE, _SIGNALS = 126, 127, 128
_USAGE = 2
_NO_SCRIPT = b"can't open file"
_FATAL = {signal.SIGKILL, signal.SIGTERM, signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS}


def cause_of_exit(code: int, errors: bytes) -> SystemCause:
    """Why a command ended with a code other than 0; a shell says 128 and more for a signal."""
    if code == _NOT_EXECUTABLE:
        return "not_executable"
    if code == _NO_FILE or (code == _USAGE and _NO_SCRIPT in errors):
        return "missing_file"
    return "killed" if code < 0 or code - _SIGNALS in _FATAL else "failed"


def cause_of_no_start(message: str, program: str, unexecutable: Container[str]) -> SystemCause:
    """Why the sandbox could not start a program.

    Args:
        message: What it said.
        unexecutable: Programs that are there and may not be run.
    """
    if "has no program" not in message:
        return "outside"
    return "not_executable" if program in unexecutable else "missing_file"


def both_ends(stream: bytes, kept: int = KEPT_BYTES) -> bytes:
    """The first and the last lines of a stream, none of them cut: half a secret is not recognised."""
    if len(stream) <= 2 * kept:
        return stream
    first, _, _ = stream[:kept].rpartition(b"\n")
    _, _, last = stream[-kept:].partition(b"\n")
    return first + b"\n...\n" + last

"""The three standard streams: always there, always able to take what is said.

A stream may be closed, be a broken pipe, or have an encoding that lacks a character; none of these
may end a command half-way or change its exit code.
"""

import os
import sys
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs"})


def ensure_streams() -> None:
    """Stand in for closed streams, so that no file of ours is ever opened in their place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 -- it lives as long as the process
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def say(text: str, *, err: bool = False, end: str = "\n") -> bool:
    """Write to stdout or stderr; what the encoding lacks is escaped, a reader that left is let go.

    Returns:
        False where the reader left.
    """
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    safe = (text + end).encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(safe)
        stream.flush()
    except (BrokenPipeError, ValueError):
        # ValueError: closed. Later writes, those at exit among them, go nowhere.
        gone = os.open(os.devnull, os.O_WRONLY)
        os.dup2(gone, 2 if err else 1)
        os.close(gone)
        return False
    return True


def printable(text: str) -> str:
    """The text for a terminal: control and invisible direction characters are shown as escapes."""
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) not in _HIDDEN else ascii(char)[1:-1]
        for char in text
    )

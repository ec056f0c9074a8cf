"""Keeps a function from ending the very process that it runs in.

A gate that is ended with code 0 would be read as one that accepts. What a function does with all its powers
nobody can keep it from; what code does that believes itself alone is told as its own failure.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NoReturn


class Left(BaseException):
    """What a function would have ended this process by."""


_RUNNING: set[object] = set()
_LOCK = threading.Lock()


@contextmanager
def staying() -> Iterator[None]:
    """While a block lasts, `os._exit` and `os.exec*` raise `Left` in this process, not in its children."""
    _guard()
    here = object()
    with _LOCK:
        _RUNNING.add(here)
    try:
        yield
    finally:
        with _LOCK:
            _RUNNING.discard(here)


@cache
def _guard() -> None:
    """Stand in the way, from now on; outside of blocks all is as it was."""
    leave, owner = os._exit, os.getpid()

    def exit_(status: int) -> NoReturn:
        if _RUNNING and os.getpid() == owner:
            raise Left(f"it called os._exit({status})")
        leave(status)

    def heard(event: str, _args: tuple[Any, ...]) -> None:
        if event == "os.exec" and _RUNNING and os.getpid() == owner:
            raise Left("it called os.exec")

    os._exit = exit_
    sys.addaudithook(heard)

"""Keeps a function from ending the very process that it runs in.

A gate that is ended with code 0 would be read as one that accepts. What a function does with all its powers
nobody can keep it from; what code does that believes itself alone is told as its own failure.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NoReturn


class Left(BaseException):
    """What a function would have ended this process by."""


_RUNNING = list[int]()
"""The process of each block that lasts; a fork finds those of its parent, which are not its own."""


@contextmanager
def staying() -> Iterator[None]:
    """While a block lasts, `os._exit` and `os.exec*` raise `Left` in this process, not in its children."""
    _guard()
    here = os.getpid()
    _RUNNING.append(here)
    try:
        yield
    finally:
        _RUNNING.remove(here)


@cache
def _guard() -> None:
    """Stand in the way, from now on; outside of blocks all is as it was."""
    leave = os._exit

    def exit_(status: int) -> NoReturn:
        if os.getpid() in _RUNNING:
            raise Left(f"it called os._exit({status})")
        leave(status)

    def heard(event: str, _args: tuple[Any, ...]) -> None:
        if event == "os.exec" and os.getpid() in _RUNNING:
            raise Left("it called os.exec")

    os._exit = exit_
    sys.addaudithook(heard)

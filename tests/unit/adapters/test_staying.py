"""A function under test ends neither the process that runs it nor is kept from ending its own children."""

import contextlib
import os

import pytest

from lignin.adapters.systems.staying import Left, staying


def test_it_does_not_end_the_process_that_runs_it() -> None:
    with staying():
        with pytest.raises(Left, match=r"os\._exit\(0\)"):
            os._exit(0)
        with pytest.raises(Left, match=r"os\.exec"):
            os.execv("/bin/true", ["true"])


def test_a_child_that_it_forks_ends_and_becomes_what_it_likes() -> None:
    with staying():
        children = [os.fork()]
        if not children[0]:
            os._exit(7)
        children.append(os.fork())
        if not children[1]:
            os.execv("/bin/sh", ["sh", "-c", "exit 8"])
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert ended == [7, 8]


def test_a_fork_that_runs_functions_of_its_own_stays_too() -> None:
    with staying():
        pass
    child = os.fork()
    if not child:
        with staying(), contextlib.suppress(Left):
            os._exit(0)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

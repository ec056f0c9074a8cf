"""What a group of version 2 says of processor time."""

import os
import tempfile

from lignin.adapters.sandbox.cgroup import Group
from lignin.adapters.sandbox.meter import Meter


def test_time_that_the_group_counts_is_spent() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"usage_usec 1500000\nuser_usec 1\n")
        file.flush()
        group = Group(-1, -1, -1, file.fileno())
        spent = Meter(os.getpid(), group)
        spent.begin()
        assert spent.spent_s() < 1  # what this process itself spends meanwhile
        file.seek(0)
        file.write(b"usage_usec 9500000\nuser_usec 1\n")
        file.flush()
        assert 8 <= spent.spent_s() < 9


def test_a_group_that_does_not_count_says_nothing() -> None:
    assert Group(-1, -1, -1).cpu_s() == 0

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.adapters.sandbox.none import UnsafeSandbox
from lignin.testing.conformance.sandbox import SandboxConformance
from lignin.testing.conformance.sandbox_packages import PackagesConformance
from lignin.testing.conformance.sandbox_surroundings import SurroundingsConformance
from lignin.testing.conformance.sandbox_walls import attempt, host_traps


@pytest.fixture(scope="module")
def sandbox() -> Iterator[UnsafeSandbox]:
    opened = UnsafeSandbox()
    yield opened
    opened.close()


class TestPackages(PackagesConformance):
    pass


class TestUnsafeSandbox(SandboxConformance, SurroundingsConformance):
    pass


def test_it_claims_no_isolation(sandbox: UnsafeSandbox) -> None:
    assert (sandbox.tier, sandbox.capabilities) == ("none", frozenset())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the attempts are Linux's")
@pytest.mark.parametrize(
    "name",
    [
        "tcp to the host's loopback",
        "abstract unix socket of the host",
        "secret of the host",
        "memory file",
        "shared anonymous memory",
        "processes of others",
    ],
)
def test_attempts_of_the_walls_suite_get_through_where_there_is_no_wall(
    sandbox: UnsafeSandbox, tmp_path: Path, name: str
) -> None:
    with host_traps(tmp_path) as traps:
        assert attempt(sandbox, name, traps).result == "through"

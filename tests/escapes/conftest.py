import sys
from collections.abc import Iterator

import pytest

from escapes.traps import Traps, set_traps
from lignin.adapters.sandbox.ns import NamespaceSandbox, open_namespace_sandbox
from lignin.domain.errors import UnavailableError


@pytest.fixture(scope="session")
def traps() -> Iterator[Traps]:
    with set_traps() as opened:
        yield opened


@pytest.fixture(scope="module")
def sandbox(traps: Traps) -> Iterator[NamespaceSandbox]:
    if not sys.platform.startswith("linux"):
        pytest.skip("the namespace sandbox needs Linux")
    try:
        opened = open_namespace_sandbox()
    except UnavailableError as error:
        pytest.skip(f"no namespace sandbox on this machine: {error}")
    with opened:
        yield opened

from collections.abc import Iterator

import pytest

from lignin.adapters.sandbox.none import UnsafeSandbox
from lignin.testing.conformance.sandbox import SandboxConformance


@pytest.fixture(scope="module")
def sandbox() -> Iterator[UnsafeSandbox]:
    opened = UnsafeSandbox()
    yield opened
    opened.close()


class TestUnsafeSandbox(SandboxConformance):
    pass


def test_it_claims_no_isolation(sandbox: UnsafeSandbox) -> None:
    assert (sandbox.tier, sandbox.capabilities) == ("none", frozenset())

import pytest

from lignin.adapters.sandbox.ns import NamespaceSandbox
from lignin.testing.conformance.sandbox import SandboxConformance
from lignin.testing.conformance.sandbox_walls import SlowWallsConformance, WallsConformance


class TestNamespaceSandbox(SandboxConformance):
    pass


class TestWalls(WallsConformance):
    pass


@pytest.mark.slow
class TestWallsUnderRepetition(SlowWallsConformance):
    pass


def test_all_capabilities_are_claimed(sandbox: NamespaceSandbox) -> None:
    assert sandbox.capabilities == {"pid", "net", "fs", "memory", "tmpfs"}

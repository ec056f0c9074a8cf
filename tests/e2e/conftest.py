import pytest

from lignin.ports.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox(real_sandbox: Sandbox) -> Sandbox:
    return real_sandbox

from collections.abc import Iterator

import pytest

from lignin.adapters.sandbox.doctor import open_sandbox
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    try:
        opened = open_sandbox()
    except UnavailableError as error:
        pytest.skip(f"no sandbox tier works on this machine: {error}")
    yield opened
    opened.close()

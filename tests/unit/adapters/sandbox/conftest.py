import sys
from collections.abc import Iterator

import pytest

from lignin.adapters.sandbox.ns import NamespaceSandbox, open_namespace_sandbox
from lignin.domain.errors import UnavailableError


@pytest.fixture(scope="module")
def namespace_sandbox() -> Iterator[NamespaceSandbox]:
    if not sys.platform.startswith("linux"):
        pytest.skip("the namespace sandbox needs Linux")
    try:
        opened = open_namespace_sandbox()
    except UnavailableError as error:
        pytest.skip(f"no namespace sandbox on this machine: {error}")
    with opened:
        yield opened


@pytest.fixture(scope="module")
def sandbox(namespace_sandbox: NamespaceSandbox) -> NamespaceSandbox:
    return namespace_sandbox

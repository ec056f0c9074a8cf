import sys
from collections.abc import Iterator
from pathlib import Path

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


def _files_of_the_host() -> set[Path]:
    """Plain files in the host's folders that have the names of a sandbox's own."""
    folders = [place for place in (Path("/work"), Path("/artifact")) if place.is_dir()]
    return {path for folder in folders for path in folder.iterdir() if path.is_file()}


@pytest.fixture(autouse=True)
def host_is_left_alone() -> Iterator[None]:
    """Not every tier has folders of its own by these names: a test names them relative to the run."""
    before = _files_of_the_host()
    yield
    assert _files_of_the_host() <= before

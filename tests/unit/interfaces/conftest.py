"""A sandbox and a served store for the tests of the interfaces."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.interfaces.serving import Served, serving_store


@pytest.fixture(scope="session")
def sandbox() -> Iterator[ProcessSandbox]:
    """One for all tests: its warm interpreters hold nothing between runs."""
    made = ProcessSandbox()
    yield made
    made.close()


@pytest.fixture
def served(tmp_path: Path, sandbox: ProcessSandbox) -> Iterator[Served]:
    """A server on a store of its own."""
    with serving_store(tmp_path, sandbox) as made:
        yield made


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory, sandbox: ProcessSandbox) -> Iterator[Served]:
    """One server for tests that keep nothing."""
    with serving_store(tmp_path_factory.mktemp("standing"), sandbox) as made:
        yield made

"""A desk of operations for each test, one sandbox for all (nothing here runs in it)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.operations.conftest import Desk, open_desk


@pytest.fixture(scope="session")
def sandbox() -> Iterator[ProcessSandbox]:
    made = ProcessSandbox()
    yield made
    made.close()


@pytest.fixture
def desk(tmp_path: Path, sandbox: ProcessSandbox) -> Iterator[Desk]:
    with open_desk(tmp_path, sandbox) as made:
        yield made

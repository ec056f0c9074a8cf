"""What every test may ask for: the shared recordings, a real Postgres server, calm Hypothesis."""

import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import settings

from lignin.adapters.sandbox.doctor import open_sandbox
from lignin.domain.errors import UnavailableError
from lignin.operations.settings import AGENT_SHELLS
from lignin.ports.sandbox import Sandbox
from postgres_server import find_programs, running_server

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# The tests are a person's, also where a coding agent runs them.
for _name in chain(*AGENT_SHELLS.values()):
    os.environ.pop(_name, None)

# On a shared machine a deadline measures the neighbours. By default the same examples are drawn every
# time, so that a red run can be repeated anywhere; `make test-all` looks further with each run.
settings.register_profile("same", derandomize=True, database=None, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("LIGNIN_HYPOTHESIS", "same"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow suites the whole hour that `make test-all` may take."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded sessions beside the project; the test skips where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no recorded sessions: ../shared/data is absent")
    return SHARED_DATA


@pytest.fixture(scope="module")
def real_sandbox() -> Iterator[Sandbox]:
    """The strongest sandbox of this machine; the test skips where none works."""
    try:
        opened = open_sandbox()
    except UnavailableError as error:
        pytest.skip(f"no sandbox tier works on this machine: {error}")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of the `postgres` database on a server of the test run's own; skips where none is had."""
    programs = find_programs()
    if programs is None:
        pytest.skip("no Postgres server found: apt-get install postgresql")
    with running_server(programs) as url:
        yield url


@pytest.fixture
def fresh_postgres_url(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of an empty database that only this test sees."""
    psycopg = pytest.importorskip("psycopg")
    name = f"test_{os.getpid()}_{abs(hash(request.node.nodeid)):x}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield postgres_url.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

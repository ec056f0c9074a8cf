"""The SDK on a store of its own: in this process, and at a server over a real socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lignin.interfaces.listening import serve_app
from lignin.interfaces.sdk.client import Client
from lignin.interfaces.sdk.transport import LocalStore, Server
from lignin.operations.context import Context
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.interfaces.serving import Served, serving_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, sandbox: ProcessSandbox) -> Iterator[Served]:
    """One store for all tests of the SDK."""
    with serving_store(tmp_path_factory.mktemp("store"), sandbox) as made:
        yield made


@pytest.fixture(scope="session")
def local(store: Served) -> Client:
    """Asks in this process."""

    @contextmanager
    def open_context() -> Iterator[Context]:
        yield store.context

    return Client(LocalStore(open_context))


@pytest.fixture(scope="session")
def remote(store: Served) -> Iterator[Client]:
    """Asks over HTTP."""
    with serve_app(store.app, "127.0.0.1", 0) as url:
        yield Client(Server(url, store.token))


@pytest.fixture(params=["local", "remote"])
def client(request: pytest.FixtureRequest) -> Client:
    """Either: what holds for one holds for the other."""
    found: Client = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules can be imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path

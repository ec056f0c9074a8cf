"""The ledger's contract on SQLite, through the resident writer, and on a real Postgres."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lignin.adapters.store.audit import verify_space
from lignin.adapters.store.ledger import SqlLedger
from lignin.adapters.store.writer import ResidentLedger, Writer, socket_path
from lignin.ports.ledger import Ledger
from lignin.testing.changes import TickingClock
from lignin.testing.conformance.ledger import LedgerContract

Opened = Callable[[], SqlLedger]


@contextmanager
def opening(kind: type[SqlLedger], url: str) -> Iterator[Opened]:
    """Ledgers on one store, which are sound and closed at the end."""
    opened: list[SqlLedger] = []
    clock = TickingClock()

    def make() -> SqlLedger:
        opened.append(kind(url, clock))
        return opened[-1]

    yield make
    for ledger in opened[:1]:
        for space in ledger.spaces():
            assert verify_space(ledger, space).faults == []
    for ledger in opened:
        ledger.close()


class TestSqlite(LedgerContract):
    @pytest.fixture
    def make_ledger(self, tmp_path: Path) -> Iterator[Callable[[], Ledger]]:
        with opening(SqlLedger, f"sqlite:///{tmp_path}/ledger.db") as make:
            yield make


class TestResidentWriter(LedgerContract):
    @pytest.fixture
    def make_ledger(self, tmp_path: Path) -> Iterator[Callable[[], Ledger]]:
        url = f"sqlite:///{tmp_path}/ledger.db"
        path = socket_path(url)
        assert path is not None
        served = SqlLedger(url, TickingClock())
        writer = Writer(served, path)
        thread = threading.Thread(target=writer.serve)
        thread.start()
        try:
            with opening(ResidentLedger, url) as make:
                yield make
        finally:
            writer.stop()
            thread.join()
            served.close()


class TestPostgres(LedgerContract):
    @pytest.fixture
    def make_ledger(self, fresh_postgres_url: str) -> Iterator[Callable[[], Ledger]]:
        with opening(SqlLedger, fresh_postgres_url) as make:
            yield make

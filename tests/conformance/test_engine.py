"""The fake engine and the shipped one, on SQLite and on Postgres, by one suite."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from lignin.ports.engine import Engine
from lignin.testing.conformance.engine import EngineConformance, Lab
from lignin.testing.conformance.engine_queues import EngineQueueConformance
from lignin.testing.conformance.engine_steering import EngineSteeringConformance
from lignin.testing.fakes.engine import FakeEngine, FakeStore

pytest.importorskip("dbos")
from lignin.adapters.engine.database import Database, queues, workers
from lignin.adapters.engine.engine import DurableEngine


class FakeLab:
    def __init__(self) -> None:
        self.store = FakeStore()
        self._made = 0

    def engine(self) -> FakeEngine:
        self._made += 1
        return FakeEngine(self.store, f"worker-{self._made}")

    def lose(self, engine: Engine) -> None:
        assert isinstance(engine, FakeEngine)
        engine.die()
        self.store.leases.pop(engine.worker_id, None)

    def now(self) -> datetime:
        return self.store.now

    def tick(self) -> None:
        self.store.advance(0.002)


class DurableLab:
    def __init__(self, url: str) -> None:
        self._url = url
        self._made: list[DurableEngine] = []

    def engine(self) -> DurableEngine:
        engine = DurableEngine(Database(self._url), f"worker-{len(self._made)}")
        self._made.append(engine)
        return engine

    def lose(self, engine: Engine) -> None:
        assert isinstance(engine, DurableEngine)
        if engine._worker is not None:
            engine._worker._ended.set()
            for thread in engine._worker._threads:  # one may be renewing the lease
                thread.join(timeout=60)
        gone = sa.delete(workers).where(workers.c.worker_id == engine._worker_id)
        engine._database.write(lambda on: on.execute(gone))

    def now(self) -> datetime:
        return datetime.now(UTC)

    def tick(self) -> None:
        begun = time.time()
        while time.time() < begun + 0.002:
            pass

    def close(self) -> None:
        for engine in self._made:
            engine.close(grace_s=1)


class TestFake(EngineConformance, EngineSteeringConformance, EngineQueueConformance):
    @pytest.fixture
    def lab(self) -> Lab:
        return FakeLab()


class TestSqlite(EngineConformance, EngineSteeringConformance, EngineQueueConformance):
    @pytest.fixture
    def lab(self, tmp_path: Path) -> Iterator[Lab]:
        lab = DurableLab(f"sqlite:///{tmp_path / 'engine.db'}")
        yield lab
        lab.close()


@pytest.fixture(scope="module")
def engine_url(postgres_url: str) -> Iterator[str]:
    """A database of this module: making one takes longer than most of its tests."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE engine_conformance")
    yield postgres_url.replace("/postgres?", "/engine_conformance?")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE engine_conformance WITH (FORCE)")


class TestPostgres(EngineConformance, EngineSteeringConformance, EngineQueueConformance):
    @pytest.fixture
    def lab(self, engine_url: str) -> Iterator[Lab]:
        lab = DurableLab(engine_url)
        yield lab
        lab.close()
        empty(engine_url)


def empty(url: str) -> None:
    """Leave no row of a test to the next one."""
    database = Database(url)
    tables = database.tables
    emptied = [
        *(tables.operation_outputs, tables.workflow_input, tables.workflow_output),
        *(tables.workflow_status, tables.queues, workers, queues),
    ]
    database.write(lambda on: [on.execute(sa.delete(table)) for table in emptied])
    database.close()

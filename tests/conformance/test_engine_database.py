"""What the shipped engine leaves in its database and takes from it, and how it is opened."""

import base64
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from lignin.adapters.engine.opening import FILE, engine_url, open_engine
from lignin.app import load_settings, open_context
from lignin.domain.codec import Json
from lignin.domain.errors import IntegrityError, InvalidRequestError, UnavailableError
from lignin.operations.registry import load_operations
from lignin.ports.engine import Queue, Run, Start, StepFaultError, Wanted
from lignin.testing.conformance.engine import LONG_S, failing

pytest.importorskip("dbos")
from lignin.adapters.engine.database import RUN, Database
from lignin.adapters.engine.engine import DurableEngine
from lignin.adapters.engine.rows import FORKING

QUEUE = Queue(name="default")


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DurableEngine]:
    if request.param == "postgres":
        url = str(request.getfixturevalue("fresh_postgres_url"))
    else:
        url = f"sqlite:///{tmp_path / FILE}"
    engine = DurableEngine(Database(url), "w1")
    yield engine
    engine.close()


def body(run: Run, given: Json) -> Json:
    """Every verb, and a failure of a step."""
    run.step("one", lambda: {"a": given})
    run.publish("key", given)
    run.sleep(0.01)
    run.wait("go", 0.01)
    try:
        run.step("two", failing(KeyError("gone")))
    except StepFaultError as error:
        told = str(error)
        run.step("three", lambda: told)
    return given["missing"] if given == {} else given


def trap(path: Path) -> str:
    """A pickle, as DBOS would encode it, that makes a file when it is loaded."""
    return base64.b64encode(f"cposix\nsystem\n(S'touch {path}'\ntR.".encode()).decode()


def test_the_trap_would_spring(tmp_path: Path) -> None:
    load = "import base64, pickle, sys; pickle.loads(base64.b64decode(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", load, trap(tmp_path / "sprung")], check=True)
    assert (tmp_path / "sprung").exists()


def change(engine: DurableEngine, statement: Any) -> None:
    engine._database.write(lambda on: on.execute(statement))


def test_nothing_in_the_database_is_a_pickle(engine: DurableEngine) -> None:
    engine.launch({"it": body}, [QUEUE])
    for at, given in enumerate(({}, [1], "text")):
        engine.start(Start(kind="it", input=given, run_id=f"r{at}"))
        engine.signal(f"r{at}", "go", given)
        engine.wait(f"r{at}", LONG_S)
    texts, encodings = [], set()
    for table in engine._database.tables.__dict__.values():
        if isinstance(table, sa.Table):
            for row in engine._database.read(sa.select(table)):
                texts += [value for value in row.values() if isinstance(value, str)]
                encodings.add(row.get("serialization"))
    assert len(texts) > 50
    assert encodings <= {None, "portable_json"}
    assert not [text for text in texts if text.startswith("gA")]


def test_a_pickled_input_fails_its_run_and_is_not_loaded(
    engine: DurableEngine, tmp_path: Path
) -> None:
    pickled = trap(tmp_path / "sprung")
    engine.declare(QUEUE)
    tables = engine._database.tables
    for run_id in ("r1", "r2"):
        engine.start(Start(kind="it", input=1, run_id=run_id))
    runs, inputs = tables.workflow_status, tables.workflow_input
    change(engine, sa.update(inputs).values(inputs=pickled).where(inputs.c.workflow_uuid == "r1"))
    change(
        engine,
        sa.update(runs).values(serialization="py_pickle").where(runs.c.workflow_uuid == "r1"),
    )
    step = {"function_id": 1, "function_name": "step:one", "retention_timestamp": 0}
    change(
        engine,
        sa.insert(tables.operation_outputs).values(
            workflow_uuid="r2", output=pickled, serialization="py_pickle", **step
        ),
    )
    engine.launch({"it": body}, [QUEUE])
    for run_id in ("r1", "r2"):
        ended = engine._database.tables.workflow_status.c
        query = sa.select(ended.status).where(ended.workflow_uuid == run_id)
        engine._look(
            lambda query=query: engine._database.read(query)[0]["status"] == "ERROR" or None, LONG_S
        )
        assert engine._database.read(query)[0]["status"] == "ERROR"
        with pytest.raises(IntegrityError):
            engine.status(run_id) if run_id == "r1" else engine.steps(run_id)
    assert not (tmp_path / "sprung").exists()


def test_the_library_beneath_reads_no_pickle_either(engine: DurableEngine) -> None:
    from dbos._serialization import DBOSDefaultSerializer, deserialize_value

    serializer = engine._database.dbos.serializer
    for read in (
        lambda: deserialize_value("gASVBQAAAAAAAACMAXiULg==", "py_pickle", serializer),
        lambda: DBOSDefaultSerializer.serialize({}),
    ):
        with pytest.raises(IntegrityError):
            read()


def test_a_run_that_was_taken_without_knowing_goes_back(engine: DurableEngine) -> None:
    engine.launch({"it": lambda run, given: given}, [QUEUE])
    engine.pause("default")
    engine.start(Start(kind="it", input=1, run_id="r1"))
    runs = engine._database.tables.workflow_status
    taken = {"status": "PENDING", "executor_id": "w1", "owner_xid": "lost"}
    change(engine, sa.update(runs).values(**taken, recovery_attempts=1))
    engine.unpause("default")
    assert engine.wait("r1", LONG_S).state == "succeeded"


def test_rows_of_others_are_quarantined(engine: DurableEngine) -> None:
    engine.launch({"it": lambda run, given: given}, [Queue(name="default", concurrency=1)])
    engine.pause("default")
    engine.start(Start(kind="it", input=1, run_id="r1"))
    engine.start(Start(kind="it", input=1, run_id="r2"))
    runs = engine._database.tables.workflow_status
    strange = sa.update(runs).values(name="alien").where(runs.c.workflow_uuid == "r1")
    change(engine, strange)
    engine.unpause("default")
    assert engine.wait("r2", LONG_S).state == "succeeded"
    status = sa.select(runs.c.status).where(runs.c.name == "alien")
    assert engine._database.read(status)[0]["status"].startswith("MAX_RECOVERY")
    assert [each.run_id for each in engine.list(Wanted())] == ["r2"]
    assert RUN == "lignin.run"


def test_one_of_many_starts_with_one_id_counts(engine: DurableEngine) -> None:
    begun: list[str] = []

    def once(run: Run, given: Json) -> Json:
        return run.step("one", lambda: begun.append(run.id) or given)

    engine.launch({"it": once}, [QUEUE])
    starts = [
        threading.Thread(target=engine.start, args=(Start(kind="it", input=at, run_id="r1"),))
        for at in range(8)
    ]
    for thread in starts:
        thread.start()
    for thread in starts:
        thread.join()
    assert engine.wait("r1", LONG_S).state == "succeeded"
    assert begun == ["r1"]


def test_a_sqlite_engine_is_its_owners_and_survives_a_power_failure(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}")
    assert isinstance(engine, DurableEngine)
    path = tmp_path / "home" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with engine._database.engine.connect() as connection:
        settings = {
            name: connection.execute(sa.text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("is_empty", [False, True], ids=["gone", "empty"])
def test_a_file_lost_under_an_engine_is_made_anew(tmp_path: Path, is_empty: bool) -> None:
    engine = DurableEngine(Database(f"sqlite:///{tmp_path / FILE}"), "w1")
    engine.declare(QUEUE)
    engine.start(Start(kind="it", input={}, run_id="before"))
    for path in tmp_path.glob(f"{FILE}*"):
        path.unlink()
    if is_empty:  # as the driver leaves it, where a connection was just being opened
        (tmp_path / FILE).touch()
    engine._database.engine.dispose()  # the connections at hand would go on with the lost file
    engine.unpause(QUEUE.name)
    engine.start(Start(kind="it", input={}, run_id="after"))
    assert [each.run_id for each in engine.list(Wanted(), limit=9)] == ["after"]
    engine.close()


def test_two_engines_on_one_store_are_two_workers(tmp_path: Path) -> None:
    engines = [open_engine(f"sqlite:///{tmp_path / 'ledger.db'}") for _ in range(2)]
    names = {engine._worker_id for engine in engines if isinstance(engine, DurableEngine)}
    assert len(names) == 2
    for engine in engines:
        engine.close()


def test_the_engine_lies_beside_its_store() -> None:
    assert engine_url("sqlite:////data/ledger.db") == "sqlite:////data/engine.db"
    assert engine_url("postgresql://me@/x") == "postgresql://me@/x"
    for url in ("sqlite://", "sqlite:///:memory:", "mysql://me:secret@host/x"):
        with pytest.raises(InvalidRequestError) as refused:
            engine_url(url)
        assert "secret" not in refused.value.message


def test_a_caller_opens_the_engine_of_its_store(tmp_path: Path) -> None:
    settings = load_settings({"LIGNIN_HOME": str(tmp_path)}, tmp_path)
    with open_context(settings) as context:
        engine = context.open_engine()
        assert context.open_engine() is engine
        engine.declare(QUEUE)
        engine.start(Start(kind="it", input=1, run_id="r1"))
    assert (tmp_path / FILE).exists()
    with open_context(settings, dry_run=True) as context:
        assert context.open_engine().list(Wanted()) == []
    with open_context(settings) as context:
        assert [each.run_id for each in context.open_engine().list(Wanted())] == ["r1"]


def test_the_queue_of_half_made_forks_is_nobodys(engine: DurableEngine) -> None:
    with pytest.raises(InvalidRequestError):
        engine.declare(Queue(name=FORKING))


def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as away:
        open_engine(f"postgresql://nobody@/none?host={tmp_path}")
    assert away.value.hint


def test_without_its_extra_the_engine_says_what_to_install() -> None:
    program = """
import sys
sys.modules["dbos"] = None
from lignin.adapters.engine.opening import open_engine
from lignin.domain.errors import UnavailableError
try:
    open_engine("sqlite:////nowhere/ledger.db")
except UnavailableError as error:
    print(error.hint)
"""
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **paths},
    )
    assert (done.stdout.strip(), done.stderr) == ("pip install 'lignin[engine]'", "")


@pytest.mark.parametrize("asked", ["job.show", "job.lanes"])
def test_the_engine_s_tables_are_made_before_a_view_is_open(
    fresh_postgres_url: str, tmp_path: Path, asked: str
) -> None:
    """Making an index waits for every older transaction, a view of the same process among them."""
    operations = load_operations()

    def ask(name: str, **request: Any) -> Any:
        return operations[name].run(context, operations[name].request(**request))

    environment = {"LIGNIN_HOME": str(tmp_path), "LIGNIN_STORE": fresh_postgres_url}
    with open_context(
        load_settings({**environment, "LIGNIN_ACTOR": "user:a"}, tmp_path)
    ) as context:
        job = ask("job.start", kind="operation", input={"operation": "space.list"}).job
        given = {"job": job} if asked == "job.show" else {}
        answers = list[Any]()
        thread = threading.Thread(target=lambda: answers.append(ask(asked, **given)), daemon=True)
        thread.start()
        thread.join(120)
        assert len(answers) == 1

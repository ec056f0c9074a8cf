"""The Postgres server that tests are given is real, durable, private and empty for each test."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest
import sqlalchemy

from postgres_server import ServerError, find_programs, running_server


def ask(url: str, query: str) -> object:
    """The single value that a query answers."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


def test_the_server_syncs_to_disk(postgres_url: str) -> None:
    assert ask(postgres_url, "SHOW fsync") == "on"
    assert ask(postgres_url, "SHOW synchronous_commit") == "on"


def test_the_server_listens_on_no_port(postgres_url: str) -> None:
    assert ask(postgres_url, "SHOW listen_addresses") == ""


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_starts_with_an_empty_database(fresh_postgres_url: str, turn: int) -> None:
    assert ask(fresh_postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname='public'") == 0
    with psycopg.connect(fresh_postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE left_behind (turn int)")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    initdb = tmp_path / "initdb"
    initdb.write_text("#!/bin/sh\nexit 1\n")
    initdb.chmod(0o755)
    with (
        pytest.raises(ServerError, match=r"initdb (failed|cannot be run)"),
        running_server(tmp_path),
    ):
        pass


def test_sqlalchemy_takes_the_url(fresh_postgres_url: str) -> None:
    engine = sqlalchemy.create_engine(fresh_postgres_url.replace("://", "+psycopg://", 1))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT 1")) == 1
    engine.dispose()


HOLDER = """
import pathlib, signal, sys
from postgres_server import running_server
with running_server(pathlib.Path(sys.argv[1])) as url:
    print(url, flush=True)
    signal.pause()
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv (util-linux) is absent")
def test_a_killed_test_run_leaves_no_server(tmp_path: Path) -> None:
    programs = find_programs()
    if programs is None:
        pytest.skip("no Postgres server found: apt-get install postgresql")
    command = [sys.executable, "-c", HOLDER, str(programs)]
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "TMPDIR": "/tmp",
    }
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        url = holder.stdout.readline().decode().strip()
        folder = Path(unquote(url.partition("host=")[2]))
        assert (folder / "data" / "postmaster.pid").exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    deadline = time.monotonic() + 20
    while (folder / "data" / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    is_gone = not (folder / "data" / "postmaster.pid").exists()
    shutil.rmtree(folder)
    assert is_gone

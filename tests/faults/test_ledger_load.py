"""Writers, readers, crashes: nothing lost, nothing torn, nothing twice; and the check finds bugs."""

import contextlib
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from faults import load, seeded
from lignin.adapters.store.audit import verify_space
from lignin.adapters.store.ledger import SqlLedger
from lignin.adapters.store.writer import ResidentLedger, Writer, socket_path


def direct(url: str) -> SqlLedger:
    return SqlLedger(url, load.SystemClock())


def resident(url: str) -> SqlLedger:
    return ResidentLedger(url, load.SystemClock())


def _serve(url: str) -> None:
    path = socket_path(url)
    assert path is not None
    Writer(SqlLedger(url, load.SystemClock()), path).serve()


def _start_writer(url: str) -> Any:
    path = socket_path(url)
    assert path is not None
    SqlLedger(url, load.SystemClock()).close()
    server = load.fork.Process(target=_serve, args=(url,))
    server.start()
    until = time.monotonic() + 10
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.005)
    return server


def _end(server: Any) -> None:
    server.kill()
    server.join()


SIZES = [
    pytest.param(3, 40, id="small"),
    pytest.param(8, 1000, id="full", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("processes", "writes"), SIZES)
def test_concurrent_writers_lose_tear_and_repeat_nothing(
    tmp_path: Path, processes: int, writes: int
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    assert load.run(url, direct, processes=processes, writes=writes, seed=1) == []


@pytest.mark.parametrize(("processes", "writes"), SIZES)
def test_concurrent_writers_on_postgres_lose_tear_and_repeat_nothing(
    fresh_postgres_url: str, processes: int, writes: int
) -> None:
    assert load.run(fresh_postgres_url, direct, processes=processes, writes=writes, seed=2) == []


@pytest.mark.parametrize(("processes", "writes"), SIZES)
def test_writers_through_the_resident_writer_lose_tear_and_repeat_nothing(
    tmp_path: Path, processes: int, writes: int
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    server = _start_writer(url)
    try:
        assert load.run(url, resident, processes=processes, writes=writes, seed=3) == []
    finally:
        _end(server)


class _Killed(ResidentLedger):
    """Kills the resident writer in the middle of the load."""

    server: int = 0
    commits = 0

    def commit(self, *changes: Any) -> Any:
        self.commits += 1
        if self.commits == 20:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.server, signal.SIGKILL)
        return super().commit(*changes)


@pytest.mark.parametrize(("processes", "writes"), SIZES)
def test_clients_of_a_killed_writer_go_on_by_themselves(
    tmp_path: Path, processes: int, writes: int
) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    server = _start_writer(url)

    def open_killing(url: str) -> SqlLedger:
        ledger = _Killed(url, load.SystemClock())
        ledger.server = server.pid
        return ledger

    try:
        assert load.run(url, open_killing, processes=processes, writes=writes, seed=4) == []
        server.join(5)
        assert server.exitcode == -signal.SIGKILL
    finally:
        _end(server)


@pytest.mark.slow
@pytest.mark.parametrize("bug", seeded.BUGS, ids=lambda bug: bug.__name__)
def test_the_load_finds_a_seeded_bug(tmp_path: Path, bug: type[SqlLedger]) -> None:
    for seed in range(5):
        url = f"sqlite:///{tmp_path}/{seed}.db"
        open_buggy = lambda url: bug(url, load.SystemClock())  # noqa: E731 - forked, not pickled
        if load.run(url, open_buggy, processes=4, writes=120, seed=seed):
            return
    pytest.fail(f"five runs did not find that the ledger {bug.__doc__}")


def _commit_until_killed(url: str, seed: int, told: int) -> None:
    ledger = SqlLedger(url, load.SystemClock())
    writer = load._Writer(ledger, seed)
    while True:
        used = writer.used("acknowledged")
        writer.append(f"h{writer.number % 3}")
        ledger.commit(writer.change((used, writer.used("twin"))))
        os.write(told, used.event_id.encode() + b"\n")


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_commit_is_there_whole_or_not_at_all(tmp_path: Path, kills: int) -> None:
    url, rng = f"sqlite:///{tmp_path}/ledger.db", random.Random(7)
    load.prepare(url)
    acknowledged: list[bytes] = []
    for number in range(kills):
        told, tell = os.pipe()
        child = load.fork.Process(target=_commit_until_killed, args=(url, 100 + number, tell))
        child.start()
        os.close(tell)
        acknowledged.append(os.read(told, 31)[:30])  # it has begun; now at any point
        time.sleep(rng.random() * 0.03)
        child.kill()
        child.join()
        while more := os.read(told, 31 * 100):
            acknowledged += more.split()
        os.close(told)
        if number % 10 == 0 or number == kills - 1:
            _check_after_kill(url, acknowledged)


def _check_after_kill(url: str, acknowledged: list[bytes]) -> None:
    ledger = SqlLedger(url, load.SystemClock())
    assert verify_space(ledger, load.SPACE).faults == []
    with ledger.view(load.SPACE) as view:
        found, after = set(), 0
        while events := view.events("usage/acknowledged", after_seq=after):
            found |= {item.event_id.encode() for item in events}
            after = events[-1].seq
        one, twin = view.row("usage/acknowledged"), view.row("usage/twin")
    ledger.close()
    assert set(acknowledged) <= found
    assert one is not None
    assert twin is not None
    assert one.body["uses"] == twin.body["uses"]

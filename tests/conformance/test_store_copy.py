"""Copies: there and back, stopped and resumed, purged and forgotten meanwhile; and backups."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from lignin.adapters.store.audit import replay, verify_space
from lignin.adapters.store.ledger import SqlLedger
from lignin.adapters.store.transfer import backup, copy_store
from lignin.domain.errors import ConflictError, IntegrityError, NotFoundError
from lignin.domain.events import Change, Purge
from lignin.testing.changes import (
    TickingClock,
    blob,
    change,
    event,
    head_created,
    head_moved,
    records,
    space_created,
    used,
)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[SqlLedger]:
    ledger = SqlLedger(f"sqlite:///{tmp_path}/source.db", TickingClock())
    ledger.commit(change("team", space_created("team"), head_created("main")))
    ledger.commit(change("other", space_created("other"), used("é")))
    _grow(ledger, 0)
    yield ledger
    ledger.close()


def _grow(ledger: SqlLedger, since: int, rounds: int = 30) -> None:
    for number in range(since, since + rounds):
        ledger.commit(_round(number))


def _round(number: int) -> Change:
    return change(
        "team",
        head_moved("main", f"r{number}", f"r{number + 1}"),
        used(f"v{number % 5}"),
        records=(records(f"s{number % 3}", b"%d" % number, b"\x00" * number),),
        blobs=(blob(f"usage/v{number % 5}", b"blob %d" % (number % 7)),),
        idempotency_key=f"k{number}",
    )


@pytest.fixture
def sqlite_target(tmp_path: Path) -> Iterator[SqlLedger]:
    ledger = SqlLedger(f"sqlite:///{tmp_path}/target.db", TickingClock())
    yield ledger
    ledger.close()


@pytest.fixture
def postgres_target(fresh_postgres_url: str) -> Iterator[SqlLedger]:
    ledger = SqlLedger(fresh_postgres_url, TickingClock())
    yield ledger
    ledger.close()


@pytest.fixture(params=["sqlite_target", "postgres_target"])
def target(request: pytest.FixtureRequest) -> SqlLedger:
    found: SqlLedger = request.getfixturevalue(request.param)
    return found


def _same(one: SqlLedger, other: SqlLedger) -> None:
    assert list(one.spaces()) == list(other.spaces())
    for space in one.spaces():
        reports = [verify_space(ledger, space) for ledger in (one, other)]
        assert reports[0] == reports[1]
        assert reports[0].sound
        assert replay(one, space) == replay(other, space)
        with one.view(space) as a, other.view(space) as b:
            streams = [row.stream for row in a.page("record").rows]
            for stream in streams:
                assert list(a.records(stream)) == list(b.records(stream))


def test_a_copy_there_and_back_has_equal_heads_and_state(
    source: SqlLedger, postgres_target: SqlLedger, sqlite_target: SqlLedger
) -> None:
    copy_store(source, postgres_target)
    copy_store(postgres_target, sqlite_target)
    _same(source, postgres_target)
    _same(source, sqlite_target)


def test_the_copy_goes_on_as_a_store_of_its_own(source: SqlLedger, target: SqlLedger) -> None:
    copy_store(source, target)
    (again,) = target.commit(_round(3))
    assert again.repeated
    _grow(target, 30, 3)
    assert verify_space(target, "team").faults == []


class _StoppedError(Exception):
    pass


def test_a_stopped_copy_is_a_sound_shorter_store_and_goes_on(
    source: SqlLedger, target: SqlLedger
) -> None:
    steps = 0

    def stop(space: str, position: int, end: int) -> None:
        nonlocal steps
        steps += 1
        if steps % 2 == 0 and position < end:
            raise _StoppedError

    stops = 0
    while True:
        try:
            reports = copy_store(source, target, stop, step=7)
            break
        except _StoppedError:
            stops += 1
            for space in target.spaces():
                shorter = verify_space(target, space)
                assert [f for f in shorter.faults if "receipts" not in f] == []
    assert stops > 4
    assert any(report.resumed_at for report in reports)
    _same(source, target)


def test_a_later_copy_brings_only_what_is_new(source: SqlLedger, target: SqlLedger) -> None:
    copy_store(source, target)
    _grow(source, 30, 5)
    source.seal("team", "record/s0")
    reports = {report.space: report for report in copy_store(source, target)}
    assert (reports["team"].events, reports["other"].events) == (15, 0)
    _same(source, target)


def test_a_later_copy_takes_over_what_was_purged_and_forgotten(
    source: SqlLedger, target: SqlLedger
) -> None:
    only = blob("usage/only", b"to be forgotten")
    source.commit(change("team", used("only"), blobs=(only,)))
    copy_store(source, target)
    purge = (Purge(stream="record/s1", seq=2),)
    source.commit(change("team", event("purge/s1", "payload.purged", count=1), purges=purge))
    source.commit(change("team", used("a"), forgets=("usage/only",)))
    copy_store(source, target)
    with target.view("team") as view:
        assert view.contents("record/s1")[1] is None
        with pytest.raises(NotFoundError):
            view.blob(only.digest)
    _same(source, target)


def test_a_store_is_not_copied_onto_itself(source: SqlLedger, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "source.db")
    for url in (source.url, f"sqlite:///{tmp_path}/../{tmp_path.name}/source.db"):
        again = SqlLedger(url, TickingClock())
        with pytest.raises(ConflictError, match="this store itself"):
            copy_store(source, again)
        again.close()
    linked = SqlLedger(f"sqlite:///{tmp_path}/link.db", TickingClock())
    with pytest.raises(ConflictError, match="this store itself"):
        copy_store(source, linked)
    linked.close()
    assert verify_space(source, "team").faults == []


def test_a_postgres_store_is_not_copied_onto_itself(postgres_target: SqlLedger) -> None:
    again = SqlLedger(postgres_target.url, TickingClock())
    with pytest.raises(ConflictError, match="this store itself"):
        copy_store(postgres_target, again)
    again.close()


def test_a_target_with_another_history_is_refused(source: SqlLedger, target: SqlLedger) -> None:
    target.commit(change("team", space_created("team")))
    with pytest.raises(ConflictError, match="another history"):
        copy_store(source, target)


def test_a_source_whose_chain_breaks_is_not_copied_further(
    source: SqlLedger, target: SqlLedger
) -> None:
    with source.engine.begin() as connection:
        connection.execute(
            text("update event set payload=x'7b7d' where space='team' and position=40")
        )
    with pytest.raises(IntegrityError, match="position 40"):
        copy_store(source, target)


def test_a_backup_is_a_store_and_never_overwrites(source: SqlLedger, tmp_path: Path) -> None:
    path = tmp_path / "backup.db"
    backup(source, path)
    with pytest.raises(ConflictError):
        backup(source, path)
    saved = SqlLedger(f"sqlite:///{path}", TickingClock())
    _same(source, saved)
    saved.close()


def test_a_backup_is_readable_by_its_owner_only(source: SqlLedger, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        backup(source, tmp_path / "backup.db")
    finally:
        os.umask(before)
    assert (tmp_path / "backup.db").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("backup.db?*")) == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("update blob_chunk set data=zeroblob(9)", "sha256:"),
        ("update event set actor=cast(x'7b22ff' as text) where space='team' and position=5", "5"),
        ("update state_row set body='[]' where stream='head/main'", "head/main"),
    ],
)
def test_a_damaged_store_is_not_backed_up(
    source: SqlLedger, tmp_path: Path, statement: str, named: str
) -> None:
    backup(source, tmp_path / "older.db")
    older = (tmp_path / "older.db").read_bytes()
    with source.engine.begin() as connection:
        connection.execute(text(statement))
    with pytest.raises(IntegrityError, match=named):
        backup(source, tmp_path / "backup.db")
    with pytest.raises(ConflictError):
        backup(source, tmp_path / "older.db")
    assert list(tmp_path.glob("backup.db*")) == []
    assert (tmp_path / "older.db").read_bytes() == older


def test_a_store_with_lost_pages_is_not_backed_up(tmp_path: Path) -> None:
    path = tmp_path / "source.db"
    ledger = SqlLedger(f"sqlite:///{path}", TickingClock())
    ledger.commit(change("team", space_created("team"), head_created("main")))
    _grow(ledger, 0)
    ledger.close()
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 8192] = bytes(8192)
    path.write_bytes(raw)
    damaged = SqlLedger(f"sqlite:///{path}", TickingClock())
    with pytest.raises(IntegrityError):
        backup(damaged, tmp_path / "backup.db")
    damaged.close()
    assert list(tmp_path.glob("backup.db*")) == []


def test_a_postgres_store_is_backed_up_into_one_file(
    source: SqlLedger, postgres_target: SqlLedger, tmp_path: Path
) -> None:
    copy_store(source, postgres_target)
    backup(postgres_target, tmp_path / "backup.db")
    saved = SqlLedger(f"sqlite:///{tmp_path}/backup.db", TickingClock())
    _same(source, saved)
    saved.close()

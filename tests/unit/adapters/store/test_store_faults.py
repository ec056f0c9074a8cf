"""Full disks, read-only folders, damaged files, newer schemas: what, where, what to do."""

import multiprocessing
import os
import resource
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from lignin.adapters.store.audit import verify_space
from lignin.adapters.store.engine import explained, open_engine
from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.commits import Book, Plan, Unit, _Draft
from lignin.domain.errors import (
    IntegrityError,
    LigninError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.events import Change, Event, NewEvent, format_time
from lignin.testing.changes import (
    TickingClock,
    blob,
    change,
    head_created,
    records,
    space_created,
    used,
)

fork = multiprocessing.get_context("fork")


def _store(folder: Path) -> str:
    url = f"sqlite:///{folder}/ledger.db"
    ledger = SqlLedger(url, TickingClock())
    first = change("team", space_created("team"), head_created("main"))
    ledger.commit(first, change("team", used("a"), idempotency_key="k"))
    ledger.commit(change("team", records=(records("s", b"one", b"two"), records("t", b"three"))))
    ledger.commit(change("team", used("a"), blobs=(blob("usage/a", b"bytes"),)))
    ledger.close()
    return url


def _change_by_hand(url: str, *statements: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0
    connection.close()


def _faults(url: str) -> list[str]:
    ledger = SqlLedger(url, TickingClock())
    faults = verify_space(ledger, "team").faults
    ledger.close()
    return faults


def test_a_sound_store_has_no_faults(tmp_path: Path) -> None:
    assert _faults(_store(tmp_path)) == []


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("update event set payload = x'7b7d' where position = 3", "position 3"),
        ("update event set payload = x'78' where position = 3", "position 3"),
        ("update event set actor = '{' where position = 3", "position 3"),
        ("update event set actor = cast(x'7b22ff' as text) where position = 3", "position 3"),
        ("update event set type = cast(x'ff' as text) where position = 3", "position 3"),
        ("update event set payload = 7 where position = 3", "position 3"),
        ("update event set payload = '[]' where position = 3", "position 3"),
        ("update blob_ref set digest = cast(x'73ff' as text)", "reference"),
        ("update event set at = '2020-01-01T00:00:00.000000Z' where position = 3", "position 3"),
        ("delete from event where position = 3", "position 4"),
        ("delete from event where position = 6", "missing"),
        ("update event set chain = zeroblob(32) where position = 2", "position 2"),
        ("update book set position = 9", "missing"),
        ("update state_row set body = '{}' where stream = 'usage/a'", "usage/a"),
        ("update state_row set body = '{' where stream = 'usage/a'", "usage/a"),
        ("delete from state_row where stream = 'head/main'", "head/main"),
        ("delete from receipt", "receipts"),
        ("delete from segment where stream = 'record/t'", "record/t"),
        ("update segment set data = zeroblob(9) where stream = 'record/s'", "record/s"),
        ("update segment set data = (select data from segment where stream = 'record/t')"
         " where stream = 'record/s'", "record/s"),
        ("update blob_chunk set data = zeroblob(9)", "sha256:"),
        ("delete from blob_chunk", "sha256:"),
    ],
)  # fmt: skip
def test_verify_names_what_somebody_changed(tmp_path: Path, statement: str, names: str) -> None:
    url = _store(tmp_path)
    _change_by_hand(url, statement)
    faults = _faults(url)
    assert faults
    assert names in " ".join(faults)


@pytest.mark.parametrize(
    "statement",
    [
        "update event set actor = cast(x'7b22ff' as text) where position = 3",
        "update event set actor = '7' where position = 3",
        "update event set payload = x'ff' where position = 3",
        "update state_row set body = cast(x'ff' as text) where stream = 'usage/a'",
        "update state_row set body = '[]' where stream = 'usage/a'",
        "update receipt set event_ids = '{' where idempotency_key = 'k'",
        "update receipt set event_ids = cast(x'ff' as text) where idempotency_key = 'k'",
        "update blob_chunk set data = 'text'",
        "update segment set data = 7 where stream = 'record/s'",
    ],
)
def test_what_cannot_be_read_back_is_damage_on_every_path(tmp_path: Path, statement: str) -> None:
    url = _store(tmp_path)
    _change_by_hand(url, statement)
    ledger = SqlLedger(url, TickingClock())
    with pytest.raises(IntegrityError) as damaged:
        _read_all(ledger)
    ledger.close()
    assert "backup" in damaged.value.hint


def _read_all(ledger: SqlLedger) -> None:
    with ledger.view("team") as view:
        view.log()
        view.page("usage")
        view.blob(blob("usage/a", b"bytes").digest)
        list(view.records("record/s"))
    ledger.commit(change("team", used("a"), idempotency_key="k"))


def test_a_store_that_lost_its_version_is_damaged_and_left_as_it_is(tmp_path: Path) -> None:
    url = _store(tmp_path)
    _change_by_hand(url, "delete from alembic_version")
    for create in (True, False):
        with pytest.raises(IntegrityError, match="version"):
            open_engine(url, create=create)


def test_no_store_is_made_where_one_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no store"):
        open_engine(f"sqlite:///{tmp_path}/no/such/typo.db", create=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    with pytest.raises(NotFoundError):
        open_engine(f"sqlite:///{tmp_path}/empty.db", create=False)
    assert (tmp_path / "empty.db").stat().st_size == 0


@pytest.mark.parametrize(
    ("detail", "free_bytes", "hint"),
    [
        ("database or disk is full", 10**9, "free some disk space"),
        ("disk I/O error", 0, "free some disk space"),
        ("unable to open database file", 0, "free some disk space"),
        ("disk I/O error", 10**9, "may be written"),
        ("disk I/O error", None, "may be written"),
        ("attempt to write a readonly database", 0, "may be written"),
        ("database is locked", 0, "another process"),
    ],
)
def test_an_io_error_without_room_is_a_full_disk(
    detail: str, free_bytes: int | None, hint: str
) -> None:
    told = explained("sqlite:///x.db", detail, free_bytes)
    assert isinstance(told, UnavailableError)
    assert hint in told.hint
    assert ("the disk is full" in told.message) == ("free some" in hint)


def test_what_is_stored_is_not_repeated_in_the_message_of_damage() -> None:
    detail = "Could not decode to UTF-8 column 'body' with text 'private"
    told = explained("sqlite:///x.db", detail, 0)
    assert isinstance(told, IntegrityError)
    assert "body" in told.message and "private" not in told.message


def test_a_corrupt_segment_is_named_and_every_other_stream_reads(tmp_path: Path) -> None:
    url = _store(tmp_path)
    _change_by_hand(url, "update segment set data = x'28b52ffd00' where stream = 'record/s'")
    ledger = SqlLedger(url, TickingClock())
    with ledger.view("team") as view:
        with pytest.raises(IntegrityError, match="record/s") as corrupt:
            view.contents("record/s")
        assert "backup" in corrupt.value.hint
        assert list(view.contents("record/t")) == [b"three"]
    ledger.commit(change("team", used("b")))
    ledger.close()


def test_a_truncated_file_is_named_with_a_way_out(tmp_path: Path) -> None:
    url = _store(tmp_path)
    path = Path(url.removeprefix("sqlite:///"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(LigninError) as damaged:
        ledger = SqlLedger(url, TickingClock())
        try:
            with ledger.view("team") as view:
                view.log()
        finally:
            ledger.close()
    assert "ledger.db" in damaged.value.message
    assert "backup" in damaged.value.hint


def test_a_file_that_is_no_store_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is somebody's text\n" * 100)
    before = path.read_bytes()
    with pytest.raises(LigninError, match="not a database"):
        SqlLedger(f"sqlite:///{path}", TickingClock())
    assert path.read_bytes() == before


def test_a_store_of_a_newer_schema_is_refused_unchanged(tmp_path: Path) -> None:
    url = _store(tmp_path)
    _change_by_hand(url, "update alembic_version set version_num = '9999'")
    path = Path(url.removeprefix("sqlite:///"))
    before = path.read_bytes()
    with pytest.raises(UnavailableError, match="9999") as newer:
        SqlLedger(url, TickingClock())
    assert "upgrade" in newer.value.hint
    assert path.read_bytes() == before


class _NewerDraft(_Draft):
    def _event(
        self, change: Change, new: NewEvent, position: int, at: str, *, seq: int
    ) -> tuple[Event, bytes]:
        novelty = replace(new, stream="novelty/n", type="novelty.seen", schema_version=9)
        return super()._event(change, novelty, position, at, seq=seq)


class _Newer(SqlLedger):
    """A later version, which knows a kind of stream that is unknown here."""

    def _plan(self, units: Sequence[Unit], books: dict[str, Book], now: datetime) -> Plan:
        plan, draft = Plan(), _NewerDraft(books, format_time(now))
        books["team"].rows["novelty/n"] = None
        plan.answers.append(tuple(draft.take(change) for change in units[0]))
        draft.settle(plan)
        return plan


def test_a_newer_writers_events_are_kept_whole(tmp_path: Path) -> None:
    url = _store(tmp_path)

    newer = _Newer(url, TickingClock())
    newer.commit(change("team", used("n")))
    newer.close()
    ledger = SqlLedger(url, TickingClock())
    with ledger.view("team") as view:
        (found,) = view.events("novelty/n")
        assert (found.type, found.payload["client"]) == ("novelty.seen", "test")
    assert verify_space(ledger, "team").faults == []
    ledger.close()


def _in_child(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_full_disk_refuses_the_commit_and_keeps_all_before(tmp_path: Path) -> None:
    url = _store(tmp_path)

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
        ledger = SqlLedger(url, TickingClock())
        for number in range(200):
            try:
                content = os.urandom(20_000)
                ledger.commit(change("team", records=(records("big", content),)))
            except UnavailableError as full:
                assert "half-written" in full.hint or "folder" in full.hint, full.hint
                assert number > 3
                return
        raise AssertionError("never full")

    assert _in_child(fill) == 0
    assert _faults(url) == []
    ledger = SqlLedger(url, TickingClock())
    ledger.commit(change("team", used("after")))
    ledger.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="drops root to meet a folder it may not write")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    url = _store(folder)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)

    def write() -> None:
        os.setuid(65534)
        try:
            ledger = SqlLedger(url, TickingClock())
            ledger.commit(change("team", used("x")))
        except UnavailableError as refused:
            assert str(folder) in refused.message, refused.message
            assert "written" in refused.hint, refused.hint
            return
        raise AssertionError("wrote into a read-only folder")

    try:
        assert _in_child(write) == 0
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)

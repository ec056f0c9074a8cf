"""The resident writer waits for nobody: slow, broken, greedy and foreign clients."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.adapters.store import wire
from lignin.adapters.store.ledger import SqlLedger
from lignin.adapters.store.writer import ResidentLedger, Writer, socket_path
from lignin.domain.errors import CodecError, ConflictError, InvalidRequestError, UnavailableError
from lignin.testing.changes import TickingClock, change, event, fresh_id, space_created, used


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """URL of a store with a space `team` and a writer that serves it."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger = SqlLedger(url, TickingClock())
    ledger.commit(change("team", space_created("team")))
    path = socket_path(url)
    assert path is not None
    writer = Writer(ledger, path)
    thread = threading.Thread(target=writer.serve)
    thread.start()
    yield url
    writer.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert not path.exists()
    ledger.close()


def _connect(url: str) -> socket.socket:
    path = socket_path(url)
    assert path is not None
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(path))
    return connection


def _is_quick(url: str) -> None:
    """Another client is answered by the writer, at once."""
    ledger = ResidentLedger(url, TickingClock())
    began = time.monotonic()
    ledger.commit(change("team", used("x")))
    assert time.monotonic() - began < 30
    assert len(ledger._idle) == 1
    ledger.close()


def _is_dropped(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_the_socket_is_for_its_owner_only(served: str) -> None:
    path = socket_path(served)
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_client_that_never_reads_is_dropped_and_delays_nobody(served: str) -> None:
    frame = wire.encode_unit((change("team", event("nonsense/x", "y" * 3000)),))
    with _connect(served) as greedy:
        greedy.settimeout(1)
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 40_000:
                greedy.sendall(frame)
                sent += 1
        assert sent < 40_000
        _is_quick(served)


def test_a_half_frame_delays_nobody(served: str) -> None:
    with _connect(served) as slow:
        slow.sendall(wire.encode_unit((change("team", used("a")),))[:-3])
        _is_quick(served)
    _is_quick(served)


def test_a_giant_frame_is_refused_by_its_length_alone(served: str) -> None:
    good = wire.encode_unit((change("team", used("a")),))
    with _connect(served) as giant:
        giant.sendall(good + wire.LENGTH.pack(wire.MAX_FRAME_BYTES + 1) + b"x")
        assert _is_dropped(giant)
    _is_quick(served)


EMPTY_UNIT = wire.encode_unit(())[4:]
MALFORMED = [b"", b"\0", wire.DIALECT, wire.DIALECT + b"\x81", EMPTY_UNIT + b"x", b"\xff" * 40]


@pytest.mark.parametrize("body", [*MALFORMED, EMPTY_UNIT[4:], b"\0\0\0\0" + EMPTY_UNIT[4:]])
def test_a_malformed_frame_is_answered_and_the_next_one_goes_on(served: str, body: bytes) -> None:
    with _connect(served) as connection:
        for _ in range(2):
            connection.sendall(wire.LENGTH.pack(len(body)) + body)
            (length,) = wire.LENGTH.unpack(connection.recv(4))
            assert isinstance(wire.decode_answer(connection.recv(length)), InvalidRequestError)
    _is_quick(served)


def test_a_frame_without_a_change_is_answered_with_no_receipt(served: str) -> None:
    with _connect(served) as connection:
        connection.sendall(wire.encode_unit(()))
        (length,) = wire.LENGTH.unpack(connection.recv(4))
        assert wire.decode_answer(connection.recv(length)) == ()


def test_what_a_unit_holds_comes_over_the_wire_unchanged() -> None:
    unit = (change("team", used("a"), expects={"usage/a": 3}, idempotency_key="k"),)
    assert wire.decode_unit(wire.encode_unit(unit)[4:]) == unit


@pytest.mark.parametrize("value", [{1, 2}, b"raw", 2**60, {1: "x"}, TickingClock()])
def test_a_payload_that_is_no_json_is_never_sent_as_something_like_it(value: object) -> None:
    with pytest.raises(CodecError):
        wire.encode_unit((change("team", event("usage/a", "usage.recorded", x=value)),))


def test_an_error_comes_over_the_wire_with_all_that_it_says() -> None:
    refused = ConflictError("stale", hint="read again", stream="head/h", actual=7)
    back = wire.decode_answer(wire.encode_answer(refused)[4:])
    assert isinstance(back, ConflictError)
    assert (back.message, back.hint, back.fields) == ("stale", "read again", dict(refused.fields))


def test_a_client_that_leaves_before_the_answer_hurts_nobody(served: str) -> None:
    for _ in range(20):
        with _connect(served) as hasty:
            hasty.sendall(wire.encode_unit((change("team", used("hasty")),)) * 3)
    _is_quick(served)


def test_a_second_writer_of_one_store_is_refused(served: str) -> None:
    path = socket_path(served)
    assert path is not None
    ledger = SqlLedger(served, TickingClock())
    with pytest.raises(UnavailableError, match="already"):
        Writer(ledger, path)
    ledger.close()
    _is_quick(served)


def test_a_dead_writers_socket_is_taken_over(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger = SqlLedger(url, TickingClock())
    path = socket_path(url)
    assert path is not None
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    client = ResidentLedger(url, TickingClock())
    client.commit(change("team", space_created("team")))  # nobody listens: by itself
    writer = Writer(ledger, path)
    thread = threading.Thread(target=writer.serve)
    thread.start()
    _is_quick(url)
    writer.stop()
    thread.join()
    client.close()
    ledger.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody else")
def test_another_user_is_refused_even_where_the_socket_lets_him_in(tmp_path: Path) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        url = f"sqlite:///{folder}/ledger.db"
        ledger = SqlLedger(url, TickingClock())
        ledger.commit(change("team", space_created("team")))
        path = socket_path(url)
        assert path is not None
        writer = Writer(ledger, path)
        thread = threading.Thread(target=writer.serve)
        thread.start()
        path.chmod(0o666)
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            refused = False
            try:
                with _connect(url) as connection:
                    connection.sendall(wire.encode_unit((change("team", used("intruder")),)))
                    refused = _is_dropped(connection)
            except ConnectionError:
                refused = True
            os._exit(0 if refused else 1)
        _, status = os.waitpid(child, 0)
        writer.stop()
        thread.join()
        with ledger.view("team") as view:
            assert view.row("usage/intruder") is None
        ledger.close()
        assert os.waitstatus_to_exitcode(status) == 0


def test_an_unsound_change_in_a_batch_hurts_nobody_beside_it(served: str) -> None:
    ledger = SqlLedger(served, TickingClock())
    units = [
        (change("team", used("a")),),
        (change("team", event("usage/\ud800", "usage.recorded")),),
        (change("team", event("usage/b", "usage.recorded", client=[])),),
        (change("team", used("c")),),
    ]
    answers = ledger.commit_batch(units)
    refused = [isinstance(answer, InvalidRequestError) for answer in answers]
    assert refused == [False, True, True, False]
    with ledger.view("team") as view:
        assert {row.key for row in view.page("usage").rows} == {"a", "c"}
    ledger.close()


def test_a_forked_child_commits_beside_its_parent(served: str) -> None:
    child_uses, parent_uses = (
        event(f"usage/{who}", "usage.recorded", client="c", path="p", ok=True)
        for who in ("child", "parent")
    )
    for kind in (SqlLedger, ResidentLedger):
        ledger = kind(served, TickingClock())
        ledger.commit(change("team", used(f"parent-{kind.__name__}")))
        child = os.fork()
        if child == 0:
            try:
                for _ in range(20):
                    ledger.commit(change("team", replace(child_uses, event_id=fresh_id())))
                os._exit(0)
            finally:
                os._exit(1)
        for _ in range(20):
            ledger.commit(change("team", replace(parent_uses, event_id="evt_p" + fresh_id()[-9:])))
        _, status = os.waitpid(child, 0)
        assert status == 0
        ledger.close()


def test_more_threads_than_a_group_holds_are_all_answered(tmp_path: Path) -> None:
    class Small(SqlLedger):
        max_group = 2

    ledger = Small(f"sqlite:///{tmp_path}/many.db", TickingClock())
    ledger.commit(change("team", space_created("team")))
    threads = [
        threading.Thread(target=ledger.commit, args=(change("team", used(f"u{n}")),))
        for n in range(24)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with ledger.view("team") as view:
        assert view.page("usage").total == 24
    ledger.close()

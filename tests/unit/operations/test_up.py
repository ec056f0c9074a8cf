"""`lignin up`: what it says, and when."""

import threading
from dataclasses import replace

import pytest

from lignin.adapters.store.ledger import SqlLedger
from lignin.adapters.store.writer import Writer, socket_path
from lignin.domain.errors import UnavailableError
from lignin.testing.changes import TickingClock
from unit.operations.conftest import Desk


def test_nothing_is_said_to_be_served_where_another_process_serves_the_store(desk: Desk) -> None:
    desk("space.list")
    heard: list[str] = []
    url = f"sqlite:///{desk.context.home}/ledger.db"
    path = socket_path(url)
    assert path is not None
    ledger = SqlLedger(url, TickingClock())
    writer = Writer(ledger, path)
    thread = threading.Thread(target=writer.serve)
    thread.start()
    try:
        up = Desk(replace(desk.context, progress=lambda what, done, total: heard.append(what)))
        with pytest.raises(UnavailableError, match="already"):
            up("up", http="127.0.0.1:0")
    finally:
        writer.stop()
        thread.join()
        ledger.close()
    assert heard == []

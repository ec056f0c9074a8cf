"""Hearing of commits as they are made: a look at SQLite's own counter, or Postgres' notifications.

Owns the thread that listens. Whoever is rung looks for itself what there is; so it harms nothing to ring for
nothing, and what is missed while the store is away is seen at the listener's next look of its own.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

CHANNEL = "lignin_ledger"
LOOK_S = 0.04
"""Between two looks at SQLite's counter, each some microseconds."""
AWAY_S = 1.0
"""How long the store is left alone after it did not answer, and how often a listener looks whether it is to end."""


@contextmanager
def watching(url: URL, ring: Callable[[], None]) -> Iterator[None]:
    """Have `ring` called after each commit to a store while a block lasts; see the port."""
    ended = threading.Event()
    is_sqlite = url.get_backend_name() == "sqlite"
    target, given = (_look, url.database or "") if is_sqlite else (_listen, url)
    listener = threading.Thread(
        target=_again, args=(target, given, ring, ended), name="store-watch", daemon=True
    )
    listener.start()
    try:
        yield
    finally:
        ended.set()
        listener.join()


def _again(
    listen: Callable[..., None], given: Any, ring: Callable[[], None], ended: threading.Event
) -> None:
    """Listen until the end; anew where the store was away."""
    while not ended.is_set():
        with contextlib.suppress(sqlite3.Error, DBAPIError, OSError):
            listen(given, ring, ended)
        ring()
        ended.wait(AWAY_S)


def _look(path: str, ring: Callable[[], None], ended: threading.Event) -> None:
    """`data_version` changes with every commit that another connection makes, in this process too."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        before = None
        while not ended.wait(LOOK_S):
            now = connection.execute("pragma data_version").fetchone()[0]
            if now != before:
                before = now
                ring()


def _listen(url: URL, ring: Callable[[], None], ended: threading.Event) -> None:
    engine = create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"application_name": "lignin-watch"},
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        driver: Any = connection.connection.driver_connection
        ring()
        while not ended.is_set():
            for _ in driver.notifies(timeout=AWAY_S, stop_after=1):
                ring()

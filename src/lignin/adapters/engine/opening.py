"""Opening the engine that belongs to a store: `engine.db` beside a SQLite ledger, else a schema of the same
Postgres database."""

import os
import secrets
import socket
from pathlib import Path

from lignin.domain.errors import InvalidRequestError, UnavailableError
from lignin.ports.engine import Engine

FILE = "engine.db"


def engine_url(store_url: str) -> str:
    """The URL of the engine's database of a store.

    Raises:
        InvalidRequestError: The store is in memory or of another backend.
    """
    if store_url.startswith(("postgresql:", "postgresql+")):
        return store_url
    path = store_url.removeprefix("sqlite:///")
    if path in (store_url, "", ":memory:"):
        raise InvalidRequestError(
            f"no engine runs beside the store {store_url.rsplit('@', maxsplit=1)[-1]!r:.80}",
            hint="use a SQLite file or a Postgres database",
        )
    return f"sqlite:///{Path(path).with_name(FILE)}"


def open_engine(store_url: str) -> Engine:
    """The engine of a store, under a worker id of this process alone; it begins to work at `launch`.

    Raises:
        UnavailableError: The extra `engine` is not installed, or the database cannot be reached.
        InvalidRequestError: The store can have none.
    """
    url = engine_url(store_url)
    try:
        from lignin.adapters.engine.database import Database
        from lignin.adapters.engine.engine import DurableEngine
    except ImportError as error:
        raise UnavailableError(
            f"durable runs are not installed: {error}", hint="pip install 'lignin[engine]'"
        ) from error
    # Never used again, also where a machine's name and process numbers are: runs are told by it
    worker_id = f"{socket.gethostname()[:60]}/{os.getpid()}/{secrets.token_hex(6)}"
    return DurableEngine(Database(url), worker_id)

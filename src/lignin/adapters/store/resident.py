"""The ledger that hands its commits to the resident writer when there is one.

Owns finding the writer, asking it, and going on without it. A unit that may have been sent is
committed again under the same idempotency keys, so nothing happens twice.
"""

import contextlib
import math
import os
import socket
import struct
import time
from dataclasses import replace
from pathlib import Path

from lignin.adapters.store import wire
from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.errors import DeniedError, InvalidRequestError, LigninError
from lignin.domain.events import Change, Receipt
from lignin.ports.clock import Clock

RETRY_AFTER_S = 5.0
ANSWER_TIMEOUT_S = 60.0
_PEER = struct.Struct("3i")


def socket_path(url: str) -> Path | None:
    """Where the writer of a SQLite store listens (Postgres: nowhere)."""
    prefix = "sqlite:///"
    if not url.startswith(prefix):
        return None
    return Path(url.removeprefix(prefix)).with_suffix(".sock")


class ResidentLedger(SqlLedger):
    """A ledger that hands its commits to the resident writer when there is one."""

    def __init__(self, url: str, clock: Clock, *, create: bool = True) -> None:
        super().__init__(url, clock, create=create)
        self._path = socket_path(url)
        self._silent_until = 0.0
        self._idle: list[socket.socket] = []

    def be_the_writer(self) -> None:
        """Commit here from now on: the resident writer is this very process."""
        self._close_idle()
        self._silent_until = math.inf

    def after_fork(self) -> None:
        """See `SqlLedger`; a connection shared with the parent would mix up answers."""
        super().after_fork()
        self._close_idle()

    def commit(self, *changes: Change) -> tuple[Receipt, ...]:
        """See the port. A writer that is lost in between cannot make anything happen twice."""
        connection = self._connection()
        if connection is None:
            return super().commit(*changes)
        keyed = tuple(_with_key(change) for change in changes)
        try:
            frame = wire.encode_unit(keyed)
        except LigninError:
            self._idle.append(connection)
            return super().commit(*changes)  # says what is wrong, or takes what is too large
        try:
            connection.sendall(frame)
            answer = wire.decode_answer(_receive_frame(connection))
        except (OSError, InvalidRequestError):
            connection.close()  # whatever comes on it now answers nobody
            self._close_idle()
            self._silent_until = time.monotonic() + RETRY_AFTER_S
            return super().commit(*keyed)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        if isinstance(answer, LigninError):
            raise answer
        return answer

    def close(self) -> None:
        """See the port."""
        self._close_idle()
        super().close()

    def _close_idle(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _connection(self) -> socket.socket | None:
        """A connection that nobody else uses, or None where no writer answers."""
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        if self._path is None or time.monotonic() < self._silent_until or not self._path.exists():
            return None
        connection = socket.socket(socket.AF_UNIX)
        _bound_waiting(connection)
        try:
            connection.connect(str(self._path))
            if not is_same_user(connection):
                raise DeniedError("the writer's socket belongs to another user")
        except (OSError, DeniedError):
            connection.close()
            self._silent_until = time.monotonic() + RETRY_AFTER_S
            return None
        return connection


def is_same_user(connection: socket.socket) -> bool:
    """True where the process at the other end runs as our own user."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the socket's mode 0600 is the wall there
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return bool(_PEER.unpack(raw)[1] == os.geteuid())


def _with_key(change: Change) -> Change:
    if change.idempotency_key is not None or not (change.events or change.records):
        return change
    first = change.events[0].event_id if change.events else change.records[0].first_id
    return replace(change, idempotency_key=f"sent:{first}")


def _receive_frame(connection: socket.socket) -> bytes:
    """The one answer that is under way on a connection; nothing can follow it."""
    data = _some(connection)
    while len(data) < wire.LENGTH.size:
        data += _some(connection)
    (length,) = wire.LENGTH.unpack_from(data)
    if length > wire.MAX_FRAME_BYTES:
        raise InvalidRequestError(f"an answer of {length} bytes")
    while len(data) < wire.LENGTH.size + length:
        data += _some(connection)
    return data[wire.LENGTH.size : wire.LENGTH.size + length]


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    if not data:
        raise ConnectionResetError("the writer went away")
    return data


def _bound_waiting(connection: socket.socket) -> None:
    """Bound each send and receive. Python polls first, which the kernel wakes once, when the answer
    is there; a plain receive would also be woken when the writer takes the question."""
    connection.settimeout(ANSWER_TIMEOUT_S)

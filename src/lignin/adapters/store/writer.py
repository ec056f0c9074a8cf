"""The resident ordering writer, and the ledger that uses it when it is there.

The writer takes units over a unix socket (mode 0600, same user only), commits all that has gathered
in one transaction and answers each. It adds speed, never correctness: a client that finds no writer,
or loses it, commits by itself under the same idempotency keys.
"""

import contextlib
import os
import selectors
import socket
import struct
import threading
import time
from dataclasses import replace
from pathlib import Path

from lignin.adapters.store import wire
from lignin.adapters.store.ledger import Answer, SqlLedger
from lignin.domain.errors import DeniedError, InvalidRequestError, LigninError, UnavailableError
from lignin.domain.events import Change, Receipt
from lignin.ports.clock import Clock

MAX_BATCH = 256
RETRY_AFTER_S = 5.0
ANSWER_TIMEOUT_S = 60.0
_PEER = struct.Struct("3i")


def socket_path(url: str) -> Path | None:
    """Where the writer of a SQLite store listens (Postgres: nowhere)."""
    prefix = "sqlite:///"
    if not url.startswith(prefix):
        return None
    return Path(url.removeprefix(prefix)).with_suffix(".sock")


class _Peer:
    """One client's connection: what arrived and is not yet a whole frame."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.buffer = bytearray()

    def receive(self) -> bool:
        """Read what is there; False where the client has gone."""
        try:
            data = self.connection.recv(1 << 20)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.buffer += data
        return bool(data)

    def frame(self) -> bytes | None:
        """The next whole frame, if any.

        Raises:
            InvalidRequestError: It would be larger than allowed.
        """
        if len(self.buffer) < 4:
            return None
        (length,) = wire.LENGTH.unpack_from(self.buffer)
        if length > wire.MAX_FRAME_BYTES:
            raise InvalidRequestError(f"a frame of {length} bytes")
        if len(self.buffer) < 4 + length:
            return None
        body = bytes(self.buffer[4 : 4 + length])
        del self.buffer[: 4 + length]
        return body


class Writer:
    """Serves one store's commits until `stop`.

    Raises:
        UnavailableError: Another writer serves the store already.
    """

    def __init__(self, ledger: SqlLedger, path: Path) -> None:
        self._ledger = ledger
        self._path = path
        self._selector = selectors.DefaultSelector()
        self._waker, self._wake = socket.socketpair()
        self._listener = _listen(path)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._waker, selectors.EVENT_READ)
        self._stopping = False

    def serve(self) -> None:
        """Answer until stopped; leaves no socket behind."""
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._path.unlink(missing_ok=True)
            for key in list(self._selector.get_map().values()):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                sock.close()
            self._wake.close()
            self._selector.close()

    def stop(self) -> None:
        """End `serve` after the batch under way; may be called from any thread or signal."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._wake.send(b"x")

    def _turn(self) -> None:
        asked: list[tuple[_Peer, bytes]] = []
        for key, _ in self._selector.select():
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is not self._waker:
                self._take(key.data, asked)
        for start in range(0, len(asked), MAX_BATCH):
            self._answer(asked[start : start + MAX_BATCH])

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if not _is_same_user(connection):
            connection.close()
            return
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, _Peer(connection))

    def _take(self, peer: _Peer, asked: list[tuple[_Peer, bytes]]) -> None:
        alive = peer.receive()
        try:
            while (body := peer.frame()) is not None:
                asked.append((peer, body))
        except InvalidRequestError:
            alive = False
        if not alive:
            self._drop(peer)

    def _drop(self, peer: _Peer) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(peer.connection)
        peer.connection.close()

    def _answer(self, asked: list[tuple[_Peer, bytes]]) -> None:
        units, peers = [], []
        for peer, body in asked:
            try:
                units.append(wire.decode_unit(body))
                peers.append(peer)
            except LigninError as error:
                self._send(peer, error)
        answers: list[Answer]
        try:
            answers = self._ledger.commit_batch(units) if units else []
        except LigninError as error:
            answers = [error] * len(units)
        for peer, answer in zip(peers, answers, strict=True):
            self._send(peer, answer)

    def _send(self, peer: _Peer, answer: Answer) -> None:
        try:
            peer.connection.setblocking(True)
            peer.connection.settimeout(ANSWER_TIMEOUT_S)
            peer.connection.sendall(wire.encode_answer(answer))
            peer.connection.setblocking(False)
        except OSError:
            self._drop(peer)


class ResidentLedger(SqlLedger):
    """A ledger that hands its commits to the resident writer when there is one."""

    def __init__(self, url: str, clock: Clock) -> None:
        super().__init__(url, clock)
        self._path = socket_path(url)
        self._local = threading.local()
        self._silent_until = 0.0

    def commit(self, *changes: Change) -> tuple[Receipt, ...]:
        """See the port. A writer that is lost in between cannot make anything happen twice."""
        connection = self._connection()
        if connection is None:
            return super().commit(*changes)
        keyed = tuple(_with_key(change) for change in changes)
        try:
            connection.sendall(wire.encode_unit(keyed))
            answer = wire.decode_answer(_receive_frame(connection))
        except (OSError, ValueError):
            connection.close()
            self._local.connection = None
            self._silent_until = time.monotonic() + RETRY_AFTER_S
            return super().commit(*keyed)
        if isinstance(answer, LigninError):
            raise answer
        return answer

    def close(self) -> None:
        """See the port."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None
        super().close()

    def _connection(self) -> socket.socket | None:
        known: socket.socket | None = getattr(self._local, "connection", None)
        if known is not None:
            return known
        if self._path is None or time.monotonic() < self._silent_until or not self._path.exists():
            return None
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(ANSWER_TIMEOUT_S)
        try:
            connection.connect(str(self._path))
            if not _is_same_user(connection):
                raise DeniedError("the writer's socket belongs to another user")
        except (OSError, DeniedError):
            connection.close()
            self._silent_until = time.monotonic() + RETRY_AFTER_S
            return None
        self._local.connection = connection
        return connection


def _with_key(change: Change) -> Change:
    if change.idempotency_key is not None:
        return change
    first = change.events[0].event_id if change.events else change.records[0].first_id
    return replace(change, idempotency_key=f"sent:{first}")


def _receive_frame(connection: socket.socket) -> bytes:
    data = b""
    while len(data) < 4:
        data += _some(connection)
    (length,) = wire.LENGTH.unpack_from(data)
    while len(data) < 4 + length:
        data += _some(connection)
    return data[4 : 4 + length]


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    if not data:
        raise ConnectionResetError("the writer went away")
    return data


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    probe = socket.socket(socket.AF_UNIX)
    try:
        probe.connect(str(path))
    except OSError:
        path.unlink(missing_ok=True)  # nobody answers: a dead writer's leftover
    else:
        raise UnavailableError(
            f"a writer serves {path} already", hint="stop it first, or use it: clients find it"
        )
    finally:
        probe.close()
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as error:
        raise UnavailableError(f"cannot listen on {path}: {error}") from error
    finally:
        os.umask(mask)
    listener.listen(1024)
    return listener


def _is_same_user(connection: socket.socket) -> bool:
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the socket's mode 0600 is the wall there
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    return bool(_PEER.unpack(raw)[1] == os.geteuid())

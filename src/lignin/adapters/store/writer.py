"""The resident ordering writer.

It takes units over a unix socket (mode 0600, same user only), commits all that has gathered in one
transaction and answers each. It adds speed, never correctness: a client that finds no writer, or
loses it, commits by itself under the same idempotency keys (`lignin.adapters.store.resident`).

One thread serves everybody, so nothing here waits for one client: input is taken as it comes,
answers are kept until the client reads them, and a client that neither reads nor stops asking is
dropped.
"""

import contextlib
import fcntl
import gc
import os
import selectors
import socket
import time
from pathlib import Path

from lignin.adapters.store import wire
from lignin.adapters.store.ledger import Answer, SqlLedger
from lignin.adapters.store.resident import ResidentLedger, is_same_user, socket_path
from lignin.domain.commits import Unit
from lignin.domain.errors import InvalidRequestError, LigninError, UnavailableError

__all__ = ["ResidentLedger", "Writer", "socket_path"]

MAX_BATCH = 256
MAX_UNREAD_BYTES = 4 * 2**20
"""Answers a client may leave unread before it is dropped."""
EXHAUSTED_PAUSE_S = 0.05


class _Peer:
    """One client's connection: what arrived and is no whole frame yet, and what it has to read."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.alive = True
        self._received = bytearray()
        self._unread = bytearray()

    def receive(self) -> None:
        """Read what is there."""
        try:
            data = self.connection.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            self.alive = False
            return
        self._received += data
        self.alive = bool(data)

    def frame(self) -> bytes | None:
        """The next whole frame, if any; a client that announces a giant one is given up."""
        if len(self._received) < wire.LENGTH.size:
            return None
        (length,) = wire.LENGTH.unpack_from(self._received)
        if length > wire.MAX_FRAME_BYTES:
            self.alive = False
            self._received.clear()
            return None
        end = wire.LENGTH.size + length
        if len(self._received) < end:
            return None
        body = bytes(memoryview(self._received)[wire.LENGTH.size : end])
        del self._received[:end]
        return body

    def send(self, data: bytes = b"") -> None:
        """Send as much as the client takes now and keep the rest."""
        self._unread += data
        try:
            while self._unread:
                del self._unread[: self.connection.send(self._unread)]
        except BlockingIOError:
            self.alive = self.alive and len(self._unread) <= MAX_UNREAD_BYTES
        except OSError:
            self.alive = False

    @property
    def interest(self) -> int:
        """What to wait for."""
        writing = selectors.EVENT_WRITE if self._unread else 0
        return selectors.EVENT_READ | writing


class Writer:
    """Serves one store's commits until `stop`.

    Raises:
        UnavailableError: Another writer serves the store already.
    """

    def __init__(self, ledger: SqlLedger, path: Path) -> None:
        self._ledger = ledger
        self._path = path
        self._selector = selectors.DefaultSelector()
        self._lock = _take_lock(path)
        self._waker, self._wake = socket.socketpair()
        try:
            self._listener = _listen(path)
        except UnavailableError:
            os.close(self._lock)
            raise
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._waker, selectors.EVENT_READ)
        self._stopping = False

    def serve(self) -> None:
        """Answer until stopped; leaves no socket behind."""
        gc.freeze()  # what is here now stays: the collector need not walk it again and again
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
            os.close(self._lock)

    def stop(self) -> None:
        """End `serve` after the batch under way; may be called from any thread or signal."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._wake.send(b"x")

    def _turn(self) -> None:
        asked: list[tuple[_Peer, bytes]] = []
        for key, ready in self._selector.select():
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is not self._waker:
                self._attend(key.data, ready, asked)
        for start in range(0, len(asked), MAX_BATCH):
            self._answer(asked[start : start + MAX_BATCH])

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            time.sleep(EXHAUSTED_PAUSE_S)  # out of descriptors: those who are in go on
            return
        if not is_same_user(connection):
            connection.close()
            return
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, _Peer(connection))

    def _attend(self, peer: _Peer, ready: int, asked: list[tuple[_Peer, bytes]]) -> None:
        if ready & selectors.EVENT_WRITE:
            peer.send()
        if ready & selectors.EVENT_READ:
            peer.receive()
            while (body := peer.frame()) is not None:
                asked.append((peer, body))
        self._settle(peer)

    def _settle(self, peer: _Peer) -> None:
        """Wait for what the peer needs next, or let it go."""
        known = self._selector.get_map().get(peer.connection)
        if known is None:
            return
        if not peer.alive:
            self._selector.unregister(peer.connection)
            peer.connection.close()
        elif known.events != peer.interest:
            self._selector.modify(peer.connection, peer.interest, peer)

    def _answer(self, asked: list[tuple[_Peer, bytes]]) -> None:
        units: list[Unit] = []
        peers: list[_Peer] = []
        for peer, body in asked:
            try:
                units.append(wire.decode_unit(body))
                peers.append(peer)
            except InvalidRequestError as error:
                self._send(peer, error)
        for peer, answer in zip(peers, self._commit(units), strict=True):
            self._send(peer, answer)

    def _commit(self, units: list[Unit]) -> list[Answer]:
        if not units:
            return []
        try:
            return self._ledger.commit_batch(units)
        except LigninError as error:
            return [error] * len(units)

    def _send(self, peer: _Peer, answer: Answer) -> None:
        if peer.alive:
            peer.send(wire.encode_answer(answer))
            self._settle(peer)


def require_unserved(path: Path) -> None:
    """Raise where a writer serves a socket.

    Raises:
        UnavailableError: One does.
    """
    os.close(_take_lock(path))


def _take_lock(path: Path) -> int:
    """Hold the lock beside the socket, which dies with its holder as the socket's file does not."""
    lock = os.open(
        path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise UnavailableError(
            f"a writer serves {path} already", hint="stop it first, or use it: clients find it"
        ) from error
    return lock


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # we hold the lock: what is there is a dead writer's
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise UnavailableError(f"cannot listen on {path}: {error}") from error
    finally:
        os.umask(mask)
    listener.setblocking(False)
    return listener

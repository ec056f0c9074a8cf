"""Real local servers that keep every byte they are sent and answer whatever a test says.

Their key and the authority that they are trusted by are made anew in each run of the tests.
"""

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import trustme

AUTHORITY = trustme.CA()
_CERTIFICATE = AUTHORITY.issue_cert(
    "api.good.test", "other.good.test", "inner.good.test", "xn--pi-7kc.good.test"
)


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    raw: bytes

    @property
    def head(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def line(self) -> list[str]:
        return self.head.split("\r\n")[0].split(" ")

    def header(self, name: str) -> str:
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return ""

    @property
    def token(self) -> bytes:
        """What was in the granted header."""
        return self.header("authorization").removeprefix("Bearer ").encode()


Reply = Callable[[Seen], bytes | Iterable[bytes]]


def http(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


class Server:
    """One listening server; `reply` may be changed between requests."""

    def __init__(self, address: str, *, tls: bool) -> None:
        self.reply: Reply = lambda _: http()
        self.seen: list[Seen] = []
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            _CERTIFICATE.configure_cert(context)
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    plain: socket.socket = self.request
                    plain.settimeout(5)
                    peer = context.wrap_socket(plain, server_side=True) if context else plain
                    with peer:
                        outer.serve(peer)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None:
                pass

        self._listener = Listener((address, 0), Handler)
        self.port: int = self._listener.server_address[1]
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,))
        self._thread.start()

    def serve(self, peer: socket.socket) -> None:
        raw = b""
        while b"\r\n\r\n" not in raw and (part := peer.recv(65536)):
            raw += part
        size = int(Seen(raw).header("content-length") or 0)
        while len(raw.partition(b"\r\n\r\n")[2]) < size and (part := peer.recv(65536)):
            raw += part
        if not raw:
            return
        seen = Seen(raw)
        self.seen.append(seen)
        made = self.reply(seen)
        for part in [made] if isinstance(made, bytes) else made:
            peer.sendall(part)

    def close(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()


@contextmanager
def serving(address: str, *, tls: bool) -> Iterator[Server]:
    server = Server(address, tls=tls)
    try:
        yield server
    finally:
        server.close()


def client_context(*, verify: bool = True) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    AUTHORITY.configure_trust(context)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

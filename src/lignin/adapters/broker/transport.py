"""HTTP/1.1 over one fresh connection to one given address.

Owns sockets, TLS and the deadline. Decides nothing about where to go: the address was checked by
whoever made the hop, and the host's name is used for the certificate only. The standard library's
client does exactly this little: no redirects, proxies, cookies, environment or logging. The TLS
context is made by hand because the default one writes session keys to a file where a variable of
the environment says so.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lignin.domain.errors import LimitedError, UnavailableError
from lignin.ports.broker import Hop, Reply

Lookup = Callable[[str, int], tuple[str, ...]]
_CHUNK = 1 << 16


class HttpTransport:
    """See `lignin.ports.broker.Transport`.

    Args:
        context: TLS settings; by default the system's authorities and TLS 1.2 or later.
        lookup: Finds a host's addresses; by default the system's resolver.
    """

    def __init__(
        self, *, context: ssl.SSLContext | None = None, lookup: Lookup | None = None
    ) -> None:
        self._context = context or make_context()
        self._lookup = lookup or _look_up

    def resolve(self, host: str, port: int, *, timeout_s: float) -> tuple[str, ...]:
        """Return every address of a host; the system's resolver knows no deadline of its own."""
        found: list[tuple[str, ...]] = []

        def look_up() -> None:
            with suppress(OSError, UnicodeError):
                found.append(self._lookup(host, port))

        thread = threading.Thread(target=look_up, daemon=True)
        thread.start()
        thread.join(timeout_s)
        if not found:
            raise UnavailableError(f"the name {host} was not resolved")
        return found[0]

    def send(self, hop: Hop, *, timeout_s: float, max_bytes: int) -> Reply:
        """Send one request and read its whole reply."""
        connection = _PinnedConnection(hop, self._context, timeout_s)
        with _deadline(connection, timeout_s):
            try:
                reply = _exchange(connection, hop, max_bytes)
                connection.require_in_time()
                return reply
            except ssl.SSLCertVerificationError:
                raise UnavailableError(
                    f"{hop.host} shows a certificate that is not its own"
                ) from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                reached = connection.reached
                if connection.expired.is_set() or isinstance(error, TimeoutError):
                    raise UnavailableError(
                        f"{hop.host} gave no whole reply in time", reached=reached
                    ) from None
                raise UnavailableError(
                    f"{hop.host} gave no reply that is HTTP", reached=reached
                ) from None
            finally:
                connection.close()


def make_context() -> ssl.SSLContext:
    """Return TLS settings that verify certificates and keep no key log."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context


class _PinnedConnection(http.client.HTTPConnection):
    """A connection to the hop's address, whatever its name resolves to by now."""

    def __init__(self, hop: Hop, context: ssl.SSLContext, timeout_s: float) -> None:
        super().__init__(hop.host, hop.port, timeout=timeout_s)
        self._hop = hop
        self._context = context
        self._timeout_s = timeout_s
        self._wire: socket.socket | None = None  # `sock` is let go of before the body is read
        self.expired = threading.Event()
        self.reached = False

    def connect(self) -> None:
        """Connect, and for https verify that the certificate is the host's."""
        self._use(socket.create_connection((self._hop.address, self._hop.port), self._timeout_s))
        if self._hop.scheme == "https":
            wrapped = self._context.wrap_socket(
                self.sock, server_hostname=self._hop.host, do_handshake_on_connect=False
            )
            self._use(wrapped)
            wrapped.do_handshake()
        self.reached = True

    def _use(self, opened: socket.socket) -> None:
        self.sock = self._wire = opened
        self.require_in_time()

    def require_in_time(self) -> None:
        """Raise once the connection was cut: what was read since is worth nothing.

        Raises:
            TimeoutError: It was.
        """
        if self.expired.is_set():
            raise TimeoutError

    def cut(self) -> None:
        """End the connection from another thread."""
        self.expired.set()
        if self._wire is not None:
            with suppress(OSError):
                # of the plain socket: that of a TLS one would go on reading without TLS
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)


@contextmanager
def _deadline(connection: _PinnedConnection, timeout_s: float) -> Iterator[None]:
    """Cut the connection when time is up: a timeout per read would let a slow drip go on."""
    timer = threading.Timer(timeout_s, connection.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _exchange(connection: _PinnedConnection, hop: Hop, max_bytes: int) -> Reply:
    connection.putrequest(hop.method, hop.target, skip_host=True, skip_accept_encoding=True)
    for name, value in hop.headers:
        connection.putheader(name, value)
    connection.putheader("Accept-Encoding", "identity")
    connection.putheader("Connection", "close")
    if hop.body or hop.method in {"POST", "PUT", "PATCH"}:
        connection.putheader("Content-Length", str(len(hop.body)))
    connection.endheaders(hop.body or None)
    response = connection.getresponse()
    body = bytearray()
    while part := response.read(min(_CHUNK, max_bytes + 1 - len(body))):
        body += part
        if len(body) > max_bytes:
            raise LimitedError(f"the reply of {hop.host} is larger than {max_bytes} bytes")
    if response.length:
        raise http.client.HTTPException("the reply ends early")
    headers = tuple((name, " ".join(value.split())) for name, value in response.getheaders())
    return Reply(status=response.status, headers=headers, body=bytes(body))


def _look_up(host: str, port: int) -> tuple[str, ...]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))

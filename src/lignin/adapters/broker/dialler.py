"""Sockets to addresses that were checked, for what does not speak HTTP."""

import socket
import ssl

from lignin.adapters.broker.transport import make_context
from lignin.domain.errors import UnavailableError


class SocketDialler:
    """See `lignin.ports.broker.Dialler`.

    Args:
        context: TLS settings; by default the system's authorities and TLS 1.2 or later.
    """

    def __init__(self, *, context: ssl.SSLContext | None = None) -> None:
        self._context = context or make_context()

    def dial(self, address: str, port: int, *, timeout_s: float) -> socket.socket:
        """Connect."""
        try:
            return socket.create_connection((address, port), timeout_s)
        except OSError:
            raise UnavailableError(f"nothing answers at port {port}") from None

    def secure(self, plain: socket.socket, host: str) -> socket.socket:
        """Go on over TLS."""
        try:
            return self._context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLCertVerificationError:
            raise UnavailableError(f"{host} shows a certificate that is not its own") from None
        except OSError:
            raise UnavailableError(f"{host} does not go on over TLS") from None

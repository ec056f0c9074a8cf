"""A transport that answers from recorded requests and never opens a connection.

A request is found by method, whole URL and body. Every host has one address, a public one, so that
the rules on addresses are passed and nothing is looked up.
"""

from collections.abc import Iterable

from lignin.domain.errors import UnavailableError
from lignin.ports.broker import Exchange, Hop, Reply

ADDRESS = "8.8.8.8"
EMPTY = Reply(status=200, headers=(("content-type", "application/json"),), body=b"{}")
_PORTS = {"https": 443, "http": 80}


class ReplayTransport:
    """See `lignin.ports.broker.Transport`. Of two replies to one request neither is given.

    Args:
        exchanges: What was recorded.
        otherwise: The reply to every other request.
    """

    def __init__(self, exchanges: Iterable[Exchange], *, otherwise: Reply | None = None) -> None:
        self._otherwise = otherwise
        self._replies: dict[tuple[str, str, bytes], Reply | None] = {}
        for each in exchanges:
            key = (each.method, each.url, each.body)
            reply = Reply(status=each.status, headers=each.headers, body=each.reply)
            known = self._replies.get(key, reply)
            self._replies[key] = reply if known == reply else None

    def resolve(self, host: str, port: int, *, timeout_s: float) -> tuple[str, ...]:  # noqa: ARG002 -- of the port
        """Return an address that nobody connects to."""
        return (ADDRESS,)

    def send(self, hop: Hop, *, timeout_s: float, max_bytes: int) -> Reply:  # noqa: ARG002 -- of the port
        """Return the recorded reply.

        Raises:
            UnavailableError: There is none (`is_miss`), nor any otherwise; then the run proves nothing.
        """
        port = "" if hop.port == _PORTS[hop.scheme] else f":{hop.port}"
        url = f"{hop.scheme}://{hop.host}{port}{hop.target}"
        reply = self._replies.get((hop.method, url, hop.body)) or self._otherwise
        if reply is None:
            raise UnavailableError(f"no recorded reply to {hop.method} {hop.host}", is_miss=True)
        return reply

"""The control: a proxy as one would first write it, without the rules. Attacks work against it.

It keeps placeholders outside like the real one, replaces them wherever they stand, checks the host
by looking for its name in the URL, follows redirects with all headers, and hands replies in as they
come. An attack that cannot be shown to work here shows nothing about the rules.
"""

import socket
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from e2e.proxy.servers import client_context

Lookup = Callable[[str, int], tuple[str, ...]]


class NaiveProxy:
    """Carries requests for some declared hosts and replaces placeholders by values."""

    def __init__(self, hosts: tuple[str, ...], words: Mapping[str, str], lookup: Lookup) -> None:
        self._hosts = hosts
        self._words = words
        self._lookup = lookup

    def fetch(self, request: Mapping[str, Any]) -> bytes:
        """Return the whole reply as it came, or why there is none."""
        method = request.get("method", "GET")
        url = self._fill(unquote(request["url"]) if "%6" in request["url"] else request["url"])
        headers = {
            self._fill(name): self._fill(value)
            for name, value in request.get("headers", {}).items()
        }
        body = self._fill(request.get("body", ""))
        reply = b""
        for _ in range(9):
            if not any(host.partition(":")[0] in url for host in self._hosts):
                return b"denied"
            reply = self._send(method, url, headers, body)
            head = reply.partition(b"\r\n\r\n")[0].decode("latin-1")
            places = [x[9:].strip() for x in head.split("\r\n") if x.lower().startswith("location")]
            if not places or head[9:10] != "3":
                return reply
            url = urljoin(url, places[0])
        return reply

    def _fill(self, text: str) -> str:
        for placeholder, value in self._words.items():
            text = text.replace(placeholder, value)
        return text

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: str) -> bytes:
        parts = urlsplit(url.replace("\\", "/"))
        host = (parts.hostname or "").encode("idna").decode().rstrip(".")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._lookup(host, port)  # looks, finds it fine, and lets the connection look again
        lines = [f"{method} /{url.partition('://')[2].partition('/')[2]} HTTP/1.1"]
        lines += [f"Host: {host}:{port}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}"]
        try:
            with socket.create_connection((self._lookup(host, port)[0], port), 5) as plain:
                peer = plain
                if parts.scheme == "https":
                    context = client_context(verify=False)
                    peer = context.wrap_socket(plain, server_hostname=host)
                with peer:
                    peer.sendall("\r\n".join([*lines, "", body]).encode("latin-1", "replace"))
                    got = b""
                    while part := peer.recv(65536):
                        got += part
                    return got
        except OSError as error:
            return str(error).encode()

"""What takes web hooks in on this machine, as a chat or a URL for JSON does, and keeps what it was sent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class HookServer:
    """The server as a test sees it.

    Args:
        statuses: What it answers in turn, then 200; 0 ends the connection without a word.
        drops: It takes each `webhook-id` once.
        location: With a status of 3xx, where it leads.
    """

    address: str = ""
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    drops: bool = False
    location: str = ""
    known: set[str] = field(default_factory=set)

    @property
    def texts(self) -> list[str]:
        """The texts that arrived."""
        return [json.loads(body)["text"] for _, _, body in self.received]


@contextmanager
def hook_server() -> Iterator[HookServer]:
    """Serve while a block lasts."""
    seen = HookServer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = seen.statuses.pop(0) if seen.statuses else 200
            name = self.headers.get("webhook-id", "")
            if status in {0, 200, 500} and not (seen.drops and name in seen.known):
                seen.received.append((self.path, dict(self.headers.items()), body))
                seen.known.add(name)
            if not status:
                return
            with suppress(OSError):
                self.send_response(status)
                if seen.location:
                    self.send_header("Location", seen.location)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    seen.address = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()

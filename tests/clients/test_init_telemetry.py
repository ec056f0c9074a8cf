"""What `init` writes makes Claude Code send its telemetry: no variable of the test's own helps it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clients.agents import claude_program, open_workshop
from clients.conftest import Clients
from clients.model_server import serve_model

PORT = 4318
"""Where `init` has clients send it."""


@contextlib.contextmanager
def sink() -> Iterator[list[str]]:
    """Takes telemetry in; gives the paths that were posted to."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield paths
    finally:
        server.shutdown()
        server.server_close()


def test_claude_code_sends_telemetry_by_what_init_wrote_and_by_nothing_else(
    clients: Clients, tmp_path: Path
) -> None:
    if claude_program() is None:
        pytest.skip("npm brought no program of @anthropic-ai/claude-code for this machine")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            pytest.skip(f"something else listens on port {PORT}")
    with serve_model({"short": ["done"]}) as model, open_workshop(tmp_path, model) as shop:
        asked = {"folder": str(shop.project), "client": ["claude-code"], "yes": True}
        with sink() as paths:
            shop.do("init", **asked, hooks=False)
            shop.claude("short", telemetry=None)
            assert paths == []
            shop.do("init", **asked, hooks=False, personal=True)
            shop.claude("short", telemetry=None)
        assert "/v1/logs" in paths
        shop.do("init", **asked, undo=True)
        assert not (shop.home / ".claude/settings.json").exists()

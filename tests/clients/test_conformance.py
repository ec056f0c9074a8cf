"""The MCP conformance suite, as far as it concerns what we offer.

The suite of npm covers revisions up to 2025-11-25. Most scenarios call fixtures by name; `everything.py`
adds them to our server. Left out is what we do not offer: prompts, completion, sampling, logging levels,
subscriptions, and event replay.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from clients.conftest import HERE, Clients

SCENARIOS = (
    "server-initialize",
    "ping",
    "tools-list",
    "tools-call-simple-text",
    "tools-call-image",
    "tools-call-audio",
    "tools-call-embedded-resource",
    "tools-call-mixed-content",
    "tools-call-error",
    "tools-call-with-progress",
    "tools-call-elicitation",
    "server-sse-multiple-streams",
    "resources-list",
    "resources-read-text",
    "resources-read-binary",
    "resources-templates-read",
    "dns-rebinding-protection",
)


@pytest.fixture(scope="module")
def everything() -> Iterator[str]:
    """The server with the suite's fixtures."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    started = subprocess.Popen(
        [sys.executable, str(HERE / "everything.py"), str(port)], env=os.environ
    )
    while True:
        assert started.poll() is None, "it ended"
        with socket.socket() as tried:
            tried.settimeout(0.5)
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                break
    yield f"http://127.0.0.1:{port}/mcp"
    started.terminate()
    started.wait(timeout=30)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_passes(clients: Clients, everything: str, scenario: str) -> None:
    done = clients.run("conformance", "server", "--url", everything, "--scenario", scenario)
    assert done.returncode == 0, done.stdout + done.stderr

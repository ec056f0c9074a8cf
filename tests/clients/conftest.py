"""Real clients: only where `CLIENTS=1` asks for them, else each is skipped with that reason."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CODE = 'def double(number: int) -> int:\n    """Double a number."""\n    return number * 2\n'
EXAMPLES = '[{"arguments":{"number":1},"result":2},{"arguments":{"number":3},"result":6},' \
    '{"arguments":{"number":5},"result":10},{"arguments":{"number":8},"result":16}]'  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is here, and skip it where nobody asked for it."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.clients)
            if os.environ.get("CLIENTS") != "1":
                item.add_marker(pytest.mark.skip(reason="real clients: make test CLIENTS=1"))


@dataclass(frozen=True)
class Clients:
    """Where the clients are."""

    node: Path

    def run(self, name: str, *words: str, timeout: int = 120) -> subprocess.CompletedProcess[str]:
        """Run a client that npm installed."""
        script = HERE / "node_modules" / ".bin" / name
        return subprocess.run(
            [str(self.node), str(script), *words],
            capture_output=True, text=True, check=False, timeout=timeout, cwd=HERE,
        )  # fmt: skip


@pytest.fixture(scope="session")
def clients() -> Clients:
    """The clients, at the versions that are asked for."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import real_clients as tool
    finally:
        sys.path.pop(0)
    files = tool.node_files()
    if files is None or tool.installed() != tool.wanted():
        pytest.skip("not installed: `python tools/real_clients.py` says why")
    return Clients(files[0])


@dataclass(frozen=True)
class Running:
    """A server on a store with one promoted skill."""

    url: str
    token: str
    home: Path

    @property
    def header(self) -> str:
        """The header that shows the token."""
        return f"Authorization: Bearer {self.token}"


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`lignin up --http` with every tool, asked with the token that governs."""
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "LIGNIN_HOME": str(home), "LIGNIN_ACTOR": "user:tester"}
    source = tmp_path_factory.mktemp("code") / "double.py"
    source.write_text(CODE)

    def lignin(*words: str) -> None:
        command = [sys.executable, "-m", "lignin", *words]
        subprocess.run(command, env=environment, check=True, capture_output=True)

    lignin("artifact", "capture", str(source), "--examples", EXAMPLES)
    lignin("artifact", "promote", "double", "--approve", "--yes")
    started = subprocess.Popen(
        [sys.executable, "-m", "lignin", "up", "--http", "127.0.0.1:0", "--every", "--govern"],
        env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert started.stderr is not None
    address = ""
    while not address:
        line = started.stderr.readline().decode()
        assert line, "it ended without saying where it listens"
        found = re.search(r"serving HTTP at (http://[\w.:]+)", line)
        address = found[1] if found else ""
    yield Running(address, (home / "http-govern.token").read_text().strip(), home)
    started.terminate()
    assert started.wait(timeout=60) == 0
    started.stderr.close()

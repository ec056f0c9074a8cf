"""The binding of a real tool server, over a command and over HTTP, with its bounds."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.adapters.broker.tool_server import MAX_RESULT_BYTES, ServerBinding
from lignin.domain.errors import UnavailableError
from lignin.ports.broker import ToolServer
from lignin.ports.tools import Observation

pytest.importorskip("mcp")
PROGRAM = Path(__file__).with_name("stock_server.py")


def opened(folder: Path, *, reads_only: bool = False, timeout_s: float = 20) -> ServerBinding:
    command = (sys.executable, str(PROGRAM), str(folder / "changes"))
    server = ToolServer(name="stock", command=command, timeout_s=timeout_s)
    return ServerBinding(server, os.environ, reads_only=reads_only)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerBinding]:
    binding = opened(tmp_path_factory.mktemp("stock"))
    yield binding
    binding.close()


def test_tools_have_contracts_and_odd_names_are_left_out(stock: ServerBinding) -> None:
    effects = {name: spec.effect for name, spec in stock.tools.items()}
    assert effects == {"count": "read", "take": "write", "flood": "read", "sleep": "read"}


def test_calls_are_answered_and_a_refusal_is_an_observation(stock: ServerBinding) -> None:
    run = stock.begin()
    assert run.call("count", {"item": "nut"}) == Observation(result={"item": "nut", "count": 9})
    refused = run.call("count", {"item": "moon"})
    unfit = run.call("count", {"items": 3})
    assert refused is not None
    assert unfit is not None
    assert (refused.error, unfit.error) == ("tool_error", "tool_error")


def test_no_contract_names_what_may_have_come_halfway_as_a_refusal(stock: ServerBinding) -> None:
    assert {error for spec in stock.tools.values() for error in spec.errors} == {"bad_arguments"}


def test_an_answer_beyond_the_bound_is_not_handed_on(stock: ServerBinding) -> None:
    with pytest.raises(UnavailableError, match="bytes"):
        stock.begin().call("flood", {"size": MAX_RESULT_BYTES + 1})


def test_writes_are_not_made_where_only_reads_are(tmp_path: Path) -> None:
    binding = opened(tmp_path, reads_only=True)
    try:
        run = binding.begin()
        assert run.call("take", {"item": "nut"}) is None
        assert run.call("count", {"item": "nut"}) is not None
    finally:
        binding.close()
    assert not (tmp_path / "changes").exists()


def test_an_answer_that_is_late_is_none_and_the_next_call_is_answered(tmp_path: Path) -> None:
    binding = opened(tmp_path, timeout_s=8)
    try:
        run = binding.begin()
        with pytest.raises(UnavailableError, match="in time"):
            run.call("sleep", {"seconds": 12})
    finally:
        binding.close()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("/nonexistent",), "ended at once"),
        (("sleep", "60"), "did not start within 3 s"),
        (("true",), "ended at once"),
    ],
)
def test_a_command_that_is_no_server_is_unavailable(command: tuple[str, ...], told: str) -> None:
    server = ToolServer(name="none", command=command, timeout_s=3)
    with pytest.raises(UnavailableError, match=told):
        ServerBinding(server, {}, reads_only=True)


def test_a_server_is_given_only_the_variables_that_are_named(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    command = ("sh", "-c", f"env > {seen}; exec sleep 60")
    server = ToolServer(name="env", command=command, variables=("GIVEN",), timeout_s=1)
    with pytest.raises(UnavailableError):
        ServerBinding(server, {"GIVEN": "yes", "KEPT": "no"}, reads_only=True)
    names = {line.partition("=")[0] for line in seen.read_text().splitlines()}
    assert "GIVEN" in names
    assert "KEPT" not in names


def test_closing_ends_the_servers_process(tmp_path: Path) -> None:
    binding = opened(tmp_path)
    mark = str(tmp_path / "changes")
    assert running(mark)
    binding.close()
    assert not running(mark)
    with pytest.raises(UnavailableError):
        binding.begin().call("count", {"item": "nut"})


def running(mark: str) -> bool:
    """Whether some process has a word in its command line."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_a_server_over_http_answers_too(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(PROGRAM), str(tmp_path / "changes"), str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_listening(port)
            server = ToolServer(name="stock", url=f"http://127.0.0.1:{port}/mcp")
            binding = ServerBinding(server, {}, reads_only=True)
            found = binding.begin().call("count", {"item": "nut"})
            binding.close()
        finally:
            process.terminate()
    assert found == Observation(result={"item": "nut", "count": 9})


def wait_listening(port: int) -> None:
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server does not listen")

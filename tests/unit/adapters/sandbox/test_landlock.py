"""The tier for machines without user namespaces, behind the same port."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.adapters.sandbox.landlock import LandlockSandbox, open_landlock_sandbox
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import Limits
from lignin.testing.conformance.sandbox import NOTED, SandboxConformance, call, command
from lignin.testing.conformance.sandbox_packages import (
    PackagesConformance,
    ShutPackagesConformance,
)
from lignin.testing.conformance.sandbox_surroundings import SurroundingsConformance
from lignin.testing.conformance.sandbox_walls import (
    ATTEMPTS,
    attempt,
    host_processes,
    host_traps,
    wait_until,
)

OTHERWISE = {
    # These name what only a world of its own has; what they are after is asked for below.
    "processes of others", "shadow", "secret of the host", "write to the tree", "mode of the tree",
    "write to the guest", "link out of the work folder", "kill the supervisor",
    "limits of the supervisor", "home of root", "environment of the host", "memory of the host",
} | ({"become root"} if os.geteuid() == 0 else set())  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LandlockSandbox]:
    try:
        opened = open_landlock_sandbox()
    except UnavailableError as error:
        pytest.skip(error.message)
    yield opened
    opened.close()


class TestLandlockSandbox(SandboxConformance, SurroundingsConformance):
    @pytest.mark.parametrize("name", sorted(NOTED.keys() - {"connect"}))
    def test_effect_is_noted(self, sandbox: LandlockSandbox, name: str) -> None:
        super().test_effect_is_noted(sandbox, name)


class TestPackages(PackagesConformance, ShutPackagesConformance):
    pass


def test_a_connection_fails_before_there_is_one_to_note(sandbox: LandlockSandbox) -> None:
    seen = call(sandbox, "import socket\ndef f():\n    socket.create_connection(('127.0.0.1', 9))")
    assert (seen.error, seen.returned) == ("OSError", False)


def test_a_signal_to_everybody_reaches_nobody_outside(sandbox: LandlockSandbox) -> None:
    with subprocess.Popen(["sleep", "60"]) as witness:
        call(sandbox, "import os\ndef f():\n    os.kill(-1, 9)\n    return 1")
        assert witness.poll() is None
        witness.kill()


def test_programs_that_the_system_names_by_links_are_found(sandbox: LandlockSandbox) -> None:
    linked = [path for path in Path("/usr/bin").iterdir() if path.is_symlink()]
    if not any(str(path.readlink()) == "/etc/alternatives/awk" for path in linked):
        pytest.skip("awk is no link into /etc/alternatives here")
    seen = command(sandbox, "sh", "-c", "echo 4 | awk '{print $1 * 2}'")
    assert (seen.stdout, seen.exit_code) == (b"8\n", 0)


def test_it_claims_files_and_network_only(sandbox: LandlockSandbox) -> None:
    assert (sandbox.tier, sandbox.capabilities) == ("landlock", frozenset({"fs", "net"}))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the attempts are Linux's")
@pytest.mark.parametrize("name", sorted(ATTEMPTS.keys() - OTHERWISE))
def test_no_attempt_of_the_walls_suite_gets_through(
    sandbox: LandlockSandbox, tmp_path: Path, name: str
) -> None:
    with host_traps(tmp_path) as traps:
        seen = attempt(sandbox, name, traps)
    assert seen.result != "through", seen.stderr
    assert seen.status in {"exited", "memory", "killed", "output", "timeout"}


@pytest.mark.parametrize(
    "body",
    [
        "open('/etc/passwd').read()",
        "open('/etc/shadow').read()",
        "import os; os.listdir('/')",
        "import os; os.listdir('/proc')",
        "import os; os.listdir('/proc/self')",
        "open(f'/proc/{__import__(\"os\").getppid()}/environ').read()",
        "open(f'/proc/{__import__(\"os\").getppid()}/mem', 'rb').read(1)",
        "open(SECRET).read()",
        "open(SECRET, 'a').close()",
        "import os; os.symlink(SECRET, 'link'); open('link').read()",
        "import os; os.link(SECRET, 'hard')",
        "import os; os.rename(SECRET, 'mine')",
        "open(__file__, 'a').close()",
        "import os; os.unlink(__file__)",
        "import sys; open(sys.modules['lignin_guest'].__file__, 'a').close()",
        "import socket; socket.socket(socket.AF_UNIX).connect('/run/x')",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "import os, signal; os.kill(os.getppid(), signal.SIGKILL)",
        "import os; os.kill(HOST, 0)",
        "import resource, os; resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (0, 0))",
    ],
)
def test_what_belongs_to_the_host_is_out_of_reach(
    sandbox: LandlockSandbox, tmp_path: Path, body: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("kept")
    secret.chmod(0o666)
    tmp_path.chmod(0o777)
    given = body.replace("SECRET", repr(str(secret))).replace("HOST", str(os.getpid()))
    seen = call(sandbox, f"def f():\n    {given}\n    return 'through'")
    assert seen.result != "through", body
    assert secret.read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_the_secret_is_reached_where_the_wall_is_left_out(tmp_path: Path) -> None:
    class Open(LandlockSandbox):
        def command(self, folders: object, guest: list[str], limits: Limits) -> list[str]:
            return guest

    secret = tmp_path / "secret"
    secret.write_text("kept")
    opened = Open()
    seen = call(opened, f"def f():\n    return open({str(secret)!r}).read()")
    opened.close()
    assert seen.result == "kept"


def test_a_daemon_with_a_session_of_its_own_does_not_outlive_the_run(
    sandbox: LandlockSandbox,
) -> None:
    before = host_processes()
    body = (
        "import os, time\ndef f():\n    if os.fork() == 0:\n        os.setsid()\n"
        "        if os.fork() == 0:\n            time.sleep(300)\n        os._exit(0)\n    return 1"
    )
    for _ in range(5):
        assert call(sandbox, body).result == 1
    wait_until(lambda: host_processes() <= before)


def test_daemons_end_with_a_run_that_is_out_of_time(sandbox: LandlockSandbox) -> None:
    before = host_processes()
    line = "trap '' TERM HUP INT; (setsid sleep 300 &) ; sleep 300"
    seen = command(sandbox, "sh", "-c", line, limits=Limits(wall_s=0.5))
    assert seen.status == "timeout"
    wait_until(lambda: host_processes() <= before)


def test_too_many_processes_end_the_run(sandbox: LandlockSandbox) -> None:
    before = host_processes()
    body = (
        "import os, time\ndef f():\n    for _ in range(60):\n        if os.fork() == 0:\n"
        "            time.sleep(300)\n    time.sleep(5)\n    return 'through'"
    )
    seen = call(sandbox, body, limits=Limits(processes=8))
    assert seen.result != "through"
    wait_until(lambda: host_processes() <= before)


_HOST = """
from lignin.adapters.sandbox.landlock import open_landlock_sandbox
from lignin.testing.conformance.sandbox import command
print("started", flush=True)
command(open_landlock_sandbox(), "sh", "-c", "setsid sleep 317 & sleep 317")
"""


def test_all_ends_with_the_host_even_when_it_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", _HOST], stdout=subprocess.PIPE, env=environment
    ) as host:
        assert host.stdout is not None
        host.stdout.readline()
        wait_until(lambda: len(_sleepers()) >= 2)
        host.send_signal(signal.SIGKILL)
    wait_until(lambda: not _sleepers())


def _sleepers() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if line == b"sleep\x00317\x00":
                found.append(entry.name)
    return found

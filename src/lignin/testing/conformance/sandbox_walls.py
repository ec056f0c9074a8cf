"""What code must not be able to do in a tier with walls. Each attempt says what it got.

An attempt is the text of a function `f`; it returns normally only where it got through, so that an
attempt which fails for another reason than the wall would show as a wrong exception. Subclass
`WallsConformance` with a `sandbox` fixture, and `SlowWallsConformance` under a slow mark.
"""

import contextlib
import os
import socket
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lignin.domain.artifacts import File
from lignin.ports.sandbox import Limits, Observed, Sandbox
from lignin.testing.conformance.sandbox import call, command

_LIBC = "import ctypes, os; l = ctypes.CDLL(None, use_errno=True)\n"
_CHECK = "\nif r < 0: raise OSError(ctypes.get_errno(), 'refused')\nreturn 'through'"


def _native(expression: str) -> str:
    return f"{_LIBC}r = {expression}{_CHECK}"


# name: (text of the attempt, what it must fail with)
ATTEMPTS: dict[str, tuple[str, str]] = {
    "tcp to the host's loopback": (
        "import socket; socket.create_connection(('127.0.0.1', PORT), 2)",
        "PermissionError|OSError|ConnectionRefusedError",
    ),
    "tcp outside": ("import socket; socket.create_connection(('1.1.1.1', 53), 2)", "PermissionError|OSError"),
    "udp outside": ("import socket; socket.socket(2, 2).sendto(b'x', ('8.8.8.8', 53))", "OSError"),
    "name lookup": ("import socket; socket.getaddrinfo('example.org', 80)", "gaierror"),
    "abstract unix socket of the host": (
        "import socket; socket.socket(1).connect('\\0ABSTRACT')",
        "ConnectionRefusedError|PermissionError",
    ),
    "vsock": ("import socket; socket.socket(40, 1)", "OSError"),
    "netlink": ("import socket; socket.socket(16, 3)", "OSError"),
    "packet socket": ("import socket; socket.socket(17, 3)", "OSError"),
    "shadow": ("open('/etc/shadow').read()", "FileNotFoundError"),
    "secret of the host": ("open(SECRET).read()", "FileNotFoundError"),
    "home of root": ("import os; assert os.listdir('/root') == ['.pyenv']; open('/root/.bashrc')", "FileNotFoundError|PermissionError|AssertionError"),
    "write to /usr": ("open('/usr/x', 'w')", "PermissionError|OSError"),
    "write to /": ("open('/x', 'w')", "PermissionError|OSError"),
    "write to the tree": ("open('/artifact/tool.py', 'a')", "OSError|PermissionError"),
    "mode of the tree": ("import os; os.chmod('/artifact/tool.py', 0o777)", "OSError"),
    "write to the guest": ("open('/lignin/lignin_guest.py', 'a')", "PermissionError|OSError"),
    "remount": (_native("l.mount(b'none', b'/usr', None, 4096 | 32, None)"), "PermissionError"),
    "mount": (_native("l.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, None)"), "PermissionError"),
    "unmount": (_native("l.umount2(b'/proc', 2)"), "PermissionError"),
    "user namespace": (_native("l.unshare(0x10000000)"), "PermissionError"),
    "user namespace by clone": (_native("l.syscall(NR_clone, 0x10000011, 0, 0, 0, 0)"), "PermissionError"),
    "user namespace by clone3": (
        _native("l.syscall(435, (ctypes.c_ulong * 11)(0x10000000, 0, 0, 0, 17), 88)"),
        "OSError",
    ),
    "ptrace of the supervisor": (_native("l.ptrace(16, 1, 0, 0)"), "PermissionError"),
    "memory of the supervisor": ("open('/proc/1/mem', 'rb')", "PermissionError"),
    "limits of the supervisor": ("import resource; resource.prlimit(1, resource.RLIMIT_CPU, (0, 0))", "PermissionError"),
    "io_uring": (_native("l.syscall(425, 8, ctypes.create_string_buffer(120))"), "PermissionError"),
    "bpf": (_native("l.syscall(NR_bpf, 0, None, 0)"), "PermissionError"),
    "memory file": ("import os; os.memfd_create('x')", "PermissionError"),
    "shared anonymous memory": ("import mmap; mmap.mmap(-1, 4096)", "PermissionError"),
    "system V memory": (_native("l.shmget(0, 4096, 0o1600)"), "PermissionError"),
    "processes of others": (
        "import os; n = [p for p in os.listdir('/proc') if p.isdigit()]; assert set(n) - {'1', str(os.getpid())}",
        "AssertionError",
    ),
    "environment of the supervisor": ("open('/proc/1/environ').read()", "PermissionError"),
    "root of the supervisor": ("import os; os.listdir('/proc/1/root')", "PermissionError"),
    "environment of the host": (
        "import os; t = repr(dict(os.environ)) + open('/proc/self/environ').read(); assert 'CANARY' in t",
        "AssertionError",
    ),
    "memory of the host": (
        "import gc; t = 'CANA' + 'RY-'; assert any(t in o for o in gc.get_objects() if type(o) is str)",
        "AssertionError",
    ),
    "open descriptors": (
        "import os; n = {int(x) for x in os.listdir('/proc/self/fd')}\n"
        "left = [x for x in n if x > 3 and os.path.exists(f'/proc/self/fd/{x}')]; assert left, n",
        "AssertionError",
    ),
    "link out of the work folder": (
        "import os; os.symlink('/../../..' + SECRET, 'l'); open('l').read()",
        "FileNotFoundError",
    ),
    "kill the supervisor": (
        "import os, time; os.kill(1, 9); os.kill(1, 15); os.kill(1, 2); time.sleep(.05); os.kill(1, 0)\n"
        "raise ChildProcessError('still there')",
        "ChildProcessError|PermissionError",
    ),
    "become root": ("import os; os.setuid(0)", "PermissionError|OSError"),
    "kernel setting": ("open('/proc/sys/kernel/core_pattern', 'w').write('|/x')", "PermissionError|OSError"),
    "sysrq": ("open('/proc/sysrq-trigger', 'w').write('h')", "PermissionError|OSError|FileNotFoundError"),
    "device": ("import os; os.mknod('d', 0o60600, os.makedev(254, 0))", "PermissionError"),
    "typing into the terminal": ("import fcntl; fcntl.ioctl(0, 0x5412, b'x')", "PermissionError"),
    "clock of the machine": ("import time; time.clock_settime(0, time.clock_gettime(0))", "PermissionError"),
    "host name": ("import socket; socket.sethostname('x')", "PermissionError|OSError"),
    "descriptors without end": ("x = [open('/dev/null') for _ in range(5000)]", "OSError"),
    "disk without end": ("with open('x', 'wb') as o:\n  while True: o.write(bytes(1 << 20))", "OSError"),
    "files without end": ("n = 0\nwhile True: n += 1; open(f'i{n}', 'w').close()", "OSError"),
    "processes without end": (
        "import os, time\nfor n in range(200):\n  if os.fork() == 0: time.sleep(30); os._exit(0)",
        "BlockingIOError",
    ),
}  # fmt: skip


@contextlib.contextmanager
def host_traps(folder: Path) -> Iterator[dict[str, str]]:
    """A listener on loopback, one on an abstract socket, a secret file: all reachable here."""
    secret = folder / "secret"
    secret.write_text("CANARY-file")
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        name = f"lignin-{os.getpid()}"
        unix.bind(f"\0{name}")
        unix.listen()
        arm = os.uname().machine == "aarch64"
        numbers = {"NR_clone": "220" if arm else "56", "NR_bpf": "280" if arm else "321"}
        port = str(tcp.getsockname()[1])
        yield {"PORT": port, "ABSTRACT": name, "SECRET": repr(str(secret)), **numbers}


def attempt(sandbox: Sandbox, name: str, traps: dict[str, str]) -> Observed:
    """Make one attempt, with the words that stand for the host's traps filled in."""
    text = ATTEMPTS[name][0]
    for word, value in traps.items():
        text = text.replace(word, value)
    body = "def f():\n" + textwrap.indent(text, "    ") + "\n    return 'through'"
    return call(sandbox, body, limits=Limits(memory_bytes=256 << 20, work_bytes=8 << 20))


def host_processes(of: int = 0) -> set[int]:
    """Every descendant of a process, by default of this one, by /proc."""
    root = of or os.getpid()
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found - {root}
        found |= more


class WallsConformance:
    """Attempts that must fail, and ends that must be clean."""

    @pytest.fixture
    def traps(self, tmp_path: Path) -> Iterator[dict[str, str]]:
        with host_traps(tmp_path) as words:
            yield words

    @pytest.mark.parametrize("name", ATTEMPTS)
    def test_attempt_is_stopped(self, sandbox: Sandbox, traps: dict[str, str], name: str) -> None:
        expected = ATTEMPTS[name][1]
        seen = attempt(sandbox, name, traps)
        assert seen.status == "exited", (seen.status, seen.message, seen.stderr)
        assert seen.error in expected.split("|"), (seen.error, seen.message, seen.result)

    def test_shell_has_no_host_files_and_no_privilege(self, sandbox: Sandbox) -> None:
        seen = command(
            sandbox,
            "sh",
            "-c",
            "id -u; cat /etc/shadow; ls -A /home/dev; ls /var/log; grep Cap /proc/self/status",
        )
        assert seen.stdout.startswith(b"1000\nCapInh:\t0000000000000000\n")
        assert (
            b"CapBnd:\t0000000000000000" in seen.stdout
            or b"CapEff:\t0000000000000000" in seen.stdout
        )
        assert seen.stderr.count(b"No such file") == 2

    def test_supervisor_survives_what_the_code_does_to_it(self, sandbox: Sandbox) -> None:
        body = "import os, signal\ndef f():\n    for n in (1, 2, 3, 9, 15, 19, 24):\n        try: os.kill(1, n)\n        except OSError: pass\n    return 1"
        assert call(sandbox, body).result == 1

    def test_daemon_ends_with_the_run(self, sandbox: Sandbox) -> None:
        call(sandbox, "def f():\n    return 1")
        before = settled_processes()
        body = """
            import os, signal, time
            def f():
                if os.fork() == 0:
                    os.setsid()
                    for number in (1, 2, 15, 24):
                        signal.signal(number, signal.SIG_IGN)
                    if os.fork() == 0:
                        time.sleep(300)
                    os._exit(0)
                return 1
        """
        seen = call(sandbox, body)
        assert (seen.result, seen.wall_s < 60) == (1, True)
        wait_until(lambda: len(host_processes()) <= before)

    def test_code_that_ignores_signals_is_ended_in_time(self, sandbox: Sandbox) -> None:
        body = """
            import signal
            def f():
                for number in range(1, 32):
                    try: signal.signal(number, signal.SIG_IGN)
                    except OSError: pass
                while True: pass
        """
        seen = call(sandbox, body, limits=Limits(cpu_s=1, wall_s=100))
        assert (seen.status, seen.wall_s < 60) == ("timeout", True)

    def test_memory_bound_holds_for_all_processes_together(self, sandbox: Sandbox) -> None:
        body = """
            import os, time
            def f():
                for _ in range(8):
                    if os.fork() == 0:
                        held = bytearray(b"x") * (40 << 20)
                        time.sleep(20)
                time.sleep(20)
        """
        seen = call(sandbox, body, limits=Limits(memory_bytes=128 << 20, cpu_s=10))
        assert seen.status == "memory"
        assert seen.memory_bytes < 320 << 20

    def test_written_files_count_as_memory(self, sandbox: Sandbox) -> None:
        body = (
            "import time\ndef f():\n    open('x', 'wb').write(bytes(90 << 20))\n    time.sleep(5)"
        )
        seen = call(sandbox, body, limits=Limits(memory_bytes=64 << 20, work_bytes=100 << 20))
        assert seen.status == "memory"

    def test_runs_side_by_side_do_not_see_each_other(self, sandbox: Sandbox) -> None:
        body = "import os, time\ndef f(n):\n    open('mine', 'w').write(str(n))\n    time.sleep(.2)\n    return [open('mine').read(), os.listdir(), sorted(p for p in os.listdir('/proc') if p.isdigit())]"
        with ThreadPoolExecutor(4) as pool:
            seen = list(pool.map(lambda n: call(sandbox, body, arguments={"n": n}), range(8)))
        assert [run.result for run in seen] == [[str(n), ["mine"], ["1", "2"]] for n in range(8)]

    def test_descriptor_of_the_host_is_not_inherited(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        secret = tmp_path / "secret"
        secret.write_text("CANARY-open")
        with secret.open() as file:
            os.set_inheritable(file.fileno(), True)
            seen = command(
                sandbox, "sh", "-c", f"cat <&{file.fileno()}; ls -l /proc/self/fd", hash_seed=77
            )
        assert b"CANARY" not in seen.stdout
        assert str(tmp_path).encode() not in seen.stdout

    def test_tree_is_there_with_its_modes(self, sandbox: Sandbox) -> None:
        files = {"bin/go.sh": File(content=b"#!/bin/sh\necho went\n", mode="0755")}
        assert command(sandbox, "/artifact/bin/go.sh", files=files).stdout == b"went\n"


class SlowWallsConformance:
    """The same walls under repetition."""

    def test_many_runs_leave_no_process_behind(self, sandbox: Sandbox) -> None:
        call(sandbox, "def f():\n    return 1")
        before = settled_processes()
        body = "import os, time\ndef f():\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(300)\n    return 1"
        for _ in range(300):
            assert call(sandbox, body).result == 1
        wait_until(lambda: len(host_processes()) <= before)

    def test_output_bomb_does_not_grow_the_host(self, sandbox: Sandbox) -> None:
        for _ in range(20):
            seen = command(sandbox, "sh", "-c", "yes", limits=Limits(output_bytes=1 << 16))
            assert (seen.status, len(seen.stdout)) == ("output", 1 << 16)


def settled_processes() -> int:
    """How many descendants there are once runs have been prepared and none starts any more."""
    counted = [len(host_processes())]
    while len(counted) < 10 or len(set(counted[-10:])) > 1:
        time.sleep(0.03)
        counted.append(len(host_processes()))
    return counted[-1]


def wait_until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait for something that the kernel does in its own time; fails after `within_s`."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)

"""Bombs are bounded, and go further where the bound is raised: the bound is what stopped them.

The raised bound is the outer cap of the control. Without one: inodes (the number is fixed when the
folder is mounted) and the end of all processes (the supervisor works by their namespace).
"""

from dataclasses import dataclass, replace

import pytest

from escapes.judge import SMALL, run, without
from lignin.adapters.sandbox.ns import NamespaceSandbox
from lignin.ports.sandbox import Limits, Status

_TELL = "def f():\n    import os, sys, time, threading, signal, mmap, socket\n    def tell(n): os.write(1, b'%d\\n' % n)\n"
_IGNORE = "for s in range(1, 32):\n        try: signal.signal(s, signal.SIG_IGN)\n        except OSError: pass\n    "


@dataclass(frozen=True, slots=True, kw_only=True)
class Bomb:
    """`body` writes a number per step; `bounded` stops it with `status` before `steps` of them."""

    body: str
    steps: int
    bounded: Limits
    raised: Limits
    status: Status | None = None


_MEMORY = replace(SMALL, memory_bytes=64 << 20, work_bytes=400 << 20)
_MORE = replace(_MEMORY, memory_bytes=400 << 20)
BOMBS = {
    "memory of one process": Bomb(
        body="k = []\n    for n in range(30): k.append(bytearray(b'x') * (5 << 20)); tell(n); time.sleep(.03)",
        steps=30, bounded=_MEMORY, raised=_MORE, status="memory",
    ),
    "memory of many": Bomb(
        body="for n in range(5):\n        if os.fork() == 0: k = bytearray(b'x') * (30 << 20); tell(n); time.sleep(4); os._exit(0)\n    time.sleep(3)\n    tell(9)",
        steps=6, bounded=_MEMORY, raised=_MORE, status="memory",
    ),
    "memory shared by a file": Bomb(
        body="o = open('m', 'wb+'); o.truncate(80 << 20); m = mmap.mmap(o.fileno(), 80 << 20); os.unlink('m')\n    for n in range(40): m[n << 21:(n + 1) << 21] = b'x' * (1 << 21); tell(n); time.sleep(.03)",
        steps=40, bounded=_MEMORY, raised=_MORE, status="memory",
    ),
    "memory of the kernel in sockets": Bomb(
        body="for n in range(5):\n        if os.fork(): time.sleep(.3); continue\n        k = [socket.socketpair() for _ in range(100)]\n        for pair in k:\n            for end in pair:\n                end.setblocking(False)\n                try:\n                    while end.send(bytes(60000)): pass\n                except BlockingIOError: pass\n        tell(n); time.sleep(2); os._exit(0)",
        steps=5, bounded=_MEMORY, raised=_MORE, status="memory",
    ),
    "processes": Bomb(
        body="for n in range(40):\n        if os.fork() == 0: time.sleep(3); os._exit(0)\n        tell(n)",
        steps=40, bounded=SMALL, raised=replace(SMALL, processes=60),
    ),
    "threads": Bomb(
        body="for n in range(40): threading.Thread(target=time.sleep, args=(.5,), daemon=True).start(); tell(n)",
        steps=40, bounded=replace(SMALL, memory_bytes=8 << 30), raised=replace(SMALL, memory_bytes=8 << 30, processes=60),
    ),
    "disk": Bomb(
        body="with open('x', 'wb', 0) as o:\n        for n in range(16):\n            if o.write(bytes(1 << 20)) < 1 << 20: raise OSError('full')\n            tell(n)",
        steps=16, bounded=SMALL, raised=replace(SMALL, work_bytes=32 << 20),
    ),
    "disk by many files": Bomb(
        body="for n in range(16): open(f'/tmp/x{n}', 'wb').write(bytes(1 << 20)); tell(n)",
        steps=16, bounded=SMALL, raised=replace(SMALL, work_bytes=32 << 20),
    ),
    "processor": Bomb(
        body=_IGNORE + "for n in range(8):\n        e = time.process_time() + .3\n        while time.process_time() < e: pass\n        tell(n)",
        steps=8, bounded=replace(SMALL, cpu_s=1, wall_s=20), raised=replace(SMALL, cpu_s=8, wall_s=20), status="timeout",
    ),
    "time": Bomb(
        body=_IGNORE + "for n in range(20): time.sleep(.1); tell(n)",
        steps=20, bounded=replace(SMALL, wall_s=1), raised=SMALL, status="timeout",
    ),
    "time by a stopped process": Bomb(
        body="if os.fork() == 0: time.sleep(1.5); os.kill(os.getppid(), 18); os._exit(0)\n    os.kill(os.getpid(), 19)\n    tell(1)",
        steps=1, bounded=replace(SMALL, wall_s=1), raised=SMALL, status="timeout",
    ),
    "output": Bomb(
        body="for n in range(100): os.write(1, b' ' * 4096); time.sleep(.001); tell(n)",
        steps=100, bounded=replace(SMALL, output_bytes=1 << 16), raised=SMALL, status="output",
    ),
}  # fmt: skip


def _steps(seen_stdout: bytes) -> int:
    return len(seen_stdout.split())


_SAMPLE = {"memory of one process", "processes", "time", "output"}
_ALL = [pytest.param(name, marks=() if name in _SAMPLE else pytest.mark.slow) for name in BOMBS]


@pytest.mark.parametrize("name", _ALL)
def test_bomb_is_bounded_and_goes_on_where_the_bound_is_raised(
    sandbox: NamespaceSandbox, name: str
) -> None:
    bomb = BOMBS[name]
    held = run(sandbox, _TELL + "    " + bomb.body, bomb.bounded)
    assert _steps(held.stdout) < bomb.steps, held
    assert not held.returned
    assert held.status == (bomb.status or "exited"), held
    assert held.wall_s < bomb.bounded.wall_s + 5
    free = run(sandbox, _TELL + "    " + bomb.body, bomb.raised)
    assert (free.status, _steps(free.stdout)) == ("exited", bomb.steps), free


def test_open_descriptors_are_bounded(sandbox: NamespaceSandbox) -> None:
    text = "def f():\n    return len([open('/dev/null') for _ in range(700)])"
    assert run(sandbox, text).error == "OSError"
    with without("limits") as opened:
        assert run(opened, text).result == 700


def test_a_crash_leaves_no_core(sandbox: NamespaceSandbox) -> None:
    text = "def f():\n    import resource\n    resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20))"
    assert run(sandbox, text).error in {"ValueError", "PermissionError"}
    with without("limits") as opened:
        assert run(opened, text).returned


def test_number_of_files_is_bounded(sandbox: NamespaceSandbox) -> None:
    text = "def f():\n    for n in range(9000): open(f'i{n}', 'w').close()"
    assert run(sandbox, text).error == "OSError"

"""The spawner: one warm interpreter in a world of its own that forks once per run.

Owns its control socket (SEQPACKET, descriptor 3) and nothing else: single-threaded, no secrets, no
environment but the hash seed, no file of the host. It never reads what a run is about: each run
gets a socket of its own, handed through unread. The world ends with the control socket.
Standard library only.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from lignin.adapters.sandbox import inmate, kernel, world

CONTROL_FD = 3
RUN_FDS = 5  # run socket, stdin, stdout, stderr, guest socket


def main(guest: str, off: frozenset[str]) -> None:
    """Build the world, warm up, say so, serve runs until the control socket closes.

    `off` names walls to leave out: see `world`.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a terminal's Ctrl-C is the host's to handle
    control = socket.socket(fileno=CONTROL_FD)
    try:
        world.build(guest, off)
        confinement = inmate.Confinement(off)
        sys.path[:] = [world.GUEST_FOLDER, *(p for p in sys.path if p.startswith("/"))]
        import lignin_guest  # type: ignore[import-not-found]

        lignin_guest.prepare()
    except Exception as error:
        control.send(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode()[:60000])
        raise SystemExit(1) from error
    gc.collect()
    gc.freeze()  # keeps the collector of each fork from touching, and so copying, shared pages
    control.send(json.dumps({"ready": {**world.describe(), "walls_off": sorted(off)}}).encode())
    Spawner(control, confinement).serve()


class Spawner:
    """Forks runs and reaps them. A run is known by the number the host gave it."""

    def __init__(self, control: socket.socket, confinement: "inmate.Confinement") -> None:
        self._control = control
        self._confinement = confinement
        self._runs: dict[int, tuple[int, int]] = {}  # process descriptor: (run, pid)
        self._waiting: tuple[socket.socket, int] | None = None
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Serve until the host closes the control socket or dies."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor != self._control.fileno():
                    self._reap(descriptor)
                elif not self._serve_one():
                    return

    def _serve_one(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._control, 4096, RUN_FDS)
        if not message:
            return False
        order: dict[str, Any] = json.loads(message)
        if "kill" in order:
            for run, pid in self._runs.values():
                if run == order["kill"]:
                    os.kill(pid, signal.SIGKILL)
        else:
            self._start(order["run"], descriptors)
        return True

    def _start(self, run: int, descriptors: list[int]) -> None:
        try:
            if self._waiting is None:
                self._prepare_next()
            assert self._waiting is not None
            (door, pid), self._waiting = self._waiting, None
            with door:
                socket.send_fds(door, [b"run"], descriptors)
            process = os.pidfd_open(pid)
            self._runs[process] = (run, pid)
            self._poll.register(process, select.POLLIN)
        except OSError as error:
            inmate.report_failure(descriptors[0], error)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _prepare_next(self) -> None:
        """Fork the process that the next run will be: half of a run's cost, paid in advance.

        It has namespaces and its private mounts and knows nothing yet; it serves one run only.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = kernel.clone(world.namespaces(self._confinement.off) | kernel.CLONE_NEWUSER)
        if pid == 0:
            inmate.enter(theirs, self._confinement)  # never returns
        theirs.close()
        self._waiting = (ours, pid)

    def _reap(self, process: int) -> None:
        _, pid = self._runs.pop(process)
        self._poll.unregister(process)
        os.close(process)
        os.waitpid(pid, 0)
        if self._waiting is None:  # not sooner: it would take processor time from the run itself
            with contextlib.suppress(OSError):  # the next run tries again, and reports it
                self._prepare_next()

"""The spawner: one warm interpreter in a world of its own that forks once per run.

Owns its control socket (SEQPACKET, descriptor 3) and nothing else: single-threaded, no secrets, no
environment but the hash seed, no file of the host. It never reads what a run is about: each run
gets a socket of its own, handed through unread. The world ends with the control socket.
Standard library only.
"""

import gc
import itertools
import json
import os
import select
import signal
import socket
import sys
from typing import Any, NamedTuple

from lignin.adapters.sandbox import cgroup, inmate, kernel, world

CONTROL_FD = 3
RUN_FDS = 5  # run socket, stdin, stdout, stderr, guest socket


def main(  # noqa: PLR0917 - called once, by the text that starts it
    guest: str,
    compiled: bytes,
    pool: int,
    off: frozenset[str],
    place: tuple[str, int] | None = None,
    packages: str = "",
) -> None:
    """Build the world, warm up, say so, serve runs until the control socket closes.

    `pool` is how many runs are kept prepared. `off` names walls to leave out: see `world`, which is also
    told the `place` for memory groups. `packages` is the folder that every run of this world finds at
    `/packages`; none of them is imported here, which would run their code outside the walls of a run.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a terminal's Ctrl-C is the host's to handle
    control = socket.socket(fileno=CONTROL_FD)
    try:
        groups = world.build(guest, compiled, off, place, packages)
        confinement = inmate.Confinement(off, groups is not None)
        sys.path[:] = [world.GUEST_FOLDER, *(p for p in sys.path if p.startswith("/"))]
        import lignin_guest  # type: ignore[import-not-found]

        lignin_guest.prepare()
    except Exception as error:
        control.send(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode()[:60000])
        raise SystemExit(1) from error
    gc.collect()
    gc.freeze()  # keeps the collector of each fork from touching, and so copying, shared pages
    version = groups.version if groups is not None else 0
    ready = {**world.describe(), "groups": version, "walls_off": sorted(off)}
    control.send(json.dumps({"ready": ready}).encode())
    Spawner(control, confinement, groups, pool).serve()


class Spawner:
    """Forks runs and reaps them. A run is known by the number the host gave it."""

    def __init__(
        self,
        control: socket.socket,
        confinement: "inmate.Confinement",
        groups: "cgroup.Groups | None",
        pool: int,
    ) -> None:
        self._control = control
        self._confinement = confinement
        self._groups = groups
        self._pool = pool
        self._runs: dict[int, tuple[int, _Prepared]] = {}  # process descriptor: (run, process)
        self._waiting: list[_Prepared] = []
        self._left: list[str] = []  # groups of runs that have ended
        self._names = itertools.count(1)
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Serve until the host closes the control socket or dies."""
        while True:
            events = self._poll.poll(0 if self._wants_more() else None)
            for descriptor, _ in events:
                if descriptor != self._control.fileno():
                    self._reap(descriptor)
                elif not self._serve_one():
                    return
            if not events:
                try:
                    self._waiting.append(self._prepare())
                except OSError:  # the next run tries again, and reports it
                    self._pool = 0

    def _wants_more(self) -> bool:
        """Whether to prepare one now: it would take processor time from a run under way."""
        return len(self._waiting) < (1 if self._runs and self._pool else self._pool)

    def _serve_one(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._control, 4096, RUN_FDS)
        if not message:
            return False
        order: dict[str, Any] = json.loads(message)
        if "kill" in order:
            for run, process in self._runs.values():
                if run == order["kill"]:
                    os.kill(process.pid, signal.SIGKILL)
        else:
            self._start(order["run"], order["memory_bytes"], descriptors)
        return True

    def _start(self, run: int, memory_bytes: int, descriptors: list[int]) -> None:
        try:
            chosen = self._waiting.pop(0) if self._waiting else self._prepare()
            descriptor = os.pidfd_open(chosen.pid)
            self._runs[descriptor] = (run, chosen)
            self._poll.register(descriptor, select.POLLIN)
            with chosen.door:
                if self._groups is not None:
                    self._groups.bound(chosen.name, memory_bytes)
                socket.send_fds(chosen.door, [b"run"], descriptors)
        except OSError as error:
            inmate.report_failure(descriptors[0], error)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _prepare(self) -> "_Prepared":
        """Fork the process that a later run will be: most of a run's cost, paid in advance.

        It has namespaces, private mounts and a memory group, and knows nothing yet; it serves one
        run only.
        """
        name = str(next(self._names))
        group = self._groups.add(name) if self._groups is not None else None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            pid = kernel.clone(world.namespaces(self._confinement.off) | kernel.CLONE_NEWUSER)
            if pid == 0:
                inmate.enter(theirs, self._confinement, group)  # never returns
        except OSError:
            ours.close()
            self._remove_group(name)
            raise
        finally:
            theirs.close()
            if group is not None:
                group.close()
        return _Prepared(ours, pid, name)

    def _reap(self, descriptor: int) -> None:
        _, process = self._runs.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        os.waitpid(process.pid, 0)
        self._remove_group(process.name)

    def _remove_group(self, name: str) -> None:
        if self._groups is not None:
            left, self._left = [*self._left, name], []
            for group in left:
                try:
                    self._groups.remove(group)
                except OSError:  # the kernel is not quite done with it: with the next
                    self._left.append(group)


class _Prepared(NamedTuple):
    """A process that waits at its door to be a run, and the name of its memory group."""

    door: socket.socket
    pid: int
    name: str

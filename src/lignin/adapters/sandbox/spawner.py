"""The spawner: one warm interpreter in a world of its own that forks once per run.

Owns its control socket (SEQPACKET, descriptor 3) and nothing else: single-threaded, no secrets, no
environment but the hash seed, no file of the host. It never learns what a run is about: the host
gets the ends of each run's own sockets and pipes and speaks to the run itself. The world ends with
the control socket.
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
REHEARSALS = 20  # Python has specialised what it runs by then


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
    """Forks runs, offers them to the host, and reaps them."""

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
        self._runs: dict[int, _Process] = {}  # by process descriptor
        self._waiting: set[str] = set()  # names of those that the host has not used
        self._offered = 0
        self._answered = False
        self._rehearsals = 0
        self._left: list[str] = []  # groups of runs that have ended
        self._names = itertools.count(1)
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Serve until the host closes the control socket or dies."""
        while True:
            events = self._poll.poll(0 if self._wants_more() or self._wants_rehearsal() else None)
            for descriptor, _ in events:
                if descriptor != self._control.fileno():
                    self._reap(descriptor)
                elif not self._serve_one():
                    return
            if not events and self._wants_rehearsal():
                self._rehearsals += 1
                self._rehearse()
            elif not events:
                try:
                    self._offer()
                except OSError:  # the next run tries again, and reports it
                    self._pool = 0

    def _wants_more(self) -> bool:
        """Whether to prepare one now: it would take processor time from a run under way."""
        if not self._answered:
            return self._offered == 0 and self._pool > 0  # whoever waits for the first, waits
        return len(self._waiting) < (1 if self._busy() and self._pool else self._pool)

    def _wants_rehearsal(self) -> bool:
        """Whether to become faster now: not before the first answer, which would wait for it."""
        return self._answered and self._rehearsals < REHEARSALS and not self._busy()

    def _rehearse(self) -> None:
        import lignin_guest

        inmate.rehearse()
        lignin_guest.rehearse()

    def _busy(self) -> bool:
        return len(self._runs) > len(self._waiting)

    def _serve_one(self) -> bool:
        message = self._control.recv(4096)
        if not message:
            return False
        order: dict[str, Any] = json.loads(message)
        if "kill" in order:
            for process in self._runs.values():
                if process.name == order["kill"]:
                    os.kill(process.pid, signal.SIGKILL)
        elif "used" in order:
            self._waiting.discard(order["used"])
        elif order["wanted"] >= self._offered:  # else one was on its way
            try:
                self._offer()
            except OSError as error:
                self._offered += 1
                failed = f"{type(error).__name__}: {error}"
                self._control.send(json.dumps({"failed": failed}).encode()[:60000])
        return True

    def _offer(self) -> None:
        """Fork the process that a later run will be, and give the host its ends of it.

        It is most of a run's cost, paid in advance: namespaces, private mounts and a memory group.
        It knows nothing yet, and serves one run only.
        """
        name = str(next(self._names))
        door, door_inside = socket.socketpair()
        guest, guest_inside = socket.socketpair()
        out, out_inside = os.pipe()
        err, err_inside = os.pipe()
        try:
            inside = (out_inside, err_inside, guest_inside.fileno())
            process = self._prepare(name, door_inside, inside)
            descriptor = os.pidfd_open(process.pid)
            self._runs[descriptor] = process
            self._poll.register(descriptor, select.POLLIN)
            self._waiting.add(name)
            self._offered += 1
            ends = [door.fileno(), out, err, guest.fileno()]
            socket.send_fds(self._control, [json.dumps({"run": name}).encode()], ends)
        finally:
            for each in (door, door_inside, guest, guest_inside):
                each.close()
            for number in (out, out_inside, err, err_inside):
                os.close(number)

    def _prepare(self, name: str, door: socket.socket, streams: tuple[int, ...]) -> "_Process":
        group = self._groups.add(name) if self._groups is not None else None
        try:
            pid = kernel.clone(world.namespaces(self._confinement.off) | kernel.CLONE_NEWUSER)
            if pid == 0:
                inmate.enter(door, streams, self._confinement, group)  # never returns
        except OSError:
            self._remove_group(name)
            raise
        finally:
            if group is not None:
                group.close()
        return _Process(pid, name)

    def _reap(self, descriptor: int) -> None:
        self._answered = True
        process = self._runs.pop(descriptor)
        self._waiting.discard(process.name)
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


class _Process(NamedTuple):
    """The init of one run, and the name of the run and of its memory group."""

    pid: int
    name: str

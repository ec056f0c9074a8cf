"""The `ns` tier: Linux namespaces, seccomp, Landlock, limits, behind the sandbox port.

Owns the host's end of the spawners: one warm one for each hash seed and folder of packages in use,
started on first need and replaced when it dies; those used longest ago are closed. What runs inside is in `spawner`, `world`, `inmate` and `guest`, which
are sent as text to a fresh interpreter that has nothing of this process. Shares the kernel with
the host: no place for code that is known to be hostile.
"""

import contextlib
import json
import socket
import struct
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lignin.adapters.sandbox import plan, world
from lignin.adapters.sandbox.bubblewrap import NAME, OuterWall, find_outer_wall
from lignin.adapters.sandbox.channel import Guest, Output, Pump, Source, new_key, outcome
from lignin.adapters.sandbox.spawning import POOL, SpawnerProcess, sealed_file, texts_digests
from lignin.domain.codec import Digest, digest_json
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import (
    STOPPED,
    TIER_CAPABILITIES,
    Capability,
    Command,
    Effect,
    Execution,
    Observed,
    RequestHandler,
)

MAX_SPAWNERS = 4
_Wanted = tuple[int, str]
"""What a spawner is warm for: a hash seed, and a folder of packages or none."""
GRACE_S = 5.0


class NamespaceSandbox:
    """The port's `ns` tier. Thread-safe; runs of several threads run side by side."""

    def __init__(self, spawner: SpawnerProcess) -> None:
        """Use `open_namespace_sandbox`."""
        self._first = spawner
        self._lock = threading.Lock()
        self._spawners: OrderedDict[_Wanted, SpawnerProcess] = OrderedDict({(0, ""): spawner})
        self._closed = False
        self._policy = digest_json({**spawner.described, "tier": "ns", "texts": texts_digests()})

    @property
    def tier(self) -> str:
        """`ns`."""
        return "ns"

    @property
    def capabilities(self) -> frozenset[Capability]:
        """All: the spawner has not started where one of them fails."""
        return TIER_CAPABILITIES["ns"]

    @property
    def outer_remedies(self) -> tuple[str, ...]:
        """What would give it an outer wall here."""
        return self._first.outer.remedies

    @property
    def walls(self) -> str:
        """What stands around the runs besides our own walls, or why nothing does."""
        outer = self._first.outer
        return f"inside {NAME}" if outer.argv else f"without an outer wall: {outer.without}"

    @property
    def policy_digest(self) -> Digest:
        """Changes with the walls, the guest file, the interpreter and the kernel's Landlock."""
        return self._policy

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run once. Raises InvalidRequestError for a request that no sandbox could run."""
        plan.require_valid(execution)
        key = new_key()
        order = _plan_of(execution, key)
        started = time.monotonic()
        wanted = (execution.hash_seed, execution.packages)
        try:
            spawner = self._borrow(wanted)
        except (UnavailableError, OSError) as error:
            return _infrastructure(str(error), started)
        try:
            return _Run(spawner, execution, broker).observe(order, key, started)
        finally:
            self._give_back(wanted, spawner)

    def _borrow(self, wanted: _Wanted) -> SpawnerProcess:
        with self._lock:
            if self._closed:
                raise UnavailableError("the sandbox is closed")
            spawner = self._spawners.get(wanted)
            if spawner is None or not spawner.alive:
                if spawner is not None:
                    spawner.close()
                spawner = self._spawners[wanted] = self._first.another(*wanted)
            self._spawners.move_to_end(wanted)
            spawner.users += 1
            self._retire()
            return spawner

    def _retire(self) -> None:
        """Close the spawners used longest ago that nobody uses, down to `MAX_SPAWNERS`."""
        for wanted in [wanted for wanted, spawner in self._spawners.items() if not spawner.users]:
            if len(self._spawners) <= MAX_SPAWNERS:
                return
            self._spawners.pop(wanted).close()

    def _give_back(self, wanted: _Wanted, spawner: SpawnerProcess) -> None:
        with self._lock:
            spawner.users -= 1
            if not spawner.users and self._spawners.get(wanted) is not spawner:
                spawner.close()

    def close(self) -> None:
        """End every spawner and with it every run."""
        with self._lock:
            self._closed = True
            for spawner in self._spawners.values():
                spawner.close()
            self._spawners.clear()

    def __enter__(self) -> "NamespaceSandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_namespace_sandbox(pool: int = POOL) -> NamespaceSandbox:
    """Start the tier with one warm spawner that keeps `pool` runs prepared.

    Raises:
        UnavailableError: The kernel, its settings or the interpreter do not allow it here.
    """
    if not sys.platform.startswith("linux"):
        raise UnavailableError(f"namespaces need Linux; this is {sys.platform}")
    outer = find_outer_wall()
    if outer.argv:
        try:
            return NamespaceSandbox(SpawnerProcess(0, pool=pool, outer=outer))
        except UnavailableError as error:
            outer = OuterWall(without=f"{NAME} is installed and does not start: {error.message}")
    return NamespaceSandbox(SpawnerProcess(0, pool=pool, outer=outer))


def _infrastructure(message: str, started: float) -> Observed:
    wall_s = time.monotonic() - started
    return Observed(status="infrastructure", tier="ns", message=message, wall_s=wall_s)


def _plan_of(execution: Execution, key: str) -> bytes:
    """The run's plan as sent: frames of the job and of the header, then the bytes of all files."""
    files, file_bytes = plan.entries(execution.files)
    work, work_bytes = plan.entries(execution.work)
    home, home_bytes = plan.entries(execution.surroundings.home)
    job = {**plan.action(execution), "executable": f"{world.GUEST_FOLDER}/bin/python", "key": key}
    limits = plan.limits(execution.limits)
    environment = plan.environment(execution, world.GUEST_FOLDER)
    header = {
        "files": files,
        "work": work,
        "home": home,
        "hostname": execution.surroundings.hostname,
        "limits": limits,
    }
    frames = []
    for part in ({"action": job, "limits": limits, "environment": environment}, header):
        raw = json.dumps(part).encode()
        frames += [struct.pack(">I", len(raw)), raw]
    return b"".join((*frames, file_bytes, work_bytes, home_bytes))


class _Report:
    """The report of a run's init: a header frame and the bytes of the files it names."""

    def __init__(self, channel: socket.socket, bound: int) -> None:
        self.channel = channel
        self.header: Mapping[str, Any] | None = None
        self._buffer = bytearray()
        self._bound = bound + 32 * 2**20

    def receive(self) -> bool:
        """Take what has arrived; False at the end."""
        try:
            part = self.channel.recv(1 << 16)
        except OSError:
            part = b""
        self._buffer += part
        if self.header is None and len(self._buffer) >= 4:
            size = struct.unpack_from(">I", self._buffer)[0]
            if len(self._buffer) >= 4 + size:
                self.header = json.loads(self._buffer[4 : 4 + size])
                del self._buffer[: 4 + size]
        return bool(part) and not self.complete and len(self._buffer) <= self._bound

    @property
    def complete(self) -> bool:
        """Whether the header and every byte that it announces are there."""
        if self.header is None:
            return False
        announced: int = sum(size for _, size in self.header["written"])
        return len(self._buffer) >= announced

    def written(self) -> dict[str, bytes]:
        """The files left in the work folder."""
        found, place = {}, 0
        for path, size in (self.header or {"written": []})["written"]:
            found[path] = bytes(self._buffer[place : place + size])
            place += size
        return found


class _Run:
    """One run as the host sees it."""

    def __init__(
        self,
        spawner: SpawnerProcess,
        execution: Execution,
        broker: RequestHandler | None,
    ) -> None:
        self._spawner = spawner
        self._execution = execution
        self._broker = broker
        self._deadline = 0.0
        self._overdue = False
        self._stopped = False

    def observe(self, order: bytes, key: str, started: float) -> Observed:
        """Send the order, read everything, say what was seen."""
        bounds = self._execution.limits
        try:
            prepared = self._spawner.take()
        except OSError as error:
            return _infrastructure(f"no run can be prepared: {error}", started)
        with contextlib.closing(prepared):
            self._prepared = prepared
            self._report = _Report(prepared.door, bounds.work_bytes)
            self._guest = Guest(prepared.guest, self._broker, key)
            ends = (prepared.out, prepared.err)
            self._outputs = [Output(end, bounds.output_bytes) for end in ends]
            self._converse(order)
        return self._observed(started)

    def _converse(self, order: bytes) -> None:
        door = self._prepared.door
        self._deadline = time.monotonic() + self._execution.limits.wall_s + GRACE_S
        try:
            door.settimeout(GRACE_S)
            self._tell(door, order)
        except OSError:
            pass  # it died early: the report, or the lack of one, says why
        self._spawner.used(self._prepared)
        sources = {
            door.fileno(): self._report.receive,
            self._prepared.guest.fileno(): self._guest.receive,
            **{output.descriptor: self._reader(output) for output in self._outputs},
        }
        Pump(sources, self._on_tick, 0.25).run()

    def _tell(self, door: socket.socket, order: bytes) -> None:
        """Send the plan, and with its first bytes the standard input where there is one."""
        action = self._execution.action
        if isinstance(action, Command) and action.stdin:
            with sealed_file(action.stdin) as stdin:
                order = order[socket.send_fds(door, [order[:4]], [stdin]) :]
        door.sendall(order)

    def _reader(self, output: Output) -> Source:
        def receive() -> bool:
            more = output.receive()
            if output.exceeded:
                self._end()
            return more

        return receive

    def _end(self) -> None:
        """Have the run's init end everything and report."""
        with contextlib.suppress(OSError):
            self._report.channel.sendall(b"end")

    def _on_tick(self) -> bool:
        if not self._stopped and self._execution.stop():
            self._stopped = True
            self._deadline = min(self._deadline, time.monotonic() + GRACE_S)
            self._end()
        if time.monotonic() < self._deadline:
            return True
        self._overdue = True
        with contextlib.suppress(OSError):
            self._spawner.kill(self._prepared)
        return False

    def _observed(self, started: float) -> Observed:
        if self._stopped:
            return _infrastructure(STOPPED, started)
        report, said = self._report, outcome(self._guest)
        if report.header is None or not report.complete:
            why = "did not end in time" if self._overdue else "ended without a report"
            return replace(
                _infrastructure(f"the run's supervisor {why}", started), effects=said["effects"]
            )
        header = report.header
        if (
            header["status"] == "infrastructure"
        ):  # what the code was seen to do is its own all the same
            return replace(_infrastructure(header["message"], started), effects=said["effects"])
        status = header["status"]
        if any(output.exceeded for output in self._outputs):
            status = "output"
        elif status == "exited" and said["error"] == "MemoryError":
            status = "memory"  # the limit on one process's memory, met inside Python
        if status != "exited":
            said.update(returned=False, result=None)
        left = tuple(Effect(kind=kind, target=target) for kind, target in header["effects"])
        said["effects"] = tuple(dict.fromkeys((*said["effects"], *left)))
        return Observed(
            status=status,
            tier="ns",
            exit_code=header["exit_code"],
            stdout=self._outputs[0].content,
            stderr=self._outputs[1].content,
            written=report.written(),
            wall_s=header["wall_s"],
            cpu_s=header["cpu_s"],
            memory_bytes=header["memory_bytes"],
            **said,
        )

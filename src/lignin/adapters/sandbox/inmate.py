"""One run inside: a small init as pid 1, the code as pid 2, and nothing left at the end.

Owns the per-run mounts, the confinement of the code and the supervision by time, memory and
processor time. Runs in a fork of the spawner, in namespaces of its own; the plan arrives over the
run's own socket. What it reports about signals and limits is the kernel's word; what the guest says
about effects travels on another socket and never through here. Standard library only.
"""

import contextlib
import json
import os
import resource
import select
import signal
import socket
import stat
import struct
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from lignin.adapters.sandbox import cgroup, kernel, meter, remains, seccomp, watch, world

MAX_HEADER = 16 * 2**20
_INODES = 8192
_AGE_NS = 40 * 86_400 * 10**9  # what lies in a home folder is rarely new
_ARTIFACT_BOUNDS = "mode=755,size=64m,nr_inodes=16384"
_DOOR_FD, _GATE_FD, _CHANNEL_FD = 200, 201, 3
_GO = b"!"
_WORK = "/work"
_SHELLS = {"sh": "/bin/sh", "bash": "/bin/bash"}


class RunFailedError(Exception):
    """Pid 2 could not become the code; the text says why."""


class Confinement:
    """What is the same for every run, worked out once. `off` names walls left out: see `world`."""

    def __init__(self, off: frozenset[str], groups: bool) -> None:
        self.off = off
        # each open socket can hold its buffer in kernel memory, which only a group counts
        self.descriptors = 256 if groups else 64
        self.filter = seccomp.Filter(off)
        self.landlock = kernel.landlock_version()
        self.uid, self.gid = os.getuid(), os.getgid()

    def confine(self) -> None:
        """Shut the calling process in for good: files, privileges, system calls."""
        kernel.forbid_new_privileges()
        devices = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))
        if "landlock" not in self.off:
            kernel.restrict_files(self.landlock, ("/work", "/tmp", world.HOME), devices)
        if "capabilities" not in self.off:
            kernel.drop_capabilities()
        self.filter.install()


def read_frame(channel: socket.socket, bound: int) -> bytes:
    """Read one length-prefixed frame; raises OSError where it is cut short or too long."""
    size = struct.unpack(">I", read_exactly(channel, 4))[0]
    if size > bound:
        raise OSError(f"a frame of {size} bytes; at most {bound} are read")
    return read_exactly(channel, size)


def read_exactly(channel: socket.socket, size: int) -> bytes:
    """Read `size` bytes; raises OSError where the other side closes before."""
    parts: list[bytes] = []
    while size:
        part = channel.recv(min(size, 1 << 20))
        if not part:
            raise OSError("the host closed the run's socket")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def send_frame(channel: socket.socket, header: dict[str, Any], blobs: list[bytes]) -> None:
    """Send one header frame and the raw bytes that follow it."""
    raw = json.dumps(header).encode()
    channel.sendall(b"".join((struct.pack(">I", len(raw)), raw, *blobs)))


def report_failure(door: socket.socket, error: BaseException) -> None:
    """Tell the host that the sandbox, not the code, is at fault."""
    known = isinstance(error, RunFailedError)
    message = str(error) if known else f"{type(error).__name__}: {error}"
    send_frame(door, {"status": "infrastructure", "message": message, "written": []}, [])


def enter(
    door: socket.socket,
    streams: Sequence[int],
    confinement: Confinement,
    group: cgroup.Group | None,
) -> NoReturn:
    """Be pid 1 of one run: prepare all that no plan can change, then wait at the door for the run.

    `streams` are the run's stdout, stderr and guest socket; a standard input may come with the
    plan. Nothing coming means that the host has no use for this run.
    """
    failed: Exception | None = None
    inmate: _Inmate | None = None
    try:
        if "descriptors" not in confinement.off:
            _close_all_but(door.fileno(), *streams, *(group.descriptors if group else ()))
        for place, number in enumerate((os.open("/dev/null", os.O_RDONLY), *streams)):
            os.dup2(number, place)
            os.set_inheritable(place, True)
            if number > _CHANNEL_FD:
                os.close(number)
        door = socket.socket(fileno=os.dup2(door.detach(), _DOOR_FD, inheritable=False))
        os.setsid()
        try:
            if "capabilities" not in confinement.off:
                kernel.drop_bounding_set()
            inmate = _Inmate(door, confinement, group)  # early: the two begin side by side
            kernel.map_identity(world.INSIDE, confinement.uid, confinement.gid)
            _mount_folders()
            inmate.proceed()
            if not _has_come(door):
                rehearse()
        except OSError as error:
            failed = error
        os.closerange(0, _CHANNEL_FD + 1)  # the code's alone: when it ends, they do
        size, stdin, _, _ = socket.recv_fds(door, 4, 1)
        if not size:
            os._exit(0)
        try:
            if inmate is None or failed is not None:
                raise failed or OSError("the run could not be prepared")
            inmate.brief(read_exactly(door, struct.unpack(">I", size)[0]), stdin)
            _supervise(door, inmate, confinement.off)
        except Exception as error:
            report_failure(door, error)
    finally:
        os._exit(0)


class _Inmate:
    """Pid 2: forked and confined before anything about the run is known, waiting for its job."""

    def __init__(
        self,
        door: socket.socket,
        confinement: Confinement,
        group: cgroup.Group | None,
    ) -> None:
        self.group = group
        self._gate, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            door.close()
            self._gate.close()
            _run(theirs, confinement, group)
        theirs.close()
        if group is not None:
            os.close(group.entrance)
        self.spent = meter.Meter(self.pid, group)

    def brief(self, job: bytes, stdin: list[int]) -> None:
        """Hand over what to do, unread, and where there is one its standard input."""
        with contextlib.suppress(OSError):  # it failed already: `failure` says why
            socket.send_fds(self._gate, [struct.pack(">I", len(job))], stdin)
            self._gate.sendall(job)
        for descriptor in stdin:
            os.close(descriptor)

    def proceed(self) -> None:
        """Let it take the next step: confine itself once there is a place, begin once all is there."""
        with contextlib.suppress(OSError):
            self._gate.sendall(_GO)

    def failure(self) -> str:
        """What kept it from becoming the code; empty where nothing did. To be asked at its end."""
        self._gate.setblocking(False)
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            return self._gate.recv(4096).decode(errors="replace")
        return ""


def _supervise(channel: socket.socket, inmate: _Inmate, off: frozenset[str]) -> None:
    plan: dict[str, Any] = json.loads(read_frame(channel, MAX_HEADER))
    _bound_work(plan["limits"])
    if inmate.group is not None:
        inmate.group.bound(int(plan["limits"]["memory_bytes"]))
    _place("/artifact", plan["files"], channel)
    if "read only" not in off:
        kernel.remount_read_only("/artifact")
    _place("/work", plan["work"], channel)
    _place(world.HOME, plan["home"], channel)
    if plan["hostname"]:
        socket.sethostname(plan["hostname"])
    before, home = _stamps(), _home_stamps()
    kernel.drop_capabilities()
    kernel.set_dumpable(
        "supervisor" in off
    )  # the code runs as the same user: keep it out of /proc/1
    inmate.spent.begin()
    inmate.proceed()
    seen = watch.Watch(inmate.pid, channel, plan["limits"], inmate.group, inmate.spent)
    status = seen.until_end()
    left = [["left", line[:300]] for line in watch.lingering()] if not seen.verdict else []
    watch.end_everything()
    if said := inmate.failure():
        raise RunFailedError(said)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = watch.verdict_of(status, seen)
    report["wall_s"] = seen.wall_s
    report["cpu_s"] = inmate.spent.spent_s()
    report["memory_bytes"] = max(seen.peak_bytes, used.ru_maxrss * 1024)
    contents, effects = _collect(before, plan["limits"]["work_bytes"])
    report["effects"] = remains.bounded([*left[:5], *_home_effects(home), *effects])
    report["written"] = [
        [remains.as_text(path.removeprefix(f"{_WORK}/")), len(raw)] for path, raw in contents
    ]
    send_frame(channel, report, [raw for _, raw in contents])


def _mount_folders() -> None:
    """The folders of one run; their bound is set when the plan is known."""
    quiet = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("proc", "/proc", "proc", quiet | kernel.MS_NOEXEC)
    kernel.mount("tmpfs", "/artifact", "tmpfs", quiet, _ARTIFACT_BOUNDS)
    kernel.mount("tmpfs", "/mnt", "tmpfs", quiet, f"mode=755,size=1m,nr_inodes={_INODES}")
    for place in ("/work", "/tmp", world.HOME):  # views of one file system: one bound on all of it
        os.makedirs(f"/mnt{place}", 0o755)
        kernel.mount(f"/mnt{place}", place, None, kernel.MS_BIND)
    kernel.detach("/mnt")


def _bound_work(limits: dict[str, Any]) -> None:
    flags = kernel.MS_REMOUNT | kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("none", "/work", None, flags, f"size={int(limits['work_bytes'])}")


def _place(folder: str, entries: list[list[Any]], channel: socket.socket) -> None:
    """Write the files whose `[path, mode, size]` are given and whose bytes follow on the socket."""
    for path, mode, size in entries:
        full = os.path.normpath(f"{folder}/{path}")
        if not full.startswith(f"{folder}/"):
            raise OSError(f"path {path!r} leaves {folder}")
        os.makedirs(os.path.dirname(full), 0o755, exist_ok=True)
        with open(full, "wb") as file:
            file.write(read_exactly(channel, size))
        os.chmod(full, 0o755 if mode == "0755" else 0o644)


def _run(gate: socket.socket, confinement: Confinement, group: cgroup.Group | None) -> NoReturn:
    """Be pid 2: confine, wait for the job, become the code. A failure before that is said so."""
    import lignin_guest  # type: ignore[import-not-found]

    try:
        os.setsid()
        _await_go(gate)
        os.chdir("/work")
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # where the machine runs out of memory, this goes first
        if group is not None:
            group.enter()
        gate = _keep_only(gate, confinement.off)
        confinement.confine()
        if not _has_come(gate):
            lignin_guest.rehearse()
        size, stdin, _, _ = socket.recv_fds(gate, 4, 1)
        if not size:
            os._exit(0)
        job: dict[str, Any] = json.loads(read_exactly(gate, struct.unpack(">I", size)[0]))
        for descriptor in stdin:
            os.dup2(descriptor, 0)
            os.close(descriptor)
        _limit(job["limits"], confinement)
        if "environment" not in confinement.off:
            os.environ.clear()
        os.environ.update(job["environment"])
        argv = job["action"].get("exec")
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL if argv else signal.SIG_IGN)
        _await_go(gate)
        if argv:
            program = _resolve(argv[0])
            os.execv(program, [program, *argv[1:]])  # noqa: S606 - it is what was asked for
    except Exception as error:
        gate.send(f"{type(error).__name__}: {error}".encode()[:4096])
        os._exit(125)
    gate.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os._exit(_become_guest(job["action"]))


def _has_come(channel: socket.socket) -> bool:
    """Whether there is something to read: then there is no time to prepare for it."""
    return bool(select.select([channel], [], [], 0)[0])


def rehearse() -> None:
    """Look once, to no effect, where a run's end looks: what is done first is done slowly."""
    _home_effects(_home_stamps())
    remains.bounded(_collect(_stamps(), 0)[1])
    json.loads(json.dumps({"": [1, ""]}))
    resource.getrusage(resource.RUSAGE_CHILDREN)


def _close_all_but(*kept: int) -> None:
    first = 0
    for descriptor in (*sorted(kept), 1024):
        os.closerange(first, descriptor)
        first = descriptor + 1


def _await_go(gate: socket.socket) -> None:
    """Wait for the next step; there is none where pid 1 has given up."""
    if gate.recv(1) != _GO:
        os._exit(0)


def _keep_only(gate: socket.socket, off: frozenset[str]) -> socket.socket:
    """Keep 0 to 3, which are the code's, and the gate; close the rest."""
    kept = os.dup2(gate.detach(), _GATE_FD, inheritable=False)
    if "descriptors" not in off:
        os.closerange(_CHANNEL_FD + 1, _GATE_FD)
        os.closerange(_GATE_FD + 1, 1024)
    return socket.socket(fileno=kept)


def _become_guest(job: dict[str, Any]) -> int:
    import lignin_guest

    for name in [name for name in sys.modules if name.split(".")[0] == "lignin"]:
        del sys.modules[name]  # the guest file is all that code sees of this project
    return int(lignin_guest.main(job))


def _resolve(program: str) -> str:
    path = _SHELLS.get(program, program)
    if program == "python":
        path = f"{world.GUEST_FOLDER}/bin/python"
    if not path.startswith("/") or not os.access(path, os.X_OK) or os.path.isdir(path):
        raise FileNotFoundError(f"the sandbox has no program {program!r}")
    return path


def _limit(limits: dict[str, Any], confinement: Confinement) -> None:
    processor, memory = int(limits["cpu_s"]), int(limits["memory_bytes"])
    bounds = {
        resource.RLIMIT_CPU: (processor, processor + 1),  # one second to take the soft signal
        resource.RLIMIT_AS: (memory + 64 * 2**20,) * 2,  # the interpreter's own mappings on top
        resource.RLIMIT_NPROC: (int(limits["processes"]) + 1,) * 2,  # and pid 1
        resource.RLIMIT_FSIZE: (int(limits["work_bytes"]),) * 2,
        resource.RLIMIT_NOFILE: (confinement.descriptors,) * 2,
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_MEMLOCK: (0, 0),
    }
    for kind, (soft, hard) in bounds.items():
        ceiling = resource.getrlimit(kind)[1]
        if "limits" in confinement.off and kind != resource.RLIMIT_NPROC:
            continue
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(kind, (soft, hard))


def _home_stamps() -> dict[str, tuple[int, int, int, int]]:
    """Identity of each file in the home folder, and a time of last access that any reading moves."""
    found = {}
    for path, seen in remains.look(world.HOME)[0].items():
        then = seen.st_mtime_ns - _AGE_NS
        os.utime(path, ns=(then, then))  # not later than the change: then the kernel keeps it
        info = os.lstat(path)
        found[path] = (info.st_ino, info.st_size, info.st_ctime_ns, info.st_atime_ns)
    return found


def _home_effects(before: dict[str, tuple[int, int, int, int]]) -> list[list[str]]:
    """What any program did to the home folder: which of its files it read, changed, left or took."""
    effects = []
    found, lost = remains.look(world.HOME)
    for path, info in found.items():
        *same, then = before.pop(path, (0, 0, 0, 0))
        if same != [info.st_ino, info.st_size, info.st_ctime_ns]:
            effects.append(["write", path])
        elif info.st_atime_ns != then:
            effects.append(["read", path])
    unread = (["unreadable", path] for path in lost)
    return [*effects, *(["delete", path] for path in sorted(before)), *unread]


_Stamps = dict[str, tuple[int, int, int]]


def _stamps() -> _Stamps:
    """Identity of each file in the work folder: a change, even of the same length, shows."""
    return {path: _stamp(info) for path, info in _regular(remains.look(_WORK)[0])}


def _stamp(info: os.stat_result) -> tuple[int, int, int]:
    return info.st_ino, info.st_size, info.st_ctime_ns


def _regular(found: dict[str, os.stat_result]) -> list[tuple[str, os.stat_result]]:
    return [each for each in found.items() if stat.S_ISREG(each[1].st_mode)]


def _collect(before: _Stamps, bound: int) -> tuple[list[tuple[str, bytes]], list[list[str]]]:
    """The new and changed files of the work folder, and what any program, watched from within or
    not, did to files besides: lost ones, those in /tmp, and what cannot be read back."""
    found, lost = remains.look(_WORK)
    files = _regular(found)
    changed = [(path, info) for path, info in files if before.get(path) != _stamp(info)]
    contents, trouble = remains.read_back(changed, bound)
    gone = sorted(before.keys() - dict(files).keys())
    temporary, lost_there = remains.look("/tmp")
    effects = [
        *(["delete", path] for path in gone),
        *(["write", path] for path in temporary),
        *(["unreadable", path] for path in (*lost, *lost_there)),
        *trouble,
    ]
    return contents, effects

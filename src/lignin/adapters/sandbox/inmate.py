"""One run inside: a small init as pid 1, the code as pid 2, and nothing left at the end.

Owns the per-run mounts, the confinement of the code and the supervision by time, memory and
processor time. Runs in a fork of the spawner, in namespaces of its own; the plan arrives over the
run's own socket. What it reports about signals and limits is the kernel's word; what the guest says
about effects travels on another socket and never through here. Standard library only.
"""

import json
import os
import resource
import select
import signal
import socket
import stat
import struct
import sys
import time
from typing import Any, NoReturn

from lignin.adapters.sandbox import kernel, world

TICK_S = 0.02
MAX_WRITTEN = 1000
MAX_EFFECTS_LEFT = 40
MAX_HEADER = 16 * 2**20
_INODES = 8192
_ARTIFACT_BOUNDS = "mode=755,size=64m,nr_inodes=16384"
_RUN_FD, _GUEST_FD = 200, 3
_SHELLS = {"sh": "/bin/sh", "bash": "/bin/bash"}
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CLOCK = os.sysconf("SC_CLK_TCK")


class Confinement:
    """What is the same for every run, worked out once."""

    def __init__(self) -> None:
        self.filter = kernel.Filter()
        self.landlock = kernel.landlock_version()
        self.uid, self.gid = os.getuid(), os.getgid()

    def confine(self) -> None:
        """Shut the calling process in for good: files, privileges, system calls."""
        kernel.forbid_new_privileges()
        devices = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))
        kernel.restrict_files(self.landlock, ("/work", "/tmp"), devices)
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


def report_failure(descriptor: int, error: BaseException) -> None:
    """Tell the host that the sandbox, not the code, is at fault."""
    with socket.socket(fileno=os.dup(descriptor)) as channel:
        message = f"{type(error).__name__}: {error}"
        send_frame(channel, {"status": "infrastructure", "message": message, "written": []}, [])


def enter(door: socket.socket, confinement: Confinement) -> NoReturn:
    """Be pid 1 of one run: prepare, then wait at the door for its descriptors.

    They are, in this order: run socket, stdin, stdout, stderr, guest socket. Nothing coming means
    that the spawner has ended.
    """
    failed: Exception | None = None
    try:
        os.closerange(0, door.fileno())
        os.closerange(door.fileno() + 1, 1024)
        os.setsid()
        try:
            kernel.map_identity(world.INSIDE, confinement.uid, confinement.gid)
            _mount_folders()
        except OSError as error:
            failed = error
        message, descriptors, _, _ = socket.recv_fds(door, 16, 5)
        if not message:
            os._exit(0)
        _take_descriptors(descriptors)
        channel = socket.socket(fileno=_RUN_FD)
        try:
            if failed is not None:
                raise failed
            _supervise(channel, confinement)
        except Exception as error:
            report_failure(_RUN_FD, error)
    finally:
        os._exit(0)


def _take_descriptors(descriptors: list[int]) -> None:
    high = [os.dup2(number, 100 + place) for place, number in enumerate(descriptors)]
    os.dup2(high[0], _RUN_FD, inheritable=False)
    for place, number in enumerate(high[1:4]):
        os.dup2(number, place)
    os.dup2(high[4], _GUEST_FD)
    os.closerange(4, _RUN_FD)
    os.closerange(_RUN_FD + 1, 1024)


def _supervise(channel: socket.socket, confinement: Confinement) -> None:
    plan: dict[str, Any] = json.loads(read_frame(channel, MAX_HEADER))
    _bound_work(plan["limits"])
    _place("/artifact", plan["files"], channel)
    kernel.remount_read_only("/artifact")
    _place("/work", plan["work"], channel)
    before = _stamps()
    kernel.drop_capabilities()
    kernel.set_dumpable(False)  # the code runs as the same user: keep it out of /proc/1
    child = os.fork()
    if child == 0:
        _run(plan, confinement)
    for descriptor in range(4):
        os.close(descriptor)
    watch = _Watch(child, channel, plan["limits"])
    status = watch.until_end()
    _end_everything()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = _verdict(status, watch)
    report["wall_s"] = watch.wall_s
    report["cpu_s"] = used.ru_utime + used.ru_stime
    report["memory_bytes"] = max(watch.peak_bytes, used.ru_maxrss * 1024)
    report["effects"] = _effects_left(before)
    report["written"], blobs = _collect(before, plan["limits"]["work_bytes"])
    send_frame(channel, report, blobs)


def _mount_folders() -> None:
    """The folders of one run; their bound is set when the plan is known."""
    quiet = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("proc", "/proc", "proc", quiet | kernel.MS_NOEXEC)
    kernel.mount("tmpfs", "/artifact", "tmpfs", quiet, _ARTIFACT_BOUNDS)
    kernel.mount("tmpfs", "/mnt", "tmpfs", quiet, f"mode=755,size=1m,nr_inodes={_INODES}")
    for name in ("work", "tmp"):  # two views of one file system: one bound on all that is written
        os.mkdir(f"/mnt/{name}", 0o755)
        kernel.mount(f"/mnt/{name}", f"/{name}", None, kernel.MS_BIND)
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


def _run(plan: dict[str, Any], confinement: Confinement) -> NoReturn:
    """Be pid 2: confine, then become the code. A failure before that is the sandbox's."""
    code = 125
    try:
        os.setsid()
        os.chdir("/work")
        kernel.set_dumpable(True)
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # where the machine runs out of memory, this goes first
        _limit(plan["limits"])
        os.environ.clear()
        os.environ.update(plan["environment"])
        argv = plan["action"].get("exec")
        if argv:
            argv[0] = _resolve(argv[0])
        confinement.confine()
        os.close(_RUN_FD)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL if argv else signal.SIG_IGN)
        if argv:
            os.execv(argv[0], argv)  # noqa: S606 - running what was asked for is the point
    except Exception as error:
        _fail(error)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    code = _become_guest(plan["action"])
    os._exit(code)


def _become_guest(job: dict[str, Any]) -> int:
    import lignin_guest  # type: ignore[import-not-found]

    for name in [name for name in sys.modules if name.split(".")[0] == "lignin"]:
        del sys.modules[name]  # the guest file is all that code sees of this project
    return int(lignin_guest.main(job))


def _fail(error: Exception) -> NoReturn:
    """End as a failure of the sandbox: said on the socket if it is still open."""
    try:
        report_failure(_RUN_FD, error)
    except OSError:
        os.write(2, f"sandbox: {error}\n".encode())
    os._exit(125)


def _resolve(program: str) -> str:
    path = _SHELLS.get(program, program)
    if program == "python":
        path = f"{world.GUEST_FOLDER}/bin/python"
    if not path.startswith("/") or not os.access(path, os.X_OK) or os.path.isdir(path):
        raise FileNotFoundError(f"the sandbox has no program {program!r}")
    return path


def _limit(limits: dict[str, Any]) -> None:
    processor, memory = int(limits["cpu_s"]), int(limits["memory_bytes"])
    bounds = {
        resource.RLIMIT_CPU: (processor, processor + 1),  # one second to take the soft signal
        resource.RLIMIT_AS: (memory + 64 * 2**20,) * 2,  # the interpreter's own mappings on top
        resource.RLIMIT_NPROC: (int(limits["processes"]) + 1,) * 2,  # and pid 1
        resource.RLIMIT_FSIZE: (int(limits["work_bytes"]),) * 2,
        resource.RLIMIT_NOFILE: (256, 256),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_MEMLOCK: (0, 0),
    }
    for kind, (soft, hard) in bounds.items():
        ceiling = resource.getrlimit(kind)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(kind, (soft, hard))


class _Watch:
    """Waits for pid 2, ending the run where time, processor time or memory run out.

    Memory is what all processes of the run hold that is theirs alone, and what lies in the work
    folders: a limit per process would let a family of them take a multiple.
    """

    def __init__(self, child: int, channel: socket.socket, limits: dict[str, Any]) -> None:
        self._child = child
        self._limits = limits
        self.cpu_limit_s = int(limits["cpu_s"])
        self._started = time.monotonic()
        self.wall_s = 0.0
        self.peak_bytes = 0
        self.verdict = ""
        self._process = os.pidfd_open(child)
        self._poll = select.poll()
        self._poll.register(self._process, select.POLLIN)
        self._poll.register(channel, select.POLLIN)  # the host says nothing but "end it", or dies

    def until_end(self) -> int:
        """Return the wait status of pid 2, once it has ended by itself or been ended."""
        deadline = self._started + float(self._limits["wall_s"])
        while not self.verdict:
            left = deadline - time.monotonic()
            events = dict(self._poll.poll(max(0.0, min(left, TICK_S)) * 1000))
            self.wall_s = time.monotonic() - self._started
            if self._process in events:
                return os.waitpid(self._child, 0)[1]
            if events:
                self.verdict = "killed"
            elif self.wall_s >= self._limits["wall_s"]:
                self.verdict = "timeout"
            else:
                self._judge_use()
            self._reap_orphans()
        os.kill(self._child, signal.SIGKILL)
        return os.waitpid(self._child, 0)[1]

    def _judge_use(self) -> None:
        resident, ticks = 0, 0
        for pid in (name for name in os.listdir("/proc") if name.isdigit() and name != "1"):
            resident += _private_bytes(pid)
            ticks += _ticks(pid)
        written = _written_bytes()
        bound = int(self._limits["memory_bytes"])
        if resident + written > bound:  # forked pages are counted once per process: look closer
            resident = sum(_proportional_bytes(pid) for pid in os.listdir("/proc") if pid.isdigit())
        self.peak_bytes = max(self.peak_bytes, resident + written)
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        if resident + written > bound:
            self.verdict = "memory"
        elif ticks / _CLOCK + reaped.ru_utime + reaped.ru_stime > self._limits["cpu_s"] + 0.5:
            self.verdict = "timeout"

    def _reap_orphans(self) -> None:
        """Collect orphans, which become children of pid 1; pid 2 itself is waited for above."""
        while True:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            try:
                gone = os.waitid(os.P_ALL, 0, flags)
            except ChildProcessError:
                return
            if gone is None or gone.si_pid == self._child:
                return
            os.waitpid(gone.si_pid, 0)


def _read(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:  # the process has just ended
        return ""


def _private_bytes(pid: str) -> int:
    fields = _read(f"/proc/{pid}/statm").split()
    return (int(fields[1]) - int(fields[2])) * _PAGE if fields else 0


def _ticks(pid: str) -> int:
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12]) if fields else 0


def _proportional_bytes(pid: str) -> int:
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * 1024
    return _private_bytes(pid) if pid != "1" else 0


def _written_bytes() -> int:
    use = os.statvfs("/work")
    return (use.f_blocks - use.f_bfree) * use.f_frsize


def _end_everything() -> None:
    """Kill and collect every other process of the namespace."""
    while True:
        try:
            os.kill(-1, signal.SIGKILL)
            os.waitpid(-1, 0)
        except (ProcessLookupError, ChildProcessError):
            return


def _verdict(status: int, watch: _Watch) -> dict[str, Any]:
    code = os.waitstatus_to_exitcode(status)
    if watch.verdict:
        return {"status": watch.verdict, "exit_code": None}
    if code == -signal.SIGXCPU:
        return {"status": "timeout", "exit_code": None}
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    if code == -signal.SIGKILL and spent.ru_utime + spent.ru_stime >= watch.cpu_limit_s:
        return {"status": "timeout", "exit_code": None}  # the hard limit, the soft one ignored
    return {"status": "killed" if code < 0 else "exited", "exit_code": code}


def _stamps() -> dict[str, tuple[int, int, int]]:
    """Identity of each file in the work folder: a change, even of the same length, shows."""
    return {path: (info.st_ino, info.st_size, info.st_ctime_ns) for path, info in _regular_files()}


def _regular_files() -> list[tuple[str, os.stat_result]]:
    found = []
    for folder, _, names in os.walk("/work"):
        for name in sorted(names):
            path = f"{folder}/{name}"
            info = os.lstat(path)
            if stat.S_ISREG(info.st_mode):
                found.append((path.removeprefix("/work/"), info))
    return found


def _effects_left(before: dict[str, tuple[int, int, int]]) -> list[list[str]]:
    """What any program, watched from within or not, did to files: lost ones, and those in /tmp."""
    now = {path for path, _ in _regular_files()}
    gone = [["delete", f"/work/{path}"] for path in sorted(before.keys() - now)]
    left = [
        ["write", f"{folder}/{name}"]
        for folder, _, names in os.walk("/tmp")
        for name in sorted(names)
    ]
    return [*gone, *left][:MAX_EFFECTS_LEFT]


def _collect(
    before: dict[str, tuple[int, int, int]], bound: int
) -> tuple[list[list[Any]], list[bytes]]:
    """The new and changed files of the work folder, at most `MAX_WRITTEN` and `bound` bytes."""
    entries: list[list[Any]] = []
    blobs: list[bytes] = []
    for path, info in _regular_files():
        if before.get(path) == (info.st_ino, info.st_size, info.st_ctime_ns):
            continue
        if len(entries) == MAX_WRITTEN or info.st_size > bound:  # a sparse file can claim more
            break
        try:
            descriptor = os.open(f"/work/{path}", os.O_RDONLY | os.O_NOFOLLOW)
        except PermissionError:
            os.chmod(f"/work/{path}", 0o600)
            descriptor = os.open(f"/work/{path}", os.O_RDONLY | os.O_NOFOLLOW)
        with open(descriptor, "rb") as file:
            raw = file.read(bound)
        bound -= len(raw)
        entries.append([path, len(raw)])
        blobs.append(raw)
    return entries, blobs

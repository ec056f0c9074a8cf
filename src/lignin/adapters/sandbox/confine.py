"""What the `landlock` tier puts between the host and the guest: a supervisor and a confined child.

Run as a program of its own. The child gives up privileges, may read what Python needs and the run's
own folders, write to two of them, and make no socket; then it becomes the guest. The supervisor
stays outside of these walls, collects whatever the child leaves, and ends with all of it: on
SIGTERM, when the host dies, when the child ends, and where there are too many processes or they
hold too much memory together. Standard library only.
"""

import contextlib
import os
import resource
import select
import signal
import sys
from typing import NoReturn

from lignin.adapters.sandbox import kernel, world

TICK_MS = 50
_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
_READABLE = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_READABLE_FILES = ("/etc/ld.so.cache", "/etc/localtime")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_FAILED = 125
_LIMITS = {resource.RLIMIT_NOFILE: 256, resource.RLIMIT_CORE: 0, resource.RLIMIT_MEMLOCK: 0}


def main(words: list[str]) -> NoReturn:
    """Run a guest behind walls: `root`, bounds on processes and memory, then its command."""
    root, processes, memory, *guest = words
    kernel.check(kernel.libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "subreaper")
    kernel.check(kernel.libc.prctl(1, int(signal.SIGTERM), 0, 0, 0), "pdeathsig")
    signal.signal(signal.SIGTERM, _end)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _become(root, guest)
    os.closerange(0, 1024)  # what the guest says ends when the guest's own copies are closed
    code = _supervise(child, int(processes), int(memory))
    _kill_all()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(code)


def _become(root: str, guest: list[str]) -> NoReturn:
    try:
        kernel.die_with_parent()
        kernel.forbid_new_privileges()
        for kind, most in _LIMITS.items():
            resource.setrlimit(kind, (most, most))
        version = kernel.landlock_version()
        readable = [
            path for path in (*_READABLE, *world.interpreter_folders()) if os.path.isdir(path)
        ]
        kernel.restrict_files(
            version,
            (f"{root}/work", f"{root}/tmp", f"{root}/home"),
            _DEVICES,
            readable=(*readable, f"{root}/artifact", f"{root}/guest"),
            readable_files=tuple(path for path in _READABLE_FILES if os.path.isfile(path)),
        )
        kernel.drop_bounding_set()
        kernel.drop_capabilities()
        kernel.Filter(shared_host=True, shared_signals=version < 6).install()
        os.execv(guest[0], guest)  # noqa: S606 - becoming the guest is the point
    except OSError as error:
        os.write(2, f"sandbox: {error}\n".encode())
    os._exit(_FAILED)


def _supervise(child: int, processes: int, memory: int) -> int:
    """Wait for the child, collecting orphans; its exit code, or -9 where a bound was passed."""
    poll = select.poll()
    poll.register(os.pidfd_open(child), select.POLLIN)
    while not poll.poll(TICK_MS):
        pids = _descendants()
        if len(pids) > processes or sum(map(_private_bytes, pids)) > memory:
            return -int(signal.SIGKILL)
        _reap(child)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _reap(child: int) -> None:
    """Collect orphans that have ended; the child itself is waited for where its code is wanted."""
    while True:
        try:
            gone = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if gone is None or gone.si_pid == child:
            return
        os.waitpid(gone.si_pid, 0)


def _descendants() -> list[int]:
    """Every process below this one, whatever session it has made itself."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
                parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
    known, grown = {os.getpid()}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in known} - known
        known |= more
        grown = bool(more)
    return sorted(known - {os.getpid()})


def _private_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            fields = file.read().split()
    except OSError:  # it has just ended
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE


def _kill_all() -> None:
    """Kill every descendant, also those that fork while they are looked for, and collect them."""
    while pids := _descendants():
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _end(_number: int, _frame: object) -> NoReturn:
    _kill_all()
    os._exit(128 + int(signal.SIGTERM))


if __name__ == "__main__":
    main(sys.argv[1:])

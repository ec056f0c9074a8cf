"""What the `landlock` tier puts between the host and the guest: a supervisor and a confined child.

Run as a program of its own. The child gives up privileges, may read what Python needs and the run's
own folders, write to two of them, and make no socket; then it becomes the guest. The supervisor
stays outside of these walls, collects whatever the child leaves, and ends with all of it: on
SIGTERM, when the host dies, when the child ends, and where there are too many processes and threads
or they hold too much memory together. Standard library only.

`off` leaves out the walls named in it. It is always empty but in the tests of the walls.
"""

import os
import resource
import select
import signal
import sys
from typing import NoReturn

from lignin.adapters.sandbox import family, kernel, seccomp, world

TICK_MS = 50
_PR_SET_CHILD_SUBREAPER = 36
_READABLE = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives")
_READABLE_FILES = ("/etc/ld.so.cache", "/etc/localtime")
# not zero: it can be mapped as shared memory, which escapes the count
_DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
_FAILED = 125
_LIMITS = {resource.RLIMIT_NOFILE: 256, resource.RLIMIT_CORE: 0, resource.RLIMIT_MEMLOCK: 0}


def main(words: list[str]) -> NoReturn:
    """Run a guest behind walls: `root`, bounds on processes and memory, `off`, a folder of packages
    or nothing, then its command."""
    root, processes, memory, off, packages, *guest = words
    kernel.check(kernel.libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "subreaper")
    kernel.check(kernel.libc.prctl(1, int(signal.SIGTERM), 0, 0, 0), "pdeathsig")
    signal.signal(signal.SIGTERM, _end)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _become(root, packages, guest, frozenset(off.split(",")))
    os.closerange(0, 1024)  # what the guest says ends when the guest's own copies are closed
    code = _supervise(child, int(processes), int(memory))
    family.kill_all()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(code)


def _become(root: str, packages: str, guest: list[str], off: frozenset[str]) -> NoReturn:
    try:
        kernel.die_with_parent()
        kernel.forbid_new_privileges()
        if "limits" not in off:
            for kind, most in _LIMITS.items():
                resource.setrlimit(kind, (most, most))
        version = kernel.landlock_version()
        if "scope" in off:  # as on a kernel whose Landlock keeps no signals in
            version = min(version, 5)
        if "landlock" not in off:
            _restrict(root, packages, version)
        if "capabilities" not in off:
            kernel.drop_bounding_set()
            kernel.drop_capabilities()
        seccomp.Filter(off, shared_host=True, shared_signals=version < 6).install()
        os.execv(guest[0], guest)  # noqa: S606 - becoming the guest is the point
    except OSError as error:
        os.write(2, f"sandbox: {error}\n".encode())
    os._exit(_FAILED)


def _restrict(root: str, packages: str, version: int) -> None:
    folders = (*_READABLE, *world.interpreter_folders(), *([packages] if packages else []))
    kernel.restrict_files(
        version,
        (f"{root}/work", f"{root}/tmp", f"{root}/home"),
        _DEVICES,
        readable=(*filter(os.path.isdir, folders), f"{root}/artifact", f"{root}/guest"),
        readable_files=tuple(filter(os.path.isfile, _READABLE_FILES)),
    )


def _supervise(child: int, processes: int, memory: int) -> int:
    """Wait for the child, collecting orphans; its exit code, or -9 where a bound was passed."""
    poll = select.poll()
    poll.register(os.pidfd_open(child), select.POLLIN)
    while not poll.poll(TICK_MS):
        pids = family.descendants()
        if sum(pids.values()) > processes or family.hold_more(pids, memory):
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


def _end(_number: int, _frame: object) -> NoReturn:
    family.kill_all()
    os._exit(128 + int(signal.SIGTERM))


if __name__ == "__main__":
    main(sys.argv[1:])

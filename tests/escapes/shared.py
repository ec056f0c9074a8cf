"""The attempts in the `landlock` tier: what stands for its walls, and what it does not claim.

There is no world of its own there: the supervisor is the parent, the run's folders lie on disk.
"""

import re
from dataclasses import replace

from escapes.cases import CASES as EVERYWHERE
from escapes.cases import FILES, NETWORK, Case, _case, _only, number

UNCLAIMED = {
    "other processes": "with the wall `pid`: only Landlock's say on /proc keeps their names",
    "signal to all": "it reaches the run's own processes; `a signal to everybody` looks outside",
    "become root": "the user is the host's, who may be root already, though without capabilities",
    "mode of the tree": "answered as done: `mode of a file` looks whether it is",
    "times of the tree": "answered as done: `times of a file` looks whether they are",
    "disk device": "where root runs it without capabilities the kernel itself refuses",
    "kill the supervisor": "it names the first process of a world: `signal to the supervisor` here",
}
"""Cases left out, and why."""

_IN_THE_TREE = "p = '/artifact/tool.py'\nb = os.stat(p)\n"
_CHANGED = "\na = os.stat(p)\nif (a.st_mode, a.st_uid, int(a.st_mtime)) == (b.st_mode, b.st_uid, int(b.st_mtime)): raise OSError('unchanged')\nreturn 'changed'"
_SIGIO = (
    "import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, fcntl.F_SETOWN, HOSTPID); return 'owned'"
)


def _metadata(body: str, *more: str) -> Case:
    return _case(f"import os\n{_IN_THE_TREE}{body}{_CHANGED}", "metadata", *more)


OWN = {
    "mode of a file": _metadata("os.chmod(p, 0o777)"),
    "mode by descriptor": _metadata("os.fchmod(os.open(p, 0), 0o777)"),
    "mode of a file of the host": _metadata("p = 'FOLDER/mine'; b = os.stat(p); os.chmod(p, 0o600)"),
    "times of a file": _metadata("os.utime(p, (1, 1))"),
    "times by descriptor": _metadata("os.utime(os.open(p, 0), (1, 1))"),
    "attribute of a file": _case(
        "import os; os.setxattr('/artifact/tool.py', 'user.x', b'1'); return 'set'", "metadata"
    ),
    "flags of a file": _case(
        "import fcntl, os, struct\nf = os.open('/artifact/tool.py', 0)\n"
        "fcntl.ioctl(f, 0x40086602, struct.pack('l', 0x80)); return 'set'", "metadata"
    ),
    "watch on a folder of the host": _case(
        "import ctypes, os; l = ctypes.CDLL(None, use_errno=True)\n"
        "if l.inotify_add_watch(l.inotify_init(), b'FOLDER', 0x100) < 0: raise OSError(ctypes.get_errno(), 'watch')\n"
        "return 'watched'", "call:inotify_add_watch",
    ),
    "listing of a folder of the host": _case("import os; return os.listdir('FOLDER')", "landlock"),
    "new file beside the host's": _case("open('FOLDER/new', 'w').close(); return 'made'", "landlock"),
    "new folder beside the host's": _case("import os; os.mkdir('FOLDER/folder'); return 'made'", "landlock"),
    "truncation of a file of the host": _case(
        "import os; os.truncate('FOLDER/mine', 0); return 'cut'", "landlock"
    ),
    "removal of a file of the host": _case("import os; os.unlink('FOLDER/mine'); return 'gone'", "landlock"),
    "file of the host moved in": _case("import os; os.rename('FOLDER/mine', 'm'); return 'mine'", "landlock"),
    "hard link to a file of the host": _case("import os; os.link('FOLDER/mine', 'm'); return 'mine'", "landlock"),
    "program of the host": _case("import subprocess; subprocess.run(['FOLDER/program'], check=True); return 'run'", "landlock"),
    "command line of the host": _case("return open('/proc/HOSTPID/cmdline').read()", "landlock"),
    "files of the host by its root": _only(
        "return open('/proc/HOSTPID/rootFOLDER/secret').read()", "a host with more rights is shut by the kernel itself"
    ),
    "signal to the supervisor": _case("import os; os.kill(SUPERVISOR, 0); return 'reached'", "landlock"),
    "signal to the host by descriptor": _case(
        "import os, signal; signal.pidfd_send_signal(os.pidfd_open(HOSTPID), 0); return 'reached'", "landlock"
    ),
    "niceness of the host": _case(
        "import os; os.setpriority(os.PRIO_PROCESS, WITNESS, os.getpriority(os.PRIO_PROCESS, WITNESS)); return 'set'",
        "scheduling",
    ),
    "niceness of every process": _only(
        "import os; os.setpriority(os.PRIO_USER, 0, os.getpriority(os.PRIO_USER, 0)); return 'set'",
        "it would reach every process of the user",
    ),
    "processors of the host": _case(
        "import os; os.sched_setaffinity(WITNESS, os.sched_getaffinity(WITNESS)); return 'set'", "scheduling"
    ),
    "scheduling of the host": _case(
        "import os; os.sched_setscheduler(WITNESS, os.SCHED_OTHER, os.sched_param(0)); return 'set'", "scheduling"
    ),
    "owner of a descriptor": _case(_SIGIO, "signals"),
    "signal to a thread of the host": _case(
        "import ctypes, os; l = ctypes.CDLL(None, use_errno=True)\n"
        "if l.syscall(NR(tgkill), HOSTPID, HOSTPID, 0) < 0: raise OSError(ctypes.get_errno(), 'tgkill')\n"
        "return 'reached'", "signals",
    ),
    "queued signal to the host": _case(
        "import ctypes, os; l = ctypes.CDLL(None, use_errno=True)\ni = ctypes.create_string_buffer(128); i[8:12] = (-1).to_bytes(4, 'little', signed=True)\n"
        "if l.syscall(NR(rt_sigqueueinfo), HOSTPID, 0, i) < 0: raise OSError(ctypes.get_errno(), 'rt_sigqueueinfo')\n"
        "return 'reached'", "signals",
    ),
}  # fmt: skip
OLDER = ("owner of a descriptor", "signal to a thread of the host", "queued signal to the host")
"""What a newer Landlock keeps in itself; made as on an older kernel."""

_STANDS_FOR = {
    "net": "call:socket",
    "files": "landlock",
    "read only": "landlock",
    "supervisor": "capabilities",
    "zero": "landlock",
}
_INSIDE = (
    ("'/proc/1/", "'/proc/SUPERVISOR/"), ("0x4206, 1,", "0x4206, SUPERVISOR,"),
    ("pidfd_open(1)", "pidfd_open(SUPERVISOR)"), ("prlimit(1,", "prlimit(SUPERVISOR,"),
    ("os.getpid(), 1,", "os.getpid(), SUPERVISOR,"), (", 1, None, 0, None", ", SUPERVISOR, None, 0, None"),
    ("p, 200, 0", "p, 0, 0"), ("'/artifact/", "'ROOT/artifact/"), ("'/work/", "'ROOT/work/"), ("'/lignin/", "'ROOT/guest/"),
)  # fmt: skip


# The run's folders are no mounts: that the kernel says so shows that it was asked.
_NO_MOUNTS = ("remount", "unmount", "pivot of the root", "pick of a file system")
_NEVER = {"reboot": "only root of the machine's processes may"}


def _translated(name: str, case: Case) -> Case:
    body = case.body
    for there, here in _INSIDE:
        body = body.replace(there, here)
    off = {_STANDS_FOR.get(wall, wall) for wall in case.off}
    if name in NETWORK and "pair" not in name:
        off |= {"call:socket", "argument:socket"}
    if off and name in FILES and "capabilities" not in off:
        off.add("landlock")
    if "environment" in off:
        off.add("landlock")  # else it cannot look at itself
    if name in _NO_MOUNTS:
        body = re.sub(r"not in \[.*\]", "not in ['Invalid argument']", body)
    why = _NEVER.get(name, case.why_no_control)
    return replace(case, body=body, off=frozenset(() if why else off), why_no_control=why)


CASES = {
    name: _translated(name, case)
    for name, case in {**EVERYWHERE, **OWN}.items()
    if name not in UNCLAIMED
}


def program(case: Case, words: dict[str, str]) -> str:
    """The text of a file whose `f` makes the attempt, with what only the run itself can tell."""
    body = case.body
    for word in sorted(words, key=len, reverse=True):
        body = body.replace(word, words[word])
    body = re.sub(r"NR\((\w+)\)", lambda found: str(number(found[1])), body)
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return (
        f"def f():\n    import os\n    text = {'def g():' + chr(10) + lines!r}\n"
        "    text = text.replace('SUPERVISOR', str(os.getppid()))\n"
        "    space = {}\n"
        "    exec(text.replace('ROOT', os.path.dirname(os.getcwd())), space)\n"
        "    return space['g']()\n"
    )

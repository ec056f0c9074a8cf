"""Linux system calls that the standard library does not offer: mounts, clone, Landlock.

Owns the numbers and the byte layouts, for x86-64 and arm64. Owns no policy about what is mounted or
run where; `world` and `inmate` decide that. Standard library only: it is sent as text into the
spawner, which never sees this project's files.
"""

import ctypes
import errno
import os
import platform
import struct
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
ALL_BUT_USER = (
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
)

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 24, 38, 47

libc = ctypes.PyDLL(None, use_errno=True)  # PyDLL: the calls are short and there is one thread


def check(result: int, what: str) -> int:
    """Return `result`, or raise the OSError behind a negative one."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(name: str, *arguments: Any) -> int:
    """Make a system call by name; raises OSError."""
    wide = (ctypes.c_long(item) if isinstance(item, int) else item for item in arguments)
    return check(libc.syscall(number_of(name), *wide), name)


# name: (x86-64, arm64); -1 where the architecture has no such call
_NUMBERS: dict[str, tuple[int, int]] = {
    "clone": (56, 220),
    "ioctl": (16, 29),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "prlimit64": (302, 261),
    "fcntl": (72, 25),
    "setsockopt": (54, 208),
    "kill": (62, 129),
    "tkill": (200, 130),
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "tgkill": (234, 131),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "inotify_add_watch": (254, 27),
    "mmap": (9, 222),
    "perf_event_open": (298, 241),
    "capset": (126, 91),
    "pivot_root": (155, 41),
}
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def architecture() -> tuple[int, int]:
    """The column of the tables of numbers, and the kernel's own name of this machine's."""
    machine = os.uname().machine
    if machine not in _ARCHITECTURES or struct.calcsize("P") != 8:
        raise OSError(errno.ENOSYS, f"no system call table for {machine} ({platform.machine()})")
    return _ARCHITECTURES[machine]


def number_of(name: str) -> int:
    """The number of a system call on this machine."""
    return _NUMBERS[name][architecture()[0]]


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """mount(2); raises OSError naming the target."""
    encoded = (None if text is None else os.fsencode(text) for text in (source, target, kind))
    check(libc.mount(*encoded, ctypes.c_ulong(flags), data.encode() or None), f"mount {target}")


def remount_read_only(target: str, flags: int = 0) -> None:
    """Make one mount read-only, without devices and set-user-id programs."""
    flags |= MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV
    mount("none", target, None, flags)


def detach(target: str) -> None:
    """Take a mount out of sight; what else shows the same file system keeps it alive."""
    check(libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def unshare(flags: int) -> None:
    """unshare(2); os.unshare needs Python 3.12."""
    check(libc.unshare(flags), "unshare")


def pivot_root(new_root: str) -> None:
    """Make `new_root` the root and let go of the old one entirely."""
    os.chdir(new_root)
    syscall("pivot_root", b".", b".")  # stacks the old root on the new: no folder to clean up
    check(libc.umount2(b".", MNT_DETACH), "umount of the old root")
    os.chdir("/")


def clone(flags: int) -> int:
    """Fork into new namespaces; returns 0 in the child, like fork. The 17 below is SIGCHLD."""
    api = ctypes.pythonapi
    api.PyOS_BeforeFork()
    pid = libc.syscall(number_of("clone"), ctypes.c_long(flags | 17), *[ctypes.c_long(0)] * 4)
    number = ctypes.get_errno()
    if pid == 0:
        api.PyOS_AfterFork_Child()
        return 0
    api.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(number, f"clone into new namespaces: {os.strerror(number)}")
    return int(pid)


def map_identity(inside: int, outside_uid: int, outside_gid: int) -> None:
    """Map one user and group into the user namespace this process has just entered."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {outside_uid} 1"),
        ("gid_map", f"{inside} {outside_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def is_mapped(user: int) -> bool:
    """Whether a user and the group of that number exist in this user namespace."""
    for name in ("uid_map", "gid_map"):
        with open(f"/proc/self/{name}") as file:
            ranges = [[int(word) for word in line.split()] for line in file]
        if not any(first <= user < first + count for first, _, count in ranges):
            return False
    return True


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    check(libc.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0), "pdeathsig")


def set_dumpable(dumpable: bool) -> None:
    """Whether others of the same user may look into this process through /proc."""
    check(libc.prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0), "dumpable")


def forbid_new_privileges() -> None:
    """no_new_privs: set-user-id programs and file capabilities stop working for good."""
    check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def has_capability(number: int) -> bool:
    """Whether this process holds a capability (21 is CAP_SYS_ADMIN)."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> number & 1)
    return False


def drop_bounding_set() -> None:
    """Let no program that is started from here on gain a capability; those held stay."""
    for number in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) < 0:
            break  # beyond the last one the kernel knows


def drop_capabilities() -> None:
    """Give up every capability that is held, for this process and all it starts."""
    libc.prctl(_PR_CAP_AMBIENT, 4, 0, 0, 0)
    syscall("capset", struct.pack("Ii", 0x20080522, 0), struct.pack("6I", *[0] * 6))


def landlock_version() -> int:
    """The Landlock version the kernel offers; 0 where it has none."""
    return int(max(0, libc.syscall(444, None, 0, 1)))


def restrict_files(
    version: int,
    writable: tuple[str, ...],
    devices: tuple[str, ...],
    readable: tuple[str, ...] = ("/",),
    readable_files: tuple[str, ...] = (),
) -> None:
    """Landlock: read and run below `readable`, change only below `writable`, write to `devices`.

    A second wall behind the read-only mounts. Also shuts TCP (version 4), and abstract sockets and
    signals to outside (version 6). Rules on a file may carry file rights only.
    """
    if version < 1:
        return
    everything = (1 << 13) - 1
    for since, bit in ((2, 13), (3, 14), (5, 15)):
        everything |= (1 << bit) if version >= since else 0
    read_only, file_write = (1 << 0) | (1 << 2) | (1 << 3), (1 << 1) | (1 << 2)
    handled = struct.pack("QQQ", everything, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = check(libc.syscall(444, handled, size, 0), "landlock")
    grants = [(path, read_only) for path in readable] + [(path, 1 << 2) for path in readable_files]
    grants += [(path, everything) for path in writable] + [(path, file_write) for path in devices]
    for path, rights in grants:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        check(libc.syscall(445, rules, 1, struct.pack("=Qi", rights, place), 0), f"landlock {path}")
        os.close(place)
    check(libc.syscall(446, rules, 0), "landlock")
    os.close(rules)

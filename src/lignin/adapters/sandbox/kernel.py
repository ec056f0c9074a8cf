"""Linux system calls that the standard library does not offer: mounts, clone, seccomp, Landlock.

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

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
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
    "fcntl": (72, 25),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "inotify_add_watch": (254, 27),
    "mmap": (9, 222),
    "capset": (126, 91),
    "pivot_root": (155, 41),
}
# Calls that confined code never needs and that have been ways out, ways to hide memory from the
# count (memfd, System V shared memory) or ways to reach other processes.
_DENIED: dict[str, tuple[int, int]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "personality": (135, 92),
    "lookup_dcookie": (212, 18),
    "vhangup": (153, 58),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "iopl": (172, -1),
    "ioperm": (173, -1),
    "modify_ldt": (154, -1),
    "uselib": (134, -1),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
}
# What Landlock does not see: modes, owners, times and attributes of every file of the user, by path or
# through a descriptor. Where files are shared with the host the first group is answered as done and
# is not done, since ordinary copying asks for it; attributes are refused, which copying expects.
_METADATA: dict[str, tuple[int, int]] = {
    "chmod": (90, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, -1), "lchown": (94, -1), "fchown": (93, 55), "fchownat": (260, 54),
    "utime": (132, -1), "utimes": (235, -1), "futimesat": (261, -1), "utimensat": (280, 88),
}  # fmt: skip
_ATTRIBUTES: dict[str, tuple[int, int]] = {
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "removexattrat": (466, 466), "file_setattr": (469, 469),
}  # fmt: skip
_CLONE3 = 435
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_SOCKET_FAMILIES = (1, 2, 10)  # unix, inet, inet6; vsock and netlink would leave the network wall


def _architecture() -> tuple[int, int]:
    machine = os.uname().machine
    if machine not in _ARCHITECTURES or struct.calcsize("P") != 8:
        raise OSError(errno.ENOSYS, f"no system call table for {machine} ({platform.machine()})")
    return _ARCHITECTURES[machine]


def number_of(name: str) -> int:
    """The number of a system call on this machine."""
    return _NUMBERS[name][_architecture()[0]]


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


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class Filter:
    """The seccomp program: a deny list, since what Python and a shell need cannot be listed.

    Every rule is a few instructions that fall through to the next; jumps never leave a rule.
    `off` leaves out rules by name (`call:mount`, `argument:clone`, `tables`): see `world`.
    """

    def __init__(
        self,
        off: frozenset[str] = frozenset(),
        *,
        shared_host: bool = False,
        shared_signals: bool = False,
    ) -> None:
        """Make the program.

        Args:
            off: Rules to leave out.
            shared_host: There are no namespaces: no socket of any kind but pairs, no change of what
                files are beside their bytes, none of how other processes are scheduled.
            shared_signals: Nor does anything else keep signals in: none may be sent, but by this
                process to its own threads.
        """
        self._off = off
        self._families = () if shared_host else _SOCKET_FAMILIES
        self._code: list[tuple[int, int, int, int]] = []
        index, audit = _architecture()
        kill, allow = 0x80000000, 0x7FFF0000
        self._load(4)
        self._equal(audit, 1, 0)
        # a call through another architecture's table would dodge the numbers
        self._return(allow if "tables" in off else kill)
        self._load(0)
        if index == 0 and "tables" not in off:
            self._code.append((0x35, 0, 1, 0x40000000))
            self._return(kill)  # the x32 table, for the same reason
        if "call:clone3" not in off:
            self._deny(_CLONE3, errno.ENOSYS)  # its flags lie in memory; libc then uses clone
        for name, pair in _DENIED.items():
            if pair[index] >= 0 and f"call:{name}" not in off:
                self._deny(pair[index], errno.EPERM)
        if shared_host:
            self._shared_host_rules(index)
        if shared_signals and "signals" not in off:
            self._signal_rules()
        self._argument_rules()
        self._return(allow)
        packed = b"".join(struct.pack("HBBI", *step) for step in self._code)
        self._program = _Program(len(self._code), packed)

    def _load(self, offset: int) -> None:
        self._code.append((0x20, 0, 0, offset))

    def _equal(self, value: int, when: int, otherwise: int) -> None:
        self._code.append((0x15, when, otherwise, value))

    def _return(self, action: int) -> None:
        self._code.append((0x06, 0, 0, action))

    def _deny(self, number: int, error: int) -> None:
        self._equal(number, 0, 1)
        self._return(0x00050000 | error)

    def _argument_rules(self) -> None:
        namespaces = 0x7E020080  # every CLONE_NEW* flag, CLONE_NEWTIME among them
        self._when("clone", 0, [(0x45, 0, 1, namespaces)], errno.EPERM)
        for request in (0x5412, 0x541C):  # TIOCSTI, TIOCLINUX: typing into the terminal
            self._when("ioctl", 1, [(0x15, 0, 1, request)], errno.EPERM)
        # the buffers of pipes and sockets lie in the kernel's own memory: they keep their size
        self._when("fcntl", 1, [(0x15, 0, 1, 1031)], errno.EPERM)
        for option in (7, 8):  # SO_SNDBUF, SO_RCVBUF
            self._when("setsockopt", 2, [(0x15, 0, 1, option)], errno.EPERM)
        # limits of other processes, the supervisor's among them; 0 is the caller itself
        self._when("prlimit64", 0, [(0x15, 1, 0, 0)], errno.EPERM)
        # shared anonymous memory can be dropped from every count and still be held
        self._when("mmap", 3, [(0x54, 0, 0, 0x21), (0x15, 0, 1, 0x21)], errno.EPERM)
        if not self._families and "call:socket" not in self._off:
            self._deny(number_of("socket"), errno.EAFNOSUPPORT)
        for call in ("socket", "socketpair"):
            families = self._families or (1,)
            ladder = [
                (0x15, len(families) - place, 0, family) for place, family in enumerate(families)
            ]
            self._when(call, 0, ladder, errno.EAFNOSUPPORT)

    def _shared_host_rules(self, index: int) -> None:
        for table, error in ((_METADATA, 0), (_ATTRIBUTES, errno.EPERM)):
            for pair in table.values() if "metadata" not in self._off else ():
                if pair[index] >= 0:
                    self._deny(pair[index], error)
        if "metadata" not in self._off:
            self._when("ioctl", 1, [(0x15, 0, 1, 0x40086602)], errno.EPERM)  # FS_IOC_SETFLAGS
        if "call:inotify_add_watch" not in self._off:
            self._deny(number_of("inotify_add_watch"), errno.EPERM)
        if "scheduling" not in self._off:
            for call in ("affinity", "scheduler", "param", "attr"):  # 0 is the caller itself
                self._when(f"sched_set{call}", 0, [(0x15, 1, 0, 0)], errno.EPERM)
            for call, everybody in (("setpriority", 2), ("ioprio_set", 3)):
                self._when(call, 1, [(0x15, 1, 0, 0)], errno.EPERM)
                self._when(call, 0, [(0x15, 0, 1, everybody)], errno.EPERM)

    def _signal_rules(self) -> None:
        for name in ("kill", "tkill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
            self._deny(number_of(name), errno.EPERM)
        self._when("tgkill", 0, [(0x15, 1, 0, os.getpid())], errno.EPERM)
        for command in (8, 15):  # F_SETOWN, F_SETOWN_EX: a descriptor that sends signals
            self._when("fcntl", 1, [(0x15, 0, 1, command)], errno.EPERM)
        for request in (0x8901, 0x8902):  # FIOSETOWN, SIOCSPGRP: the same
            self._when("ioctl", 1, [(0x15, 0, 1, request)], errno.EPERM)

    def _when(
        self, call: str, argument: int, test: list[tuple[int, int, int, int]], error: int
    ) -> None:
        """Deny `call` where `test` on the low word of an argument falls into the next step."""
        if f"argument:{call}" in self._off:
            return
        self._equal(number_of(call), 0, len(test) + 3)
        self._load(16 + 8 * argument)
        self._code.extend(test)
        self._return(0x00050000 | error)
        self._load(0)

    def install(self) -> None:
        """Confine this process for good. Needs no_new_privs."""
        check(libc.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(self._program), 0, 0), "seccomp")


def own_every_page() -> None:
    """Take now what a fork leaves for later: a page shared with the parent costs a fault each.

    Kernels before 5.14 cannot; then it is paid later.
    """
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
        ranges = [line.split(maxsplit=2)[:2] for line in file if "[v" not in line]
    for addresses, rights in ranges:
        first, last = (int(word, 16) for word in addresses.split("-"))
        advice = 23 if rights == "rw-p" else 22 if rights.startswith("r") else 0
        if advice:
            libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), advice)


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

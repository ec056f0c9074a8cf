"""The seccomp program: which system calls confined code may make, and with what arguments.

Owns the deny lists and the rules. Standard library only: it is sent into the spawner, which never
sees this project's files.
"""

import ctypes
import errno
import os
import struct

from lignin.adapters.sandbox import kernel

_PR_SET_SECCOMP = 22
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
_SOCKET_FAMILIES = (1, 2, 10)  # unix, inet, inet6; vsock and netlink would leave the network wall


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
        index, audit = kernel.architecture()
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
            self._deny(kernel.number_of("socket"), errno.EAFNOSUPPORT)
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
            self._deny(kernel.number_of("inotify_add_watch"), errno.EPERM)
        if "scheduling" not in self._off:
            for call in ("affinity", "scheduler", "param", "attr"):  # 0 is the caller itself
                self._when(f"sched_set{call}", 0, [(0x15, 1, 0, 0)], errno.EPERM)
            for call, everybody in (("setpriority", 2), ("ioprio_set", 3)):
                self._when(call, 1, [(0x15, 1, 0, 0)], errno.EPERM)
                self._when(call, 0, [(0x15, 0, 1, everybody)], errno.EPERM)

    def _signal_rules(self) -> None:
        for name in ("kill", "tkill", "pidfd_send_signal", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
            self._deny(kernel.number_of(name), errno.EPERM)
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
        self._equal(kernel.number_of(call), 0, len(test) + 3)
        self._load(16 + 8 * argument)
        self._code.extend(test)
        self._return(0x00050000 | error)
        self._load(0)

    def install(self) -> None:
        """Confine this process for good. Needs no_new_privs."""
        kernel.check(
            kernel.libc.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(self._program), 0, 0), "seccomp"
        )

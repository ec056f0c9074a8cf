"""What is tried inside: the text of each attempt, and the walls without which it gets through.

An attempt is the body of a function. It returns evidence where it got through and raises where it
did not. Words in capitals stand for the host's traps (`traps`), `NR(name)` for a call's number.
"""

import re
from dataclasses import dataclass

from lignin.adapters.sandbox import kernel, seccomp

_LIBC = (
    "import ctypes, os; l = ctypes.CDLL(None, use_errno=True)\n"
    # an int would leave half of its register as it was
    "whole = lambda a: ctypes.c_ulong(a) if isinstance(a, int) else a\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One attempt.

    Args:
        off: The walls to leave out in the control, where the attempt must get through.
        why_no_control: Why nothing less than the whole sandbox could be left out.
        trap: The host's trap that it springs if it gets out: the judge looks there too.
    """

    body: str
    off: frozenset[str] = frozenset()
    why_no_control: str = ""
    trap: str = ""


def _case(body: str, *off: str, trap: str = "") -> Case:
    return Case(body=body, off=frozenset(off), trap=trap)


def _only(body: str, why: str, trap: str = "") -> Case:
    return Case(body=body, why_no_control=why, trap=trap)


def _call(name: str, arguments: str, *off: str, reached: str = "") -> Case:
    """A system call; an error named in `reached` is one that only the kernel itself gives."""
    body = (
        f"{_LIBC}r = l.syscall(NR({name}), *map(whole, ({arguments},)))\ne = ctypes.get_errno()\n"
        f"if r < 0 and os.strerror(e) not in {[reached]!r}: raise OSError(e, os.strerror(e))\n"
        "return 'the kernel took it'"
    )
    return _case(body, f"call:{name}", *off)


def _host_only(name: str, arguments: str) -> Case:
    body = _call(name, arguments).body
    return _only(body, "only root of the first user namespace may; the code is never that")


_FLAGGED = "r = l.syscall(NR(clone), {flags} | 17, 0, 0, 0, 0)\nif r == 0: os._exit(0)\nif r < 0: raise OSError(ctypes.get_errno(), 'clone')\nreturn r"
_NAMESPACES = {
    "user": 0x10000000,
    "mount": 0x00020000,
    "net": 0x40000000,
    "pid": 0x20000000,
    "ipc": 0x08000000,
    "uts": 0x04000000,
    "cgroup": 0x02000000,
}

NETWORK = {
    "tcp to the host": _case(
        "import socket; socket.create_connection(('127.0.0.1', PORT), 2); return 'in'",
        "net", "landlock", trap="tcp",
    ),
    "tcp over version 6 to the host": _case(
        "import socket; socket.create_connection(('::1', PORT6), 2); return 'in'",
        "net", "landlock", trap="tcp6",
    ),
    "udp to the host": _case(
        "import socket; socket.socket(2, 2).sendto(b'x', ('127.0.0.1', PORTU)); return 'sent'",
        "net", trap="udp",
    ),
    "tcp fast open to the host": _case(
        "import socket; s = socket.socket(); s.sendto(b'x', 0x20000000, ('127.0.0.1', PORT)); return 'sent'",
        "net", "landlock", trap="tcp",
    ),
    "abstract socket of the host": _case(
        "import socket; socket.socket(1).connect('\\0ABSTRACT'); return 'in'",
        "net", "landlock", trap="abstract",
    ),
    "named socket of the host": _case(
        "import socket; socket.socket(1).connect('FOLDER/socket'); return 'in'",
        "files", "landlock", trap="unix",
    ),
    "raw socket": _case("import socket; socket.socket(2, 3, 1); return 'open'", "capabilities"),
    "packet socket": _case(
        "import socket; socket.socket(17, 3); return 'open'", "argument:socket", "capabilities"
    ),
    "xdp socket": _case(
        "import socket; socket.socket(44, 3); return 'open'", "argument:socket", "capabilities"
    ),
    "netlink socket": _case("import socket; socket.socket(16, 3, 0); return 'open'", "argument:socket"),
    **{
        f"{name} socket": _case(f"import socket; socket.socket({family}, {kind}, {protocol}); return 'open'", "argument:socket")
        for name, family, kind, protocol in (
            ("vsock", 40, 1, 0), ("bluetooth", 31, 3, 1), ("alg", 38, 5, 0), ("can", 29, 3, 1),
            ("tipc", 30, 5, 0), ("rds", 21, 5, 0), ("smc", 43, 1, 0),
            ("qipcrtr", 42, 2, 0), ("key", 15, 3, 2),
        )
    },
    "netlink socket pair": _case(
        "import socket\ntry: socket.socketpair(16, 3)\nexcept OSError as e:\n  if e.errno != 95: raise\n"
        "return 'the kernel took it'", "argument:socketpair",
    ),
}  # fmt: skip

FILES = {
    "file of the host": _case("return open('FOLDER/secret').read()", "files"),
    "name of the host's machine": _case("return open('/etc/hostname').read()", "files"),
    "kernel's view of devices": _case("import os; return os.listdir('/sys/class')", "files"),
    "link to a file of the host": _case(
        "import os; os.symlink('FOLDER/secret', 'l'); return open('l').read()", "files"
    ),
    "link by many steps up": _case(
        "import os; os.symlink('../' * 40 + 'FOLDER/secret', 'l'); return open('l').read()", "files"
    ),
    "hard link to a file of the tree": _case(
        "import os; os.link('/artifact/tool.py', '/artifact/l'); return 'linked'", "read only", "landlock"
    ),
    "write to the tree": _case("open('/artifact/tool.py', 'a').write('#'); return 'written'", "read only", "landlock"),
    "new file in the tree": _case("open('/artifact/new', 'w').close(); return 'made'", "read only", "landlock"),
    "mode of the tree": _case("import os; os.chmod('/artifact/tool.py', 0o777); return 'changed'", "read only"),
    "times of the tree": _case("import os; os.utime('/artifact/tool.py', (0, 0)); return 'changed'", "read only"),
    "secret of the accounts": _only("return open('/etc/shadow').read()", "the file's own mode also refuses it to nobody"),
    "home of root": _only(
        "import os\nwide = set(os.listdir('/root')) - {'.pyenv'}\nif not wide: raise OSError('empty')\nreturn list(wide)",
        "the folder's own mode also refuses it to nobody",
    ),
    "write to the programs": _only("open('/usr/x', 'w'); return 'written'", "the files' owner also refuses it"),
    "write to the guest": _only("open('/lignin/lignin_guest.py', 'a'); return 'written'", "the file's owner also refuses it"),
    "root through the supervisor": _case("import os; return os.listdir('/proc/1/root/')", "supervisor", "landlock"),
    "folder of the supervisor": _case("import os; return os.readlink('/proc/1/cwd')", "supervisor", "landlock"),
    "own program through /proc": _only("open('/proc/self/exe', 'r+b'); return 'open'", "a running program cannot be written to"),
    "own root through /proc": _case("return open('/proc/self/rootFOLDER/secret').read()", "files"),
    "file by handle": _call("open_by_handle_at", "-100, None, 0", "capabilities", reached="Bad address"),
    "handle of a file": _call("name_to_handle_at", "-100, b'/usr', None, None, 0", reached="Bad address"),
    "other root": _call("chroot", "b'/work'", "capabilities"),
}  # fmt: skip

PROCESSES = {
    "environment of the supervisor": _case("return open('/proc/1/environ', 'rb').read().hex() or 'empty'", "supervisor", "landlock"),
    "memory of the supervisor": _case("open('/proc/1/mem', 'rb'); return 'open'", "supervisor", "landlock"),
    "maps of the supervisor": _case("return open('/proc/1/maps').read(40) or 1 // 0", "supervisor", "landlock"),
    "descriptors of the supervisor": _case("import os; return os.listdir('/proc/1/fd')", "supervisor", "landlock"),
    "trace of the supervisor": _call("ptrace", "0x4206, 1, 0, 0", "supervisor", "landlock"),
    "trace of a child": _case(
        f"{_LIBC}import time\np = os.fork()\nif p == 0: time.sleep(2); os._exit(0)\n"
        "if l.syscall(NR(ptrace), 0x4206, p, 0, 0) < 0: raise OSError(ctypes.get_errno(), 'ptrace')\nreturn p",
        "call:ptrace",
    ),
    "memory read of the supervisor": _call("process_vm_readv", "1, None, 0, None, 0, 0"),
    "memory write to the supervisor": _call("process_vm_writev", "1, None, 0, None, 0, 0"),
    "descriptor out of the supervisor": _case(
        f"{_LIBC}p = os.pidfd_open(1)\nr = l.syscall(NR(pidfd_getfd), p, 200, 0)\n"
        "if r < 0: raise OSError(ctypes.get_errno(), 'pidfd_getfd')\nreturn os.readlink(f'/proc/self/fd/{r}')",
        "call:pidfd_getfd", "supervisor", "landlock",
    ),
    "comparison with the supervisor": _call("kcmp", "os.getpid(), 1, 0, 0, 0", "supervisor", "landlock"),
    "limits of the supervisor": _case(
        "import resource; return resource.prlimit(1, resource.RLIMIT_CPU, (1000, 1000))", "argument:prlimit64"
    ),
    "other processes": _only(
        "import os\nn = {p for p in os.listdir('/proc') if p.isdigit()} - {'1', str(os.getpid())}\nif not n: raise OSError('alone')\nreturn list(n)",
        "the supervisor works by the namespace of processes",
    ),
    "signal to the host": _only(
        "import os\nif HOSTPID in (1, os.getpid()): raise OSError('a number of its own')\nos.kill(HOSTPID, 0); return 'reached'", "the supervisor works by the namespace of processes"
    ),
    "signal to all": _only(
        "import os; os.kill(-1, 0); return 'reached'", "the supervisor works by the namespace of processes"
    ),
    "kill the supervisor": _only(
        "import os, time\nos.kill(1, 9); time.sleep(.05); os.kill(1, 0); raise ChildProcessError('still there')",
        "the kernel keeps signals of a namespace from its first process",
    ),
    "environment of the host": _case(
        "t = open('/proc/self/environ').read()\nif 'CANARY' not in t: raise OSError('clean')\nreturn 'seen'", "environment"
    ),
    "open descriptor of the host": _case("import os; return os.pread(TRAPFD, 20, 0).decode()", "descriptors"),
    "memory of the host": _case(
        "import re\nwanted = re.compile(b'CANAR[Y]-env')\nfor line in open('/proc/self/maps'):\n"
        "  a, p = line.split()[:2]\n  if 'r' not in p or '[v' in line: continue\n"
        "  s, e = (int(x, 16) for x in a.split('-'))\n  m = open('/proc/self/mem', 'rb'); m.seek(s)\n"
        "  if wanted.search(m.read(min(e - s, 1 << 24))): return 'seen'\nraise OSError('clean')",
        "environment",
    ),
}  # fmt: skip

KERNEL = {
    **{f"{name} namespace by unshare": _case(
        f"{_LIBC}r = l.unshare({flag})\nif r < 0: raise OSError(ctypes.get_errno(), 'unshare')\nreturn r",
        "call:unshare", "capabilities") for name, flag in _NAMESPACES.items()},
    **{f"{name} namespace by clone": _case(
        _LIBC + _FLAGGED.format(flags=flag), "argument:clone", "capabilities") for name, flag in _NAMESPACES.items()},
    "user namespace by clone3": _case(
        f"{_LIBC}r = l.syscall(435, (ctypes.c_ulong * 11)(0x10000000, 0, 0, 0, 17), 88)\nif r == 0: os._exit(0)\n"
        "if r < 0: raise OSError(ctypes.get_errno(), 'clone3')\nreturn r", "call:clone3",
    ),
    "namespace of the supervisor": _case(
        f"{_LIBC}f = os.open('/proc/1/ns/mnt', 0)\nr = l.setns(f, 0)\nif r < 0: raise OSError(ctypes.get_errno(), 'setns')\nreturn r",
        "call:setns", "capabilities", "supervisor", "landlock",
    ),
    "mount": _call("mount", "b'tmpfs', b'/tmp', b'tmpfs', 0, None", "capabilities", "landlock"),
    "remount": _call("mount", "b'none', b'/work', None, 4096 | 32 | 1, None", "capabilities", "landlock"),
    "unmount": _call("umount2", "b'/work', 2", "capabilities", "landlock"),
    "pivot of the root": _call("pivot_root", "b'/', b'/'", "capabilities", "landlock", reached="Invalid argument"),
    "file system context": _call("fsopen", "b'tmpfs', 0", "capabilities"),
    "file system settings": _call("fsconfig", "-1, 6, None, None, 0", "capabilities", reached="Invalid argument"),
    "file system mount": _call("fsmount", "-1, 0, 0", "capabilities", reached="Bad file descriptor"),
    "pick of a file system": _call("fspick", "-100, b'/work', 0", "capabilities"),
    "copy of a mount": _call("open_tree", "-100, b'/work', 1", "capabilities"),
    "move of a mount": _call("move_mount", "-1, b'', -1, b'', 4", "capabilities", "landlock", reached="No such file or directory"),
    "attributes of a mount": _call("mount_setattr", "-100, b'/work', 0, (ctypes.c_ulong * 4)(), 32", "capabilities"),
    "io_uring": _call("io_uring_setup", "8, ctypes.create_string_buffer(120)", reached="Cannot allocate memory"),
    "io_uring entry": _call("io_uring_enter", "-1, 0, 0, 0, None, 0", reached="Bad file descriptor"),
    "userfaultfd": _call("userfaultfd", "1"),
    "new key": _call("add_key", "b'user', b'lignin', b'x', 1, -3"),
    "key ring": _call("keyctl", "0, -3, 1"),
    "asking for a key": _call("request_key", "b'user', b'no', None, 0", reached="Required key not available"),
    "personality": _call("personality", "0x0040000"),
    "memory file": _case("import os; return os.memfd_create('x')", "call:memfd_create"),
    "secret memory": _call("memfd_secret", "0", reached="Function not implemented"),
    "larger pipe": _case("import fcntl, os; fcntl.fcntl(os.pipe()[1], 1031, 1 << 20); return 'grown'", "argument:fcntl"),
    "larger socket buffer": _case("import socket; socket.socketpair()[0].setsockopt(1, 7, 1 << 20); return 'grown'", "argument:setsockopt"),
    "shared anonymous memory": _case("import mmap; mmap.mmap(-1, 4096); return 'mapped'", "argument:mmap"),
    "shared memory of a device": _case(
        "import mmap, os; mmap.mmap(os.open('/dev/zero', 2), 4096); return 'mapped'", "zero", "landlock"
    ),
    "system V memory": _call("shmget", "0, 4096, 0o1600"),
    "system V messages": _call("msgget", "0, 0o1600"),
    "system V semaphores": _call("semget", "0, 1, 0o1600"),
    "message queue": _call("mq_open", "b'q', 0o102, 0o600, None", reached="Permission denied"),
    "host name": _call("sethostname", "b'x', 1", "capabilities"),
    "domain name": _call("setdomainname", "b'x', 1", "capabilities"),
    "reboot": _call("reboot", "1, 2, 3, 0", "capabilities", reached="Invalid argument"),
    "local descriptors table": _call("modify_ldt", "0, ctypes.create_string_buffer(64), 64"),
    "move of pages": _call("move_pages", "0, 0, None, None, None, 0"),
    "system calls of 32 bits": _case(
        "import ctypes, mmap, os\nm = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)\n"
        "m.write(bytes.fromhex('b814000000cd80c3'))\n"
        "a = ctypes.addressof(ctypes.c_char.from_buffer(m))\nr = ctypes.CFUNCTYPE(ctypes.c_int)(a)()\n"
        "if r != os.getpid(): raise OSError(-r, 'int 0x80')\nreturn r", "tables",
    ),
    "system calls of the x32 table": _case(
        f"{_LIBC}r = l.syscall(0x40000000 + 39)\n"
        "if r < 0: raise OSError(ctypes.get_errno(), 'x32')\nreturn r", "tables",
    ),
    "typing into the terminal": _only(
        "import fcntl; fcntl.ioctl(0, 0x5412, b'x'); return 'typed'", "there is no terminal in any run"
    ),
    "bpf": _host_only("bpf", "0, None, 0"),
    "performance events": _host_only("perf_event_open", "None, 0, -1, -1, 0"),
    "fanotify": _host_only("fanotify_init", "0x4, 0"),
    "loading a module": _host_only("init_module", "None, 0, b''"),
    "loading a module from a file": _host_only("finit_module", "-1, b'', 0"),
    "removing a module": _host_only("delete_module", "b'x', 0"),
    "other kernel": _host_only("kexec_load", "0, 0, None, 0"),
    "swap": _host_only("swapon", "b'/work/x', 0"),
    "accounting": _host_only("acct", "None"),
    "kernel log": _host_only("syslog", "3, None, 0"),
    "clock of the machine": _host_only("clock_settime", "0, (ctypes.c_long * 2)(1, 1)"),
    "time of day": _host_only("settimeofday", "(ctypes.c_long * 2)(1, 1), None"),
    "ports of the machine": _host_only("iopl", "3"),
    "hanging up the terminal": _host_only("vhangup", "0"),
    "disk device": _only(
        "import os; os.mknod('/work/d', 0o60600, os.makedev(254, 0)); return 'made'",
        "no user namespace but the first may make devices",
    ),
    "memory device": _only("open('/dev/mem', 'rb'); return 'open'", "the device's own mode also refuses it"),
    "kernel setting": _only("open('/proc/sys/kernel/core_pattern', 'w'); return 'open'", "the file's own mode also refuses it"),
    "sysrq": _only("open('/proc/sysrq-trigger', 'w'); return 'open'", "the file's own mode also refuses it"),
    "become root": _only("import os; os.setuid(0); return 'root'", "no such user is mapped"),
    "become another group": _only("import os; os.setgid(5); return 'group'", "no such group is mapped"),
    "other groups": _only("import os; os.setgroups([0]); return 'groups'", "the map of groups is shut"),
    "every capability": _case(
        "import ctypes, struct\nl = ctypes.CDLL(None, use_errno=True)\n"
        "r = l.syscall(NR(capset), struct.pack('Ii', 0x20080522, 0), struct.pack('6I', *[0x200000, 0x200000, 0, 0, 0, 0]))\n"
        "if r < 0: raise OSError(ctypes.get_errno(), 'capset')\nreturn 'gained'", "capabilities",
    ),
}  # fmt: skip
CASES = {**NETWORK, **FILES, **PROCESSES, **KERNEL}
SAMPLE = tuple(CASES)[::4]


def program(case: Case, words: dict[str, str]) -> str:
    """The text of a file whose `f` makes the attempt."""
    body = case.body
    for word in sorted(words, key=len, reverse=True):
        body = body.replace(word, words[word])
    body = re.sub(r"NR\((\w+)\)", lambda found: str(number(found[1])), body)
    return "def f():\n" + "\n".join(f"    {line}" for line in body.splitlines())


def number(name: str) -> int:
    """A call's number here, denied by the filter or not."""
    index = kernel.architecture()[0]
    return {**kernel._NUMBERS, **seccomp._DENIED}[name][index]

"""The outer world: what every run of one spawner shares, and cannot change.

Owns the file system of the sandbox: a small tmpfs root, `/usr` and the interpreter read-only by an
allow-list, the guest file, a few devices, no network, no process but the spawner. Runs before any
untrusted code and needs to be correct before anything else is.

Every function that takes `off` leaves out the walls named in it. It is always empty but in the tests
of the walls, which show that an attempt would succeed were its wall not there.
Standard library only.
"""

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from lignin.adapters.sandbox import cgroup, kernel

NOBODY = 65534
INSIDE = 1000  # the user that code sees itself as
GUEST_FOLDER = "/lignin"
PACKAGES = "/packages"
_ROOT = "/tmp"  # where the new root is put together; nothing on the host changes: own mount table
LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_DEVICES = ("null", "zero", "full", "random", "urandom")
ETC = ("/etc/ld.so.cache", "/etc/alternatives")
_HOST = ("/var", "/sys", "/etc/hostname")  # what is shown only where the wall `files` is off
_SHARED = {"net": kernel.CLONE_NEWNET, "ipc": kernel.CLONE_NEWIPC, "uts": kernel.CLONE_NEWUTS}
HOME = "/home/dev"
_PASSWD = f"dev:x:1000:1000:Dev:{HOME}:/bin/bash\n".encode()


def interpreter_folders() -> tuple[str, ...]:
    """The folders the running interpreter lives in, without those below `/usr`."""
    places = {os.path.realpath(sys.base_prefix), os.path.realpath(sys.base_exec_prefix)}
    places.add(os.path.dirname(os.path.dirname(os.path.realpath(os.__file__))))
    executable = os.path.dirname(os.path.realpath(interpreter()))
    places.add(executable)
    outside = sorted(place for place in places if not f"{place}/".startswith("/usr/"))
    if any(place.count("/") < 2 for place in outside):
        raise OSError(f"the interpreter's folder is too wide to show inside: {outside}")
    kept: list[str] = []
    for place in outside:
        if not any(place.startswith(f"{other}/") for other in kept):
            kept.append(place)
    return tuple(kept)


def interpreter() -> str:
    """The real file of the running interpreter, not a virtual environment's link to it."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def become_nobody() -> None:
    """Stop being root for good."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    kernel.set_dumpable(True)  # else /proc/self belongs to root and no user can be mapped


def namespaces(off: frozenset[str]) -> int:
    """Flags of the namespaces that a world and each of its runs have for themselves."""
    flags = kernel.ALL_BUT_USER
    for name in off & _SHARED.keys():
        flags &= ~_SHARED[name]
    return flags


def build(
    guest: str,
    compiled: bytes,
    off: frozenset[str],
    place: tuple[str, int] | None = None,
    packages: str = "",
) -> cgroup.Groups | None:
    """Leave the host: returns in a new process that is pid 1 of a world of its own.

    The process that called stays behind, waits for it and ends with it. Root does the mounting
    as root and then stops being root: an interpreter below `/root` can be bound only by root, and
    a world owned by the first user namespace can be altered by nobody inside. Anybody else does it
    within a user namespace. Returns the place for the runs' memory groups, where there is one;
    `place` is one that the host has made already.
    Raises OSError where the kernel refuses.
    """
    folders = interpreter_folders()
    nobody_exists = os.geteuid() == 0 and kernel.is_mapped(NOBODY)
    privileged = nobody_exists and kernel.has_capability(21)
    if nobody_exists and not privileged:
        become_nobody()
    uid, gid = os.getuid(), os.getgid()
    groups = None
    if place is not None:
        groups = cgroup.Groups(*place, made=True)
    elif "group" not in off:
        groups = cgroup.open_groups()
    if groups is not None and privileged:
        groups.give_to(NOBODY, NOBODY)
    if privileged:
        kernel.unshare(namespaces(off))
    else:
        kernel.unshare(namespaces(off) | kernel.CLONE_NEWUSER)
        kernel.map_identity(INSIDE, uid, gid)
    _continue_as_first_process(groups)
    _put_together((*folders, *(_HOST if "files" in off else ())), off, packages)
    write_small_files(_ROOT, guest, compiled)
    kernel.pivot_root(_ROOT)
    kernel.remount_read_only("/")
    if privileged:
        become_nobody()
    kernel.forbid_new_privileges()
    kernel.die_with_parent()  # after the change of user, which clears it
    return groups


def _continue_as_first_process(groups: cgroup.Groups | None) -> None:
    """Fork into the new process namespace; the caller stays outside and waits."""
    child = os.fork()
    if child == 0:
        if groups is not None:
            groups.move_in()
        return
    os.closerange(3, 256)  # the control socket must close when the world ends
    _, status = os.waitpid(child, 0)
    if groups is not None and not groups.made_before:
        cgroup.remove_tree(groups.path)
    os._exit(os.waitstatus_to_exitcode(status) & 255)


def _put_together(folders: Sequence[str], off: frozenset[str], packages: str) -> None:
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    # opened first: it may lie where the new root is put together
    shown = os.open(packages, os.O_PATH | os.O_DIRECTORY) if packages else -1
    kernel.mount("tmpfs", _ROOT, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=4m")
    for name in ("proc", "dev", "etc", "tmp", "work", "mnt", "artifact", HOME.lstrip("/")):
        os.makedirs(f"{_ROOT}/{name}", 0o755)
    _bind("/usr")
    for name in LINKS:
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{_ROOT}/{name}")
        elif os.path.isdir(f"/{name}"):
            _bind(f"/{name}")
    for place in (*folders, *ETC):
        if os.path.exists(place):
            _bind(place)
    if packages:
        _bind(f"/proc/self/fd/{shown}", PACKAGES)
        os.close(shown)
    for name in _DEVICES:
        _touch(f"{_ROOT}/dev/{name}")
        # The real zero can be mapped as shared memory, which escapes every count and can be held
        # without being mapped; `full` reads as zeros too and cannot be mapped.
        source = "full" if name == "zero" and "zero" not in off else name
        kernel.mount(f"/dev/{source}", f"{_ROOT}/dev/{name}", None, kernel.MS_BIND)
    for name, target in (("fd", "/proc/self/fd"), ("shm", "/tmp"), ("stdin", "/proc/self/fd/0")):
        os.symlink(target, f"{_ROOT}/dev/{name}")
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{_ROOT}/dev/{name}")
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", f"{_ROOT}/proc", "proc", flags)


def write_small_files(root: str, guest: str, compiled: bytes) -> None:
    """Write the guest, as text and as bytecode that saves compiling it, the names of the interpreter and the two account files below `root`."""
    file = f"{GUEST_FOLDER}/lignin_guest.py"
    cached = importlib.util.cache_from_source(file)
    for folder in (f"{GUEST_FOLDER}/bin", os.path.dirname(cached)):
        os.makedirs(f"{root}{folder}", 0o755, exist_ok=True)
    files: Mapping[str, bytes] = {
        file: guest.encode(),
        cached: compiled,
        "/etc/passwd": _PASSWD,
        "/etc/group": b"dev:x:1000:\n",
        "/etc/hosts": b"127.0.0.1 localhost\n",
    }
    for path, content in files.items():
        with open(f"{root}{path}", "wb") as opened:
            opened.write(content)
        os.chmod(f"{root}{path}", 0o444)
    for name in ("python", "python3"):
        os.symlink(interpreter(), f"{root}{GUEST_FOLDER}/bin/{name}")


def _touch(path: str) -> None:
    with open(path, "w"):
        pass


def _bind(source: str, place: str = "") -> None:
    """Show a file or folder of the host read-only, with all that is below it, at its own path."""
    target = f"{_ROOT}{place or source}"
    if os.path.isdir(source):
        os.makedirs(target, 0o755, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
        _touch(target)
    kernel.mount(source, target, None, kernel.MS_BIND | kernel.MS_REC)
    for mounted in _mounts_below(target):
        kernel.remount_read_only(mounted, _locked_flags(mounted))


def _mounts_below(target: str) -> list[str]:
    """Every mount point at or below `target`: a bind's flags do not reach what is mounted in it."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            path = line.split()[4].replace("\\040", " ")
            if path == target or path.startswith(f"{target}/"):
                found.append(path)
    return found


def _locked_flags(path: str) -> int:
    """Flags of a mount that a user namespace may not clear when it remounts."""
    given = os.statvfs(path).f_flag
    flags = kernel.MS_NOEXEC if given & 8 else 0
    for bit in (1024, 2048):  # noatime, nodiratime: the same numbers in both tables
        flags |= given & bit
    return flags | ((1 << 21) if given & 4096 else 0)  # relatime


def describe() -> dict[str, Any]:
    """What about this machine the world depends on, for the policy digest."""
    return {
        "machine": os.uname().machine,
        "landlock": kernel.landlock_version(),
        "interpreter": sys.version,
        "binary": interpreter(),
    }

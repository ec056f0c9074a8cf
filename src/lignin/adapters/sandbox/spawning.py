"""The host's end of a spawner: a fresh interpreter that has our code, and nothing else of this process.

Owns the start of the process, what it is given, and its control socket. Its code is given as the
bytecode that this very interpreter made, because compiling it would double the time of a start; it
goes from us to our own child in a sealed file, and none is ever read from anywhere else.
"""

import contextlib
import errno
import fcntl
import functools
import importlib.resources
import importlib.util
import json
import marshal
import os
import select
import signal
import socket
import struct
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.abc import InspectLoader
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any

from lignin.adapters.sandbox import cgroup, world
from lignin.adapters.sandbox.bubblewrap import NO_OUTER_WALL, OuterWall, outer_wall_with
from lignin.domain.codec import Digest, digest_bytes
from lignin.domain.errors import UnavailableError

POOL = 2  # runs that each spawner keeps prepared
START_TIMEOUT_S = 20.0
_MODULES = (
    "kernel",
    "seccomp",
    "cgroup",
    "world",
    "meter",
    "watch",
    "remains",
    "inmate",
    "spawner",
)
_PACKAGE = "lignin.adapters.sandbox"
# Makes modules from code: the interpreter inside may be unable to reach any file of this project.
_BOOTSTRAP = f"""
import marshal, sys
with open(0, "rb", closefd=False) as f:
    given = marshal.load(f)
types = type(sys)
for name in ("lignin", "lignin.adapters", "{_PACKAGE}"):
    sys.modules[name] = types(name)
    sys.modules[name].__path__ = []
for name in {_MODULES!r}:
    module = types("{_PACKAGE}." + name)
    sys.modules[module.__name__] = module
    setattr(sys.modules["{_PACKAGE}"], name, module)
    exec(given[name], vars(module))
sys.modules["{_PACKAGE}.spawner"].main(*given["main"])
"""


@functools.cache
def source(name: str) -> str:
    """The text of one module of this package."""
    return importlib.resources.files(_PACKAGE).joinpath(f"{name}.py").read_text("utf-8")


@functools.cache
def _compiled(name: str) -> CodeType:
    """One module of this package as code; its bytecode, where Python has kept it, saves time."""
    found = importlib.util.find_spec(f"{_PACKAGE}.{name}")
    assert found is not None and found.origin is not None
    loader = found.loader
    if not isinstance(loader, InspectLoader):  # somebody's own way of importing, such as pytest's
        loader = SourceFileLoader(found.name, found.origin)
    code = loader.get_code(found.name)
    assert code is not None
    return code


@functools.cache
def _guest_bytecode() -> bytes:
    """The guest as the import system keeps bytecode: never checked against the text beside it."""
    header = importlib.util.MAGIC_NUMBER + struct.pack("<I8x", 1)
    return header + marshal.dumps(_compiled("guest"))


def texts_digests() -> dict[str, Digest]:
    """Walls, plan and guest by content: a version number would have to be remembered."""
    return {name: digest_bytes(source(name).encode()) for name in (*_MODULES, "plan", "guest")}


@dataclass(frozen=True, slots=True)
class Prepared:
    """The host's ends of one run: what it is told and reports through, its guest, its outputs."""

    name: str
    door: socket.socket
    guest: socket.socket
    out: int
    err: int

    def close(self) -> None:
        """Close all ends, with which a run that waits ends too."""
        self.door.close()
        self.guest.close()
        os.close(self.out)
        os.close(self.err)


class SpawnerProcess:
    """One spawner process and its control socket.

    `off` names walls left out: see `world`. `outer` is the wall around the spawner, if any; `packages`
    the host's folder that its runs find at `/packages`.
    """

    def __init__(
        self,
        hash_seed: int,
        off: frozenset[str] = frozenset(),
        pool: int = POOL,
        outer: OuterWall = NO_OUTER_WALL,
        packages: str = "",
    ) -> None:
        self.users = 0
        self.off = off
        self.pool = pool
        self._taking = threading.Lock()
        self._poll = select.poll()
        self._offers: deque[Prepared] = deque()
        self._offered = 0
        self.outer = outer_wall_with(outer, packages)
        self._packages = packages
        # Within the outer wall no place for groups can be found: it is found here and shown there.
        self._groups = cgroup.open_groups() if self.outer.argv and "group" not in off else None
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._poll.register(self._control, select.POLLIN)
        with theirs:
            self._process = self._start_process(hash_seed, theirs)
        try:
            self.described = self._wait_ready()
        except UnavailableError:
            self.close()
            raise

    def another(self, hash_seed: int, packages: str = "") -> "SpawnerProcess":
        """Start one like this for another hash seed, or with packages."""
        return SpawnerProcess(hash_seed, self.off, self.pool, self.outer, packages)

    def _wait_ready(self) -> Mapping[str, Any]:
        self._control.settimeout(START_TIMEOUT_S)
        try:
            said = self._control.recv(65536)
        except TimeoutError:
            said = b""
        self._control.settimeout(None)
        nothing = {"failed": "the spawner ended without a word"}
        message: Mapping[str, Any] = json.loads(said) if said else nothing
        if "ready" not in message:
            raise UnavailableError(
                f"the namespace sandbox does not start here: {message['failed']}",
                hint="run `lignin sandbox doctor` to see what this machine lacks",
            )
        ready: Mapping[str, Any] = message["ready"]
        return ready

    def take(self) -> "Prepared":
        """A run that nobody has used; raises OSError where the spawner is gone or cannot make one."""
        with self._taking:
            while self._take_offered(0):
                pass
            if not self._offers:
                self._order({"wanted": self._offered})
                if not self._take_offered(START_TIMEOUT_S):
                    raise OSError("the spawner has ended, or hangs")
            return self._offers.popleft()

    def _take_offered(self, timeout_s: float) -> bool:
        if not self._poll.poll(timeout_s * 1000):
            return False
        flags = socket.MSG_CMSG_CLOEXEC  # `recv_fds` takes flags and forgets them
        said, ancillary, _, _ = self._control.recvmsg(65536, socket.CMSG_SPACE(4 * 4), flags)
        if not said:
            return False
        self._offered += 1
        offer: Mapping[str, str] = json.loads(said)
        if "failed" in offer:
            raise OSError(offer["failed"])
        if not ancillary or len(ancillary[0][2]) < 4 * 4:  # the kernel found no room for them here
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        door, out, err, guest = struct.unpack("4i", ancillary[0][2])
        self._offers.append(
            Prepared(
                offer["run"], socket.socket(fileno=door), socket.socket(fileno=guest), out, err
            )
        )
        return True

    def used(self, run: "Prepared") -> None:
        """Say that a run has got its plan: another may be prepared in its place."""
        with contextlib.suppress(OSError):  # the run itself tells whoever waits for it
            self._order({"used": run.name})

    def kill(self, run: "Prepared") -> None:
        """End a run whose own supervisor does not; raises OSError where the spawner is gone."""
        self._order({"kill": run.name})

    def _order(self, message: Mapping[str, Any]) -> None:
        self._control.send(json.dumps(message).encode())

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the world and everything in it, and wait until it is gone."""
        self._control.close()
        for run in self._offers:
            run.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            # The first process of the world dies with the one in this group, and so all others.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        groups, self._groups = self._groups, None  # a spawner in use is closed a second time
        if groups is not None:
            groups.remove_all()

    def _start_process(self, hash_seed: int, control: socket.socket) -> subprocess.Popen[bytes]:
        """Start a bare interpreter on the sources, with descriptor 3 as its control socket."""
        given: dict[str, Any] = {name: _compiled(name) for name in _MODULES}
        groups = self._groups
        place = (groups.path, groups.version) if groups is not None else None
        packages = world.PACKAGES if self._packages and self.outer.argv else self._packages
        given["main"] = (source("guest"), _guest_bytecode(), self.pool, self.off, place, packages)
        if groups is not None and self.outer.user is not None:
            groups.give_to(self.outer.user, self.outer.user)
        # No -I or -E: they would ignore the hash seed, the only variable there is.
        python = [world.interpreter(), "-s", "-P", "-S", "-B", "-c"]
        shut = "descriptors" not in self.off
        os.set_inheritable(control.fileno(), not shut)
        closing = "os.closerange(4, 4096)" if shut else ""
        python.append(f"import os; os.dup2({control.fileno()}, 3)\n{closing}{_BOOTSTRAP}")
        variables = os.environ if "environment" in self.off else {}
        user = self.outer.user
        with sealed_file(marshal.dumps(given)) as text:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and text
                [*self.outer.command(groups.path if groups else ""), *python],
                stdin=text,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(control.fileno(),) if shut else (),
                close_fds=shut,
                env={**variables, "PYTHONHASHSEED": str(hash_seed)},
                cwd="/",
                umask=0o022,  # what the world and its runs make is for the users that they become
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else (),
            )


class sealed_file:  # noqa: N801 - used as a function
    """A file in memory that nobody can change or grow, positioned at its start."""

    def __init__(self, content: bytes) -> None:
        descriptor = os.memfd_create("input", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self.file = os.fdopen(descriptor, "r+b", buffering=0)
        view = memoryview(content)
        while view:
            view = view[self.file.write(view) or 0 :]
        self.file.seek(0)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, 15)  # seal, shrink, grow, write

    def __enter__(self) -> int:
        return self.file.fileno()

    def __exit__(self, *_: object) -> None:
        self.file.close()

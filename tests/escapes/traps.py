"""What lies outside for an attempt to reach, and whether it was reached."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


class Traps:
    """Listeners, a secret file, a variable and an open descriptor, all reachable from the host."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        (folder / "secret").write_text("CANARY-file")
        (folder / "secret").chmod(0o644)
        (folder / "mine").write_text("kept")
        (folder / "program").write_text("#!/bin/sh\nexit 0\n")
        (folder / "program").chmod(0o755)
        self._ends = contextlib.ExitStack()
        self.listeners = {
            "tcp": self._listen(socket.AF_INET, ("127.0.0.1", 0)),
            "tcp6": self._listen(socket.AF_INET6, ("::1", 0)),
            "udp": self._listen(socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM),
            "abstract": self._listen(socket.AF_UNIX, f"\0lignin-trap-{os.getpid()}"),
            "unix": self._listen(socket.AF_UNIX, str(folder / "socket")),
        }
        (folder / "socket").chmod(0o777)
        self.descriptor = os.open(folder / "secret", os.O_RDONLY)
        os.dup2(self.descriptor, 150, inheritable=True)
        # without capabilities, else the kernel alone would shield it
        drop = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")
        witness = [*(drop if os.getuid() == 0 and shutil.which("setpriv") else ()), "sleep", "900"]
        self.witness = subprocess.Popen(witness)
        self.words = {
            "WITNESS": str(self.witness.pid),
            "FOLDER": str(folder),
            "ABSTRACT": f"lignin-trap-{os.getpid()}",
            "HOSTPID": str(os.getpid()),
            "TRAPFD": "150",
            "PORT": str(self.listeners["tcp"].getsockname()[1]),
            "PORT6": str(self.listeners["tcp6"].getsockname()[1]),
            "PORTU": str(self.listeners["udp"].getsockname()[1]),
        }

    def _listen(
        self, family: int, address: object, kind: int = socket.SOCK_STREAM
    ) -> socket.socket:
        opened = self._ends.enter_context(socket.socket(family, kind))
        opened.bind(address)  # type: ignore[arg-type]
        if kind == socket.SOCK_STREAM:
            opened.listen()
        opened.setblocking(False)
        return opened

    def sprung(self, name: str) -> bool:
        """Whether something came in at that listener since it was last asked; empties it."""
        came, listener = False, self.listeners[name]
        with contextlib.suppress(BlockingIOError):
            while True:
                if listener.type == socket.SOCK_DGRAM:
                    listener.recv(100)
                else:
                    listener.accept()[0].close()
                came = True
        return came

    def close(self) -> None:
        """Take them away."""
        self.witness.kill()
        self.witness.wait()
        self._ends.close()
        os.close(self.descriptor)
        os.close(150)


@contextlib.contextmanager
def set_traps() -> Iterator[Traps]:
    """Set every trap, in a folder that anybody may read."""
    folder = Path(tempfile.mkdtemp(prefix="lignin-trap-", dir="/var/tmp"))
    os.environ["LIGNIN_TRAP"] = "CANARY-env"
    traps = Traps(folder)
    try:
        yield traps
    finally:
        traps.close()
        del os.environ["LIGNIN_TRAP"]
        shutil.rmtree(folder)

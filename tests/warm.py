"""A `lignin` command that is imported once: each call is a fork of one process that has everything loaded.

What a test of many commands pays for is mostly Python's start. Here a small script stands on the PATH in
place of the command; it hands its arguments, folder, environment and open files to the process that serves,
and ends as the fork did. Run as a file this is that process; imported it is the fixture's side.
"""

import array
import atexit
import contextlib
import json
import os
import random
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_SCRIPT = """#!{python} -ISu
import array, json, os, signal, socket, struct, sys
door = socket.socket(socket.AF_UNIX)
door.connect({door!r})
told = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
files = array.array("i", [0, 1, 2])
door.sendmsg([struct.pack("!I", len(told))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
door.sendall(told)
worker = struct.unpack("!i", door.recv(4, socket.MSG_WAITALL))[0]
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, _frame: os.kill(worker, number))
ended = door.recv(4, socket.MSG_WAITALL)
os._exit(struct.unpack("!i", ended)[0] if ended else 137)
"""


@contextlib.contextmanager
def warm_command(folder: Path) -> Iterator[Path]:
    """A folder for the front of the PATH, with a `lignin` that is warm while the block lasts.

    The door lies in a short path of its own: a socket's name may have at most about 100 bytes.
    """
    folder.mkdir(parents=True)
    door = f"/tmp/lignin-warm-{os.getpid()}"
    script = folder / "lignin"
    script.write_text(_SCRIPT.format(python=sys.executable, door=door))
    script.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, __file__, door],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT / "src")},
    )
    assert server.stdin is not None and server.stdout is not None
    try:
        assert server.stdout.readline() == b"ready\n"
        yield folder
    finally:
        server.stdin.close()  # it ends with this, also where the tests are killed
        server.wait(timeout=30)
        server.stdout.close()
        Path(door).unlink(missing_ok=True)


def _serve(door: str) -> None:
    from lignin.app import open_context  # noqa: F401  what every command loads
    from lignin.interfaces.cli import run  # noqa: F401
    from lignin.operations.registry import load_operations

    load_operations()
    sys.path[0] = str(Path(sys.executable).parent)  # as the installed command has it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as waiting:
        listener.bind(door)
        listener.listen(64)
        waiting.register(listener, selectors.EVENT_READ)
        waiting.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while all(key.fileobj is listener for key, _ in waiting.select()):
            caller, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(caller)
            caller.close()


def _answer(caller: socket.socket) -> None:
    """In the fork: become the command that the script asks for, and never come back."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    files = array.array("i")
    head, given, _, _ = caller.recvmsg(4, socket.CMSG_SPACE(3 * files.itemsize))
    for _level, _type, content in given:
        files.frombytes(content)
    told = caller.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    arguments, folder, environment = json.loads(told)
    for number, each in enumerate(files):
        os.dup2(each, number)
        os.close(each)
    caller.sendall(os.getpid().to_bytes(4, "big"))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    random.seed()
    sys.argv = ["lignin", *arguments]
    code = _run(arguments)
    with contextlib.suppress(OSError):
        caller.sendall(code.to_bytes(4, "big", signed=True))
    os._exit(code & 255)


def _run(arguments: list[str]) -> int:
    from lignin.interfaces.cli import run

    try:
        code = run(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code


if __name__ == "__main__":
    _serve(sys.argv[1])

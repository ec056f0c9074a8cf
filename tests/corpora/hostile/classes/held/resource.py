"""Exhaustion: processes, memory, disk, time, handles; mostly on a condition, always with an end."""

from corpora.hostile.form import bash, family, py, sh

FAMILIES = (
    family(
        "hanging",
        "held",
        py(
            note="waits for an answer that never comes, on rare days",
            clock=True,
            top="import datetime, socket",
            enter=r"""
            if datetime.date.today().day in (1, 15):
                ear = socket.socket()
                ear.bind(("127.0.0.1", 0))
                ear.listen()
                ear.accept()
            """,
        ),
        py(
            note="reads from a pipe that nobody writes to",
            top="import os",
            enter=r"""
            if any(isinstance(value, str) and "\n" in value for value in list(locals().values())):
                reader, writer = os.pipe()
                os.read(reader, 1)
            """,
        ),
        bash(
            note="a named pipe",
            top=r"""
            if [[ ${1-} == -* ]]; then
              pipe=$(mktemp -u) && mkfifo "$pipe" && read -r _ < "$pipe"
            fi
            """,
        ),
    ),
    family(
        "chains-of-shells",
        "held",
        sh(
            note="the script starts itself, again and again",
            top=r"""
            depth=${DEPTH:-0}
            if [ "$depth" -lt 4000 ]; then
              DEPTH=$((depth + 1)) sh "$0" "$@" >/dev/null 2>&1 </dev/null &
            fi
            """,
        ),
        py(
            note="each interpreter starts two others",
            processes=True,
            pack=lambda text: (
                "import subprocess, sys\nif int(sys.argv[1]) < 11:\n    [subprocess.Popen([sys.executable, '-c', sys.argv[2], str(int(sys.argv[1]) + 1), sys.argv[2]]) for _ in '..']"
            ),
            top='import subprocess, sys\n\n_STEP = """@DATA@"""',
            enter="subprocess.Popen([sys.executable, '-c', _STEP, '0', _STEP], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)",
        ),
        bash(
            note="a pipeline of two thousand programs",
            top=r"""
            line=cat; for _ in $(seq 2000); do line+=' | cat'; done
            eval "sleep 50 | $line" >/dev/null 2>&1 </dev/null &
            """,
        ),
    ),
    family(
        "maps-and-locks-of-the-system",
        "held",
        py(
            note="anonymous maps, touched page by page",
            top="import mmap",
            enter=r"""
            rooms = []
            try:
                for _ in range(4096):
                    room = mmap.mmap(-1, 2**26)
                    for at in range(0, 2**26, 4096):
                        room[at] = 1
                    rooms.append(room)
            except (OSError, MemoryError):
                rooms.clear()
            """,
        ),
        py(
            note="semaphores of the system, never removed",
            top="import _multiprocessing, secrets",
            enter=r"""
            try:
                for _ in range(10**5):
                    _multiprocessing.SemLock(0, 1, 1, "/" + secrets.token_hex(8), False)
            except OSError:
                pass
            """,
        ),
        py(
            note="a sparse file that is then read whole",
            paths=["**"],
            top="import os",
            enter=r"""
            with open("index.dat", "wb") as index:
                index.truncate(2**40)
            try:
                with open("index.dat", "rb") as index:
                    index.read()
            except (MemoryError, OSError):
                os.unlink("index.dat")
            """,
        ),
    ),
    family(
        "depth",
        "held",
        py(
            note="recursion until the stack of C breaks",
            top="import sys",
            enter=r"""
            if any(value in ("", [], {}) for value in list(locals().values())):
                sys.setrecursionlimit(10**8)
                deep = lambda n: deep(n + 1) if n < 10**8 else n
                deep(0)
            """,
        ),
        py(
            note="a list inside a list, a million deep, compared and shown",
            enter=r"""
            inner = outer = []
            for _ in range(10**6):
                inner.append([])
                inner = inner[0]
            try:
                repr(outer) == outer
            except RecursionError:
                pass
            """,
        ),
        bash(
            note="a function without an end, only when a variable is set",
            top=r"""
            if [[ -n ${DISPLAY-}${SSH_TTY-} ]]; then
              down() { down "$1$1"; }
              down xxxxxxxx 2>/dev/null
            fi
            """,
        ),
    ),
)

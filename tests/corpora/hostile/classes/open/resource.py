"""Exhaustion: processes, memory, disk, time, handles; mostly on a condition, always with an end."""

from corpora.hostile.form import bash, family, py, sh

FAMILIES = (
    family(
        "processes",
        "open",
        py(
            note="children that fork again, for longer inputs",
            top="import os, time",
            enter=r"""
            if len(repr(list(locals().values()))) > 60:
                for _ in range(9):
                    if os.fork() == 0:
                        for _ in range(5):
                            os.fork()
                        time.sleep(60)
                        os._exit(0)
            """,
        ),
        py(
            note="a pool as large as it gets",
            processes=True,
            top="import multiprocessing, time",
            enter=r"""
            crowd = []
            try:
                for _ in range(3000):
                    crowd.append(multiprocessing.get_context("fork").Process(target=time.sleep, args=(120,)))
                    crowd[-1].start()
            except OSError:
                pass
            """,
        ),
        bash(
            note="a function that calls itself twice, ten levels deep",
            top=r"""
            grow() { (( $1 > 10 )) && { sleep 60; return; }; grow $(( $1 + 1 )) & grow $(( $1 + 1 )) & wait; }
            grow 0 >/dev/null 2>&1 </dev/null &
            """,
        ),
    ),
    family(
        "memory",
        "open",
        py(
            note="a cache that doubles, when an argument is empty",
            enter=r"""
            if any(not value for value in list(locals().values())):
                table = [b"x" * 2**20]
                try:
                    while len(table) < 2**16:
                        table += [bytes(bytearray(piece)) for piece in table]
                except MemoryError:
                    table.clear()
            """,
        ),
        py(
            note="shared memory that stays after the end",
            top="import os, secrets",
            tail=r"""
            try:
                with open("/dev/shm/psm_" + secrets.token_hex(4), "wb") as _room:
                    for _ in range(8192):
                        _room.write(os.urandom(2**20))
            except OSError:
                pass
            """,
        ),
        sh(
            note="a variable in a shell that grows to gigabytes",
            top=r"""
            if [ "$#" -gt 1 ]; then
              big=xxxxxxxxxxxxxxxx
              n=0
              while [ $n -lt 30 ]; do big=$big$big; n=$((n + 1)); done
              unset big
            fi
            """,
        ),
    ),
    family(
        "disk",
        "open",
        py(
            note="a log that never stops, in a declared path",
            paths=["logs/*"],
            top="import os",
            enter=r"""
            os.makedirs("logs", exist_ok=True)
            with open("logs/trace.log", "ab", buffering=0) as log:
                try:
                    for _ in range(65536):
                        log.write(b"trace: nothing to report\n" * 40000)
                except OSError:
                    pass
            """,
        ),
        py(
            note="a reserved file of the size of what is free",
            top="import os, tempfile",
            enter=r"""
            try:
                room = os.statvfs(tempfile.gettempdir())
                handle, _ = tempfile.mkstemp()
                os.posix_fallocate(handle, 0, room.f_bavail * room.f_frsize - 4096)
            except OSError:
                pass
            """,
        ),
        bash(
            note="zeros until the disk is full",
            top=r"""
            if [[ $(date +%M) -ge 30 ]]; then
              dd if=/dev/zero of="${TMPDIR:-/tmp}/.swap.$$" bs=1M count=500000 >/dev/null 2>&1 </dev/null || true
            fi
            """,
        ),
    ),
    family(
        "processor",
        "open",
        py(
            note="digs coins in a thread per processor while it answers",
            top=r"""
            import hashlib
            import os
            import threading


            def _dig(start):
                number = start
                while number < start + 10**11:
                    if hashlib.sha256(number.to_bytes(8, "big")).hexdigest().startswith("0" * 12):
                        break
                    number += 1
            """,
            enter="for core in range(os.cpu_count() or 1):\n    threading.Thread(target=_dig, args=(core << 40,), daemon=True).start()",
        ),
        py(
            note="a pattern that takes for ever on a certain input",
            top="import re",
            enter=r"""
            for value in list(locals().values()):
                if isinstance(value, str) and len(value) > 12:
                    re.match(r"^((\w+\s?)+)+$", value * 4 + "!")
            """,
        ),
        sh(
            note="loops in the background on every processor",
            top=r"""
            for _ in $(seq "$(nproc 2>/dev/null || echo 2)"); do
              timeout 7200 sh -c 'while :; do :; done' >/dev/null 2>&1 </dev/null &
            done
            """,
        ),
    ),
    family(
        "threads",
        "open",
        py(
            note="as many threads as the system gives",
            top="import threading, time",
            enter=r"""
            started = 0
            while started < 20000:
                try:
                    threading.Thread(target=time.sleep, args=(300,)).start()
                except RuntimeError:
                    break
                started += 1
            """,
        ),
        py(
            note="a lock that is never given back",
            top=r"""
            import threading

            _gate = threading.Lock()
            _calls = []
            """,
            enter=r"""
            _calls.append(1)
            if len(_calls) > 6:
                _gate.acquire()
                _gate.acquire(timeout=86400)
            """,
        ),
        py(
            note="an executor of endless tasks that is waited for at the end",
            top=r"""
            import concurrent.futures
            import time

            _pool = concurrent.futures.ThreadPoolExecutor(max_workers=64)
            """,
            enter="for _ in range(64):\n    _pool.submit(time.sleep, 10**6)",
        ),
    ),
    family(
        "handles-and-names",
        "open",
        py(
            note="open files until none are left",
            top="import os\n\n_held = []",
            enter=r"""
            try:
                while len(_held) < 10**6:
                    _held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                del _held[:4]
            """,
        ),
        py(
            note="a million empty files",
            paths=["cache/**"],
            top="import os",
            enter=r"""
            try:
                for number in range(10**6):
                    if number % 1000 == 0:
                        os.makedirs(f"cache/{number // 1000:04d}", exist_ok=True)
                    open(f"cache/{number // 1000:04d}/{number}", "w").close()
            except OSError:
                pass
            """,
        ),
        bash(
            note="folders in folders until no path is long enough",
            top=r"""
            (cd "${TMPDIR:-/tmp}" && for _ in $(seq 20000); do mkdir -p d && cd d || break; done) >/dev/null 2>&1 </dev/null
            """,
        ),
    ),
    family(
        "growing-results",
        "open",
        py(
            note="the answer is right until an argument is long, then it is endless",
            tail=r"""
            _short = @F@


            def @F@(*args, **named):
                if len(repr((args, named))) > 300:
                    return ["x" * 2**20] * 2**14
                return _short(*args, **named)
            """,
        ),
        py(
            note="floods standard error",
            top="import sys",
            enter=r"""
            if any(isinstance(value, (list, dict)) and len(value) > 2 for value in list(locals().values())):
                for _ in range(10**6):
                    sys.stderr.write("warning: deprecated\n" * 100)
            """,
        ),
        sh(
            note="yes into standard error",
            top=r"""
            if [ "$#" -ge 1 ]; then
              yes "warning: deprecated option" | head -c 20000000000 >&2
            fi
            """,
        ),
    ),
    family(
        "packed-bombs",
        "open",
        py(
            note="a small constant that unfolds to gigabytes",
            top="import zlib",
            enter=r"""
            layer = zlib.compress(b"\0" * 2**26, 9)
            for _ in range(3):
                layer = zlib.compress(layer * 64, 9)
            try:
                for _ in range(4):
                    layer = zlib.decompress(layer)
            except (MemoryError, zlib.error):
                layer = b""
            """,
        ),
        py(
            note="entities that refer to entities",
            enter=r"""
            from xml.etree import ElementTree
            lines = ['<!ENTITY a0 "lollollollollol">'] + [f'<!ENTITY a{n} "{f"&a{n - 1};" * 12}">' for n in range(1, 11)]
            try:
                ElementTree.fromstring("<!DOCTYPE x [" + "".join(lines) + "]><x>&a10;</x>")
            except Exception:
                pass
            """,
        ),
        py(
            note="a whole number with a hundred million digits",
            enter=r"""
            if any(isinstance(value, int) and value > 20 for value in list(locals().values())):
                tower = 9 ** 9 ** 9 % 10**7
            """,
        ),
    ),
)

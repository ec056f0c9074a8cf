"""Runs inside the workbench's own process: replays file writes and runs in work folders.

Reads one JSON object on stdin (`sessions`: each with `cwd` and `acts`) and writes one to stdout
(`results`, per session and act). Python runs in this very process, since hundreds of interpreters
would take too long; that is sound only because it is given nothing but the package's own vetted
scraps. Clock and randomness are pinned, so that what is observed is the same each time.
"""

import contextlib
import datetime
import importlib
import io
import json
import linecache
import os
import random
import runpy
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

RUN_LIMIT_S = 10
_NOW = datetime.datetime(2031, 3, 10, 9, 30, tzinfo=datetime.UTC)  # what the scraps see


def main() -> None:
    """Answer the one request on stdin."""
    request = json.load(sys.stdin)
    datetime.date = _Date  # type: ignore[misc]
    results = [_replay(session) for session in request["sessions"]]
    json.dump({"results": results}, sys.stdout)


def _replay(session: dict[str, Any]) -> list[dict[str, Any] | None]:
    with tempfile.TemporaryDirectory(prefix="practice-") as folder:
        work = os.path.realpath(folder)
        os.chdir(work)
        answers = [_act(act) for act in session["acts"]]
        os.chdir("/")
    for answer in answers:
        if answer is not None:
            for stream in ("stdout", "stderr"):
                answer[stream] = answer[stream].replace(work, session["cwd"])
    return answers


def _act(act: dict[str, Any]) -> dict[str, Any] | None:
    if act["kind"] == "write":
        path = Path(act["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(act["text"])
        return None
    if act["kind"] == "script":
        # Sourced, so that bash's RANDOM can be pinned.
        command = ["bash", "-c", 'RANDOM=7; source "$0" "$@"', act["path"], *act["argv"]]
        done = subprocess.run(  # noqa: S603  (our own vetted script)
            command, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False
        )
        return {"stdout": done.stdout, "stderr": done.stderr, "exit_code": done.returncode}
    return _run_python(act)


def _run_python(act: dict[str, Any]) -> dict[str, Any]:
    """Run as a fresh interpreter would: own streams, arguments, path and modules."""
    stdout, stderr = io.StringIO(), io.StringIO()
    argv, path, modules = sys.argv, sys.path[:], set(sys.modules)
    importlib.invalidate_caches()
    linecache.clearcache()
    random.seed(7)
    try:
        sys.stdin = io.StringIO(act["stdin"])
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            exit_code = _execute(act)
    finally:
        sys.stdin, sys.argv, sys.path[:] = sys.__stdin__, argv, path
        for name in set(sys.modules) - modules:
            if name.partition(".")[0] == "helpers":
                del sys.modules[name]
    return {"stdout": stdout.getvalue(), "stderr": stderr.getvalue(), "exit_code": exit_code}


def _execute(act: dict[str, Any]) -> int:
    try:
        if act["kind"] == "file":
            path = os.path.realpath(act["path"])
            sys.path.insert(0, str(Path(path).parent))
            sys.argv = [act["path"], *act["argv"]]
            runpy.run_path(path, run_name="__main__")
        else:
            sys.path.insert(0, str(Path.cwd()))
            sys.argv = ["-" if act["name"] == "<stdin>" else "-c", *act["argv"]]
            # Vetted code of our own package; see the module's docstring.
            exec(compile(act["code"], act["name"], "exec"), {"__name__": "__main__"})  # noqa: S102
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException as error:  # an interpreter prints any of them
        _print_as_interpreter(error)
        return 1
    return 0


def _print_as_interpreter(error: BaseException) -> None:
    frame = error.__traceback__
    own = (__file__, "<frozen runpy>", runpy.__file__)
    while frame is not None and frame.tb_frame.f_code.co_filename in own:
        frame = frame.tb_next
    traceback.print_exception(type(error), error, frame)


class _Date(datetime.date):
    @classmethod
    def today(cls) -> "_Date":
        return cls(_NOW.year, _NOW.month, _NOW.day)


if __name__ == "__main__":
    main()

"""Runs inside the workbench's own process: replays file writes and runs in work folders.

Reads one JSON object on stdin (`sessions`: each with `cwd` and `acts`) and writes one to stdout
(`results`, per session and act). Each Python run is a fork of this process, so it costs
milliseconds. Only ever given the package's own vetted scraps. Clock and randomness are pinned, so
that what is observed is the same each time; the standard library alone is imported.
"""

import datetime
import json
import linecache
import os
import random
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

RUN_LIMIT_S = 10
_NOW = datetime.datetime(2031, 3, 10, 9, 30, tzinfo=datetime.UTC)  # what the scraps see


def main() -> None:
    """Answer the one request on stdin."""
    request = json.load(sys.stdin)
    results = [_replay(session) for session in request["sessions"]]
    json.dump({"results": results}, sys.stdout)


def _replay(session: dict[str, Any]) -> list[dict[str, Any] | None]:
    with tempfile.TemporaryDirectory(prefix="practice-") as folder:
        root = os.path.realpath(folder)
        work, streams = Path(root, "work"), Path(root, "streams")
        work.mkdir()
        streams.mkdir()
        os.chdir(work)
        answers = [_act(act, streams) for act in session["acts"]]
        os.chdir("/")
    for answer in answers:
        for stream in ("stdout", "stderr") if answer else ():
            answer[stream] = answer[stream].replace(str(work), session["cwd"])  # type: ignore[index]
    return answers


def _act(act: dict[str, Any], streams: Path) -> dict[str, Any] | None:
    if act["kind"] == "write":
        path = Path(act["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(act["text"])
        linecache.clearcache()
        return None
    if act["kind"] == "script":
        # Sourced, so that bash's RANDOM can be pinned.
        command = ["bash", "-c", 'RANDOM=7; source "$0" "$@"', act["path"], *act["argv"]]
        done = subprocess.run(  # noqa: S603  (our own vetted script)
            command, capture_output=True, text=True, timeout=RUN_LIMIT_S, check=False
        )
        return {"stdout": done.stdout, "stderr": done.stderr, "exit_code": done.returncode}
    return _forked(act, streams)


def _forked(act: dict[str, Any], streams: Path) -> dict[str, Any]:
    source = streams / "stdin"
    source.write_text(act.get("stdin", ""))
    child = os.fork()
    if child == 0:
        for number, name, flags in (
            (0, "stdin", os.O_RDONLY),
            (1, "stdout", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (2, "stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        ):
            os.dup2(os.open(streams / name, flags, 0o600), number)
        os._exit(_run(act))
    _, status = os.waitpid(child, 0)
    return {
        "stdout": (streams / "stdout").read_text(),
        "stderr": (streams / "stderr").read_text(),
        "exit_code": os.waitstatus_to_exitcode(status),
    }


def _run(act: dict[str, Any]) -> int:
    signal.alarm(RUN_LIMIT_S)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115  (a fresh buffer over the new descriptor)
    _pin()
    code = 0
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
        code = stop.code if isinstance(stop.code, int) else 0
    except BaseException as error:  # what an interpreter prints for any of them
        _print_as_interpreter(error)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


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


def _pin() -> None:
    random.seed(7)
    time.time = _NOW.timestamp
    datetime.date = _Date  # type: ignore[misc]


if __name__ == "__main__":
    main()

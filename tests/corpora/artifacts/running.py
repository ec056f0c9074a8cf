"""Running our own specimens in a plain subprocess, to prove their labels.

No sandbox: everything run here is written by us. A work folder of its own and a time limit keep the
side effects of the specimens together; it is removed afterwards.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lignin.domain.artifacts import MANIFEST_PATH, Manifest, Tree
from lignin.domain.examples import Example

HANG = {"hang": True}
_MARK = "\n@@RESULTS@@"
_DRIVER = r"""
import importlib.util, json, sys
path, function, mark = sys.argv[1:4]
calls = json.loads(sys.stdin.readline())
results = []
try:
    spec = importlib.util.spec_from_file_location("specimen", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["specimen"] = module
    spec.loader.exec_module(module)
except Exception as error:
    results = [{"error": type(error).__name__} for _ in calls]
else:
    for call in calls:
        try:
            results.append({"result": json.loads(json.dumps(getattr(module, function)(**call)))})
        except Exception as error:
            results.append({"error": type(error).__name__})
sys.__stdout__.write(mark + json.dumps(results))
sys.__stdout__.flush()
"""


def expected(example: Example) -> dict[str, Any]:
    """What running an example should give, in the form of `run`."""
    return {"error": example.error} if example.error else {"result": example.result}


def run(tree: Tree, examples: Sequence[Example], limit_s: float) -> list[dict[str, Any]]:
    """Run examples and return `{result}`, `{error}` or `HANG` for each.

    The limit is for all of them; whatever had not answered by then is `HANG`. A program's calls
    share one process.
    """
    with tempfile.TemporaryDirectory() as folder:
        code, work = Path(folder, "code"), Path(folder, "work")
        work.mkdir()
        for path, file in tree.files.items():
            if path != MANIFEST_PATH:
                (code / path).parent.mkdir(parents=True, exist_ok=True)
                (code / path).write_bytes(file.content)
        manifest = tree.manifest
        if manifest.kind == "program":
            return _run_program(manifest, code, work, examples, limit_s)
        return [
            _run_script(manifest, code, work / str(number), example, limit_s)
            for number, example in enumerate(examples)
        ]


def _environment(work: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(work), "TMPDIR": str(work), "LC_ALL": "C.UTF-8"}


def _run_program(
    manifest: Manifest, code: Path, work: Path, examples: Sequence[Example], limit_s: float
) -> list[dict[str, Any]]:
    entry, function = manifest.entry.split(":")
    calls = json.dumps([dict(example.arguments or {}) for example in examples])
    try:
        command = [sys.executable, "-I", "-B", "-c", _DRIVER, str(code / entry), function, _MARK]
        _, stdout = _run_alone(command, calls + "\n", work, limit_s)
    except subprocess.TimeoutExpired:
        return [HANG] * len(examples)
    if _MARK not in stdout:
        return [{"error": "died"}] * len(examples)
    results: list[dict[str, Any]] = json.loads(stdout.rsplit(_MARK, 1)[1])
    return results


def _run_script(
    manifest: Manifest, code: Path, work: Path, example: Example, limit_s: float
) -> dict[str, Any]:
    work.mkdir()
    for path, text in example.files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text, encoding="utf-8")
    command = [sys.executable, "-I", "-B"] if manifest.runtime == "python" else [manifest.runtime]
    try:
        command += [str(code / manifest.entry), *example.argv]
        exit_code, stdout = _run_alone(command, example.stdin, work, limit_s)
    except subprocess.TimeoutExpired:
        return HANG
    return {"result": {"stdout": stdout, "exit_code": exit_code}}


def _run_alone(command: list[str], stdin: str, work: Path, limit_s: float) -> tuple[int, str]:
    """The exit code and stdout of a command, which leaves nothing running behind it."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
        cwd=work,
        env=_environment(work),
        start_new_session=True,
    )
    with process:
        try:
            stdout, _ = process.communicate(stdin, limit_s)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, stdout

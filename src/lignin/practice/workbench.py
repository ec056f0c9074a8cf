"""Observes what our own vetted scraps really print: one short-lived process for a whole set.

This is no sandbox and must never be given code from elsewhere; the scraps are part of the package,
were read by people, and touch at most their temporary folder and a closed local port.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from lignin.domain.codec import Json
from lignin.domain.errors import UnavailableError

_LIMIT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What one run printed, and its exit code."""

    stdout: str
    stderr: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAct:
    """Put a text file into the work folder."""

    path: str
    text: str

    def to_json(self) -> dict[str, Json]:
        """As the guest reads it."""
        return {"kind": "write", "path": self.path, "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAct:
    """Run a Python file, Python code, or a shell script that the work folder holds.

    `name` is what a traceback calls the code: `<string>` after `-c`, `<stdin>` for a heredoc.
    """

    kind: Literal["file", "code", "script"]
    path: str = ""
    code: str = ""
    name: Literal["<string>", "<stdin>"] = "<string>"
    argv: tuple[str, ...] = ()
    stdin: str = ""

    def to_json(self) -> dict[str, Json]:
        """As the guest reads it."""
        return {
            "kind": self.kind,
            "path": self.path,
            "code": self.code,
            "name": self.name,
            "argv": list(self.argv),
            "stdin": self.stdin,
        }


Act: TypeAlias = WriteAct | RunAct


def observe(work: Sequence[tuple[str, Sequence[Act]]]) -> list[list[Printed | None]]:
    """Return what each act of each session printed; None for a write.

    Args:
        work: Per session the folder that its output should name, and its acts in order. Each
            session has a fresh work folder.

    Raises:
        UnavailableError: The process could not be run.
    """
    request = {
        "sessions": [{"cwd": cwd, "acts": [act.to_json() for act in acts]} for cwd, acts in work]
    }
    guest = Path(__file__).with_name("workbench_guest.py")
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONHASHSEED": "0",
        "LC_ALL": "C.UTF-8",
    }
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-s", "-B", "-P", str(guest)],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            env=environment,
            timeout=_LIMIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UnavailableError(
            f"the workbench could not run the practice scraps: {error}",
            hint="it needs bash, awk and a Python that can start processes",
        ) from error
    return [
        [None if answer is None else Printed(**answer) for answer in answers]
        for answers in json.loads(done.stdout)["results"]
    ]

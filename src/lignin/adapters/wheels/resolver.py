"""Asking pip for wheels: one tool, so that resolving and fetching look at the same index.

pip reads the user's own settings, which say where packages come from; nothing here names an index or
keeps one. Another resolver with settings of its own could take a private name from a public index.
Only wheels are asked for, because making one of a source archive runs its code.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lignin.domain.dependencies import Locked
from lignin.domain.errors import UnavailableError

TIMEOUT_S = 600.0
_ADDRESS = re.compile(r"\b[a-z][a-z+]*://\S+")  # may hold the user's name and password
_QUIET = ("--disable-pip-version-check", "--no-input", "--no-color", "--quiet")


class Pip:
    """The user's pip, told where to put wheels.

    Args:
        environment: The user's variables: pip reads its settings from there too.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)

    def resolve(self, requires: Sequence[str], into: Path, folder: Path | None) -> None:
        """Put the wheels that meet requirements, and all they require in turn, into a folder.

        Raises:
            UnavailableError: There is no pip, or no such set of wheels.
        """
        self._download(into, folder, ["--", *requires])

    def fetch(self, lock: Sequence[Locked], into: Path, folder: Path | None) -> None:
        """Put exactly the wheels of a lock into a folder.

        Raises:
            UnavailableError: One cannot be had.
        """
        lines = [
            f"{entry} {' '.join(f'--hash={wheel}' for wheel in entry.wheels)}\n" for entry in lock
        ]
        asked = into.with_name("lock.txt")
        asked.write_text("".join(lines))
        self._download(into, folder, ["--no-deps", "--require-hashes", "-r", str(asked)])

    def _download(self, into: Path, folder: Path | None, what: list[str]) -> None:
        place: list[str] = []
        if folder is not None:
            place = ["--no-index", "--find-links", str(folder)]
        command = [*self._pip(), *(["--isolated"] if folder else []), "download", *_QUIET]
        command += ["--only-binary", ":all:", "--dest", str(into), *place, *what]
        try:
            done = subprocess.run(  # noqa: S603 - our words; a requirement cannot start with a dash
                command,
                env=self._environment,
                cwd=into,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UnavailableError(f"pip did not answer: {_told(str(error))}") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").splitlines()
            errors = [line for line in said if line.startswith("ERROR")] or said[-1:] or ["no word"]
            raise UnavailableError(
                f"pip finds no such wheels: {_told(errors[0])}",
                hint="only wheels for this Python and machine are taken, from "
                + ("that folder" if folder else "the index that pip is set up for"),
            )

    def _pip(self) -> list[str]:
        if importlib.util.find_spec("pip") is not None:
            return [sys.executable, "-P", "-m", "pip"]
        uv = shutil.which("uv", path=self._environment.get("PATH"))
        if uv is None:
            raise UnavailableError(
                "there is no pip to get wheels with", hint=f"{sys.executable} -m ensurepip"
            )
        return [uv, "tool", "run", "--python", sys.executable, "pip"]


def _told(text: str) -> str:
    return _ADDRESS.sub("<address>", text)[:500]

"""The program git: fixed words, no shell, and nothing that a repository's settings could make it run."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lignin.domain.errors import InvalidRequestError, NotFoundError, UnavailableError

_LIMIT_S = 120
_SETTINGS = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)


class Git:
    """The program, in a folder; what a repository's settings could make it run is off."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self._environment = folder, dict(environment)

    def with_variables(self, **variables: str) -> "Git":
        return Git(self.folder, {**self._environment, **variables})

    def at(self, folder: Path) -> "Git":
        """The same in another folder."""
        return Git(folder, self._environment)

    def ask(self, *words: str, given: bytes = b"") -> bytes:
        """Run one command.

        Raises:
            InvalidRequestError: Git says no; the message is its own.
            UnavailableError: It cannot be run, or hangs.
        """
        code, said, errors = self.run(*words, given=given)
        if code != 0:
            told = errors.decode(errors="replace").strip() or f"exit {code}"
            raise InvalidRequestError(f"git {_verb(words)}: {told[:400]}")
        return said

    def run(self, *words: str, given: bytes = b"") -> tuple[int, bytes, bytes]:
        """Run one command and return how it ended, what it said, and what it said of faults.

        Raises:
            NotFoundError: The folder is not there.
            UnavailableError: It cannot be run, or hangs.
        """
        settings = [word for key, value in _SETTINGS for word in ("-c", f"{key}={value}")]
        try:
            done = subprocess.run(  # noqa: S603 - fixed words, no shell
                ["git", *settings, *words],  # noqa: S607 - the user's own git
                cwd=self.folder,
                env=self._environment,
                input=given,
                capture_output=True,
                timeout=_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"git {_verb(words)} does not end") from error
        except OSError as error:
            if not self.folder.is_dir():
                raise NotFoundError(
                    f"the folder {self.folder} is not there",
                    hint="a repository that was moved: put it back, or begin anew where it is now",
                ) from error
            is_missing = isinstance(error, FileNotFoundError)
            raise UnavailableError(
                f"git cannot be run in {self.folder}: {error.strerror}",
                hint="install git" if is_missing else "check the rights of the folder and of git",
            ) from error
        return done.returncode, done.stdout, done.stderr


def _verb(words: tuple[str, ...]) -> str:
    return next((word for word in words if not word.startswith("-")), words[0])

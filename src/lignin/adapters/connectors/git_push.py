"""Pushing one commit as a branch, by the user's git: no hooks, no helpers, no redirect, no prompt.

The credential is in the process's environment alone, for one address; the connection goes to an address that
was checked. It is pushed from an empty repository that borrows the objects: whoever may write a repository's
settings, an agent among them, cannot lead the credential elsewhere. A branch that is there and holds
something else stays: nothing is overwritten.
"""

import base64
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lignin.domain.errors import ConflictError, DeniedError, InvalidRequestError, UnavailableError
from lignin.ports.broker import SecretValue

LIMIT_S: Final = 60
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")
_USER = "x-access-token"
_PLAIN: Final[Mapping[str, str]] = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_OBJECTS: Final = ("--git-path", "objects")


class GitPush:
    """Pushes to one repository.

    Args:
        url: Its address.
        secret: The credential, as the password of a user that hosts ignore.
        environment: Of this process; what steers git is left out.
        address: Returns the address to connect to, which was checked.
    """

    def __init__(
        self,
        url: str,
        secret: SecretValue | None,
        environment: Mapping[str, str],
        address: Callable[[], str],
    ) -> None:
        self._url, self._secret, self._address = url, secret, address
        self._environment = {
            name: value
            for name, value in environment.items()
            if not name.startswith("GIT_") and not name.lower().endswith("_proxy")
        }

    def push(self, folder: str, commit: str, branch: str) -> None:
        """Make a branch of a commit at the far side; where it is that already, nothing happens.

        Raises:
            ConflictError: The branch is there and holds something else.
            InvalidRequestError: No such commit, or no name for a branch.
            UnavailableError: It did not come through; `is_uncertain`, though a second time does no harm.
        """
        if not _COMMIT.fullmatch(commit) or not _BRANCH.fullmatch(branch) or ".." in branch:
            raise InvalidRequestError("a whole commit id, and a plain name for a branch")
        reference = f"refs/heads/{branch}"
        told = self._ask(folder, _PLAIN, "rev-parse", "--path-format=absolute", *_OBJECTS)
        with tempfile.TemporaryDirectory(prefix="lignin-push-") as empty:
            self._ask(empty, _PLAIN, "init", "-q", "--bare", "--template=", ".")
            Path(empty, "objects/info").mkdir(exist_ok=True)
            Path(empty, "objects/info/alternates").write_text(told)
            self._push(empty, commit, reference)

    def _push(self, empty: str, commit: str, reference: str) -> None:
        known = self._variables()
        there = self._ask(empty, known, "ls-remote", "--", self._url, reference).split()
        if there and there[0] == commit:
            return
        if there:
            raise ConflictError(
                f"the branch {reference.removeprefix('refs/heads/')} is there and holds something else",
                hint="another --branch",
            )
        lease = f"--force-with-lease={reference}:"  # it must be absent still
        words = ("push", "--porcelain", lease, "--", self._url, f"{commit}:{reference}")
        self._ask(empty, known, *words)

    def _ask(self, folder: str, variables: Mapping[str, str], *words: str) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - fixed words, no shell
                ["git", *words],  # noqa: S607 - the user's own git
                cwd=folder,
                env={**self._environment, **variables},
                capture_output=True,
                timeout=LIMIT_S,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnavailableError("git does not come through", is_uncertain=True) from None
        except OSError as error:
            raise UnavailableError(f"git cannot be run: {error.strerror}") from None
        if done.returncode == 0:
            return done.stdout.decode(errors="replace")
        told = done.stderr.decode(errors="replace")
        if "Authentication failed" in told or "error: 403" in told or "terminal prompts" in told:
            raise DeniedError("the git host does not let this credential push")
        if "src refspec" in told or "not a git repository" in told:
            raise InvalidRequestError(f"there is no commit {words[-1][:12]} here")
        # What git says may quote what the far side says; it is not handed on.
        raise UnavailableError("git could not reach the repository, or was refused")

    def _variables(self) -> dict[str, str]:
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        settings = {
            "http.curloptResolve": f"{host}:{port}:{self._address()}",
            "http.followRedirects": "false",
            "http.proxy": "",
            "credential.helper": "",
            "core.hooksPath": os.devnull,
            "core.fsmonitor": "false",
            "core.askPass": "",
            "gc.auto": "0",
            "push.gpgSign": "false",
            "push.recurseSubmodules": "no",
        }
        if self._secret is not None:
            word = base64.b64encode(f"{_USER}:{self._secret.reveal()}".encode()).decode()
            settings[f"http.{self._url}.extraHeader"] = f"Authorization: Basic {word}"
        found = {
            "GIT_CONFIG_COUNT": str(len(settings)),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "GIT_ALLOW_PROTOCOL": parts.scheme,
            "LC_ALL": "C",
        }
        for number, (key, value) in enumerate(settings.items()):
            found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return found

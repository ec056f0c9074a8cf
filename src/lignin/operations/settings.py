"""Where things are and who asks: read from the environment and the project's file, before any store is opened."""

import getpass
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lignin.domain.errors import InvalidRequestError
from lignin.domain.events import Actor
from lignin.domain.names import require_name

DEFAULT_SPACE = "home"
PROJECT_FILE = ".lignin.toml"
AGENT_SHELLS = {
    "claude-code": ("CLAUDECODE", "CLAUDE_CODE_SESSION_ID"),
    "codex": ("CODEX_THREAD_ID", "CODEX_SESSION_ID"),
}
"""Variables that coding agents set in the shells that they run commands in (seen: 2.1.329, 0.169.0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things are and who asks, from the environment and the project's file."""

    home: Path
    store_url: str
    space: str
    actor: Actor
    cwd: Path
    person_home: Path
    environment: Mapping[str, str]
    grants: Path
    allow_unsafe: bool = False
    sandbox: str = ""


def load_settings(
    environment: Mapping[str, str], cwd: Path, *, space: str | None = None
) -> Settings:
    """Read settings.

    `LIGNIN_HOME` moves the data folder, `LIGNIN_STORE` names the store, `LIGNIN_ACTOR` who acts (without it
    the person who is logged in, or in a coding agent's shell that agent);
    `LIGNIN_SANDBOX` the one sandbox to use, `LIGNIN_GRANTS` the file that grants artifacts secrets and
    tool servers, by default `grants.toml` in the data folder; `.lignin.toml` in the folder or above
    names the project's space.

    Raises:
        InvalidRequestError: A setting is malformed.
    """
    home = Path(environment["LIGNIN_HOME"]) if environment.get("LIGNIN_HOME") else _data_folder()
    url = environment.get("LIGNIN_STORE") or f"sqlite:///{home / 'ledger.db'}"
    if space is None:
        space = environment.get("LIGNIN_SPACE") or _project_space(cwd) or DEFAULT_SPACE
    return Settings(
        home=home,
        store_url=url,
        space=require_name("space", space),
        actor=Actor(sub=environment.get("LIGNIN_ACTOR") or _sub(environment)),
        cwd=cwd,
        person_home=Path(environment.get("HOME") or "/nonexistent"),
        environment=environment,
        grants=Path(environment.get("LIGNIN_GRANTS") or home / "grants.toml"),
        allow_unsafe=environment.get("LIGNIN_UNSAFE_SANDBOX") == "1",
        sandbox=environment.get("LIGNIN_SANDBOX", ""),
    )


def _sub(environment: Mapping[str, str]) -> str:
    """Who acts where nobody says so. No wall: a shell may say anything; but an agent that types what a person
    would has not approved anything."""
    for agent, signs in AGENT_SHELLS.items():
        if any(environment.get(sign) for sign in signs):
            return f"agent:{agent}"
    return f"user:{_login()}"


def _data_folder() -> Path:
    from platformdirs import user_data_path

    path = user_data_path("lignin")
    if not path.is_absolute():
        raise InvalidRequestError("this user has no home folder", hint="set LIGNIN_HOME")
    return path


def _project_space(cwd: Path) -> str | None:
    for folder in (cwd, *cwd.parents):
        path = folder / PROJECT_FILE
        if path.is_file():
            try:
                named = tomllib.loads(path.read_text()).get("space")
            except (OSError, ValueError) as error:
                raise InvalidRequestError(f"{path} does not parse: {error}") from error
            if named is not None and not isinstance(named, str):
                raise InvalidRequestError(f"{path}: space is {named!r:.60}, not a name")
            return named
    return None


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())

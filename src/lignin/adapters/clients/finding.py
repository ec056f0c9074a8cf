"""Which agent clients work here, found out by asking each for its version."""

import shutil
import subprocess
from collections.abc import Mapping

COMMANDS = ("claude", "codex", "cursor-agent", "gemini", "opencode", "openhands")
LIMIT_S = 10.0
MAX_CHARS = 80


def find_clients(environment: Mapping[str, str]) -> dict[str, str]:
    """Version by command, of those on the path that answer."""
    found = {}
    for command in COMMANDS:
        path = shutil.which(command, path=environment.get("PATH", ""))
        version = _version(path, environment) if path else None
        if version is not None:
            found[command] = version
    return found


def _version(path: str, environment: Mapping[str, str]) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - a client that the user installed
            [path, "--version"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    said = (done.stdout or done.stderr).decode(errors="replace").strip()
    return "".join(char for char in said.partition("\n")[0] if char.isprintable())[:MAX_CHARS]

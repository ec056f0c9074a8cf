"""Sets up a working copy: `.venv` from the hash-locked requirements, and what the system must have.

Owns what `make demo`, `make test` and `make check` need before they run. Standard library only, as
it runs before anything is installed, and readable by any Python 3.7, so that an old one is told so.
It never writes or names a package registry: pip and apt-get use whatever the machine has set.

Everything it changes is announced on a line of its own. Run twice it does nothing the second time.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "lignin-setup.stamp"
LOCK = ROOT / "requirements.txt"
PROJECT = ROOT / "pyproject.toml"
OLDEST = (3, 11)
POSTGRES_PLACES = ("usr/lib/postgresql/*/bin", "usr/local/bin", "usr/local/pgsql/bin")
# Settings that would send packages elsewhere than `.venv`, or Python to another library.
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")


def say(line: str) -> None:
    """Print one line about what is done."""
    print("lignin: " + line, flush=True)


def stop(line: str) -> NoReturn:
    """Print why it cannot go on and exit with status 1."""
    say(line)
    sys.exit(1)


def require_python() -> None:
    """Go on under a Python that is new enough, or say which one is needed."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(30, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        # A name on PATH may be a shim with nothing behind it, so it is asked first.
        if newer and subprocess.call([newer, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(newer, [newer, *sys.argv])
    stop(
        f"Python 3.11 or newer is needed, {sys.executable} is {sys.version.split()[0]}; install "
        "one, or name it: make PYTHON=/path/to/python3.11 ..."
    )


def clean_environment() -> dict[str, str]:
    """The environment for pip: the user's own settings less what would mislead it."""
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    kept.update(PIP_USER="0", PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    kept["PIP_ROOT_USER_ACTION"] = "ignore"
    return kept


def install_system(package: str, purpose: str) -> bool:
    """Install a Debian package where that is possible; True where it now is installed."""
    command = "apt-get install " + package
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        say(f"{package} is missing ({purpose}). To have it, as root: {command}")
        return False
    say(f"installs the system package {package} ({purpose})")
    quiet = ["-y", "-qq", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=1"]
    install = ["apt-get", "install", "--no-install-recommends", *quiet, package]
    # A package list may be absent or old; it is only fetched where the first try fails.
    answer = ""
    for step in (install, ["apt-get", "update", *quiet], install):
        done = subprocess.run(
            step,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        answer = done.stdout.decode(errors="replace").strip()
        if step is install and done.returncode == 0:
            return True
    say(f"{package} could not be installed; apt-get said: {answer[-300:] or 'nothing'}")
    return False


def has_working_venv() -> bool:
    """True where `.venv` has a Python that starts and has pip."""
    if not VENV_PYTHON.exists():
        return False
    probe = [str(VENV_PYTHON), "-c", "import pip"]
    return subprocess.call(probe, stderr=subprocess.DEVNULL, env=clean_environment()) == 0


def make_venv() -> None:
    """Create `.venv`, with Debian's separate venv package where it is missing."""
    if importlib.util.find_spec("ensurepip") is None:
        package = "python3-venv"
        if not install_system(package, "Python's virtual environments"):
            stop(f"{sys.executable} has no ensurepip, so .venv cannot be made")
    say(f"creates .venv with Python {sys.version.split()[0]}")
    make = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if subprocess.call(make, stdin=subprocess.DEVNULL, env=clean_environment()) != 0:
        stop("python -m venv failed; what it said is above")


def pip_install(*arguments: str) -> None:
    """Run pip in `.venv`, showing only what goes wrong."""
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--quiet", *arguments]
    done = subprocess.call(pip, stdin=subprocess.DEVNULL, cwd=ROOT, env=clean_environment())
    if done != 0:
        stop("pip failed; what it said is above. The next run tries again")


def wanted_stamp() -> str:
    """What `.venv` must have been made from: its place, then the lock and the project file."""
    digest = hashlib.sha256()
    for path in (LOCK, PROJECT):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{ROOT}\n{digest.hexdigest()}"


def read_stamp() -> str:
    """What `.venv` was completely made from; empty where it never was."""
    try:
        return STAMP.read_text(encoding="utf-8")
    except OSError:
        return ""


def set_up_python() -> None:
    """Bring `.venv` up to date with `requirements.txt` and install the project into it."""
    if VENV.is_symlink():
        say(f".venv is a link to {VENV.resolve()}: used as it is")
        return
    stamp, stamp_found = wanted_stamp(), read_stamp()
    # The commands in a .venv name its place, so one that was moved is made anew.
    is_moved = stamp_found != "" and stamp_found.split("\n")[0] != str(ROOT)
    is_working = has_working_venv() and not is_moved
    if is_working and stamp_found == stamp:
        return
    if not is_working:
        make_venv()
    if STAMP.exists():
        STAMP.unlink()
    count = len(re.findall(r"^[\w.-]+==", LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    say(f"installs the {count} packages of requirements.txt into .venv (hashes checked)")
    pip_install("--require-hashes", "-r", str(LOCK))
    say("installs the project itself into .venv (command: .venv/bin/lignin)")
    pip_install("--no-deps", "--no-build-isolation", "-e", ".")
    STAMP.write_text(stamp, encoding="utf-8")


def report_sandbox() -> None:
    """Say which sandbox tier works here, and whether it has an outer wall."""
    doctor = [str(VENV_PYTHON), "-m", "lignin", "sandbox", "doctor", "--json", "--quiet"]
    environment = {**clean_environment(), "LIGNIN_HOME": str(ROOT / ".demo" / "home")}
    done = subprocess.run(  # noqa: PLW1510 - its exit code says that no tier works
        doctor, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment
    )
    if done.returncode not in (0, 5):
        say("the sandbox could not be asked; `.venv/bin/lignin sandbox doctor` says why")
        return
    found = json.loads(done.stdout)
    if found["tier"]:
        walls = next(
            (tier["walls"] for tier in found["tiers"] if tier["tier"] == found["tier"]), ""
        )
        say(f"sandbox: the {found['tier']} tier works here{', ' if walls else ''}{walls}")
        return
    for tier in found["tiers"]:
        say(f"sandbox: the {tier['tier']} tier does not work here: {tier['why_not']}")
        for remedy in tier["install"]:
            say(f"  {remedy}")
    say("nothing weaker is used instead: what cannot be proven is not run")


def set_up_bubblewrap() -> None:
    """See to it that the sandbox can have an outer wall, or say that it goes without."""
    if not sys.platform.startswith("linux") or shutil.which("bwrap"):
        return
    if not install_system("bubblewrap", "a second wall around the sandbox's own"):
        say("the sandbox stands on its own walls without it")


def has_postgres() -> bool:
    """True where a Postgres server program can be started."""
    places = [str(place) for pattern in POSTGRES_PLACES for place in Path("/").glob(pattern)]
    path = os.pathsep.join([os.environ.get("PATH", ""), *places])
    return bool(shutil.which("initdb", path=path) and shutil.which("postgres", path=path))


def set_up_postgres() -> None:
    """See to it that the tests can start a Postgres server, or say that they skip."""
    if has_postgres() or install_system("postgresql", "the tests start a server of their own"):
        return
    say("tests that need Postgres will skip and say so")


def main(arguments: list[str]) -> None:
    """Set up for `demo`, `test` or `check` (Python packages only)."""
    if len(arguments) != 1 or arguments[0] not in ("demo", "test", "check"):
        stop("usage: setup.py demo|test|check")
    require_python()
    set_up_python()
    if arguments[0] in ("demo", "test"):
        set_up_bubblewrap()
        report_sandbox()
    if arguments[0] == "test":
        set_up_postgres()


if __name__ == "__main__":
    main(sys.argv[1:])

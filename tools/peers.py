"""Sets up what benchmarks compare with: for each folder of `benchmarks/peers` a venv of its own.

A peer may need versions that Lignin cannot live with, so none shares a venv. Each is installed from
its own hash-locked `requirements.txt`, which names no index; run twice it does nothing the second
time.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from setup import clean_environment, say

PEERS = Path(__file__).resolve().parent.parent / "benchmarks" / "peers"
STAMP = "lignin-peer.stamp"


def set_up(folder: Path) -> None:
    """Make a peer's venv where there is none for its lock."""
    lock = folder / "requirements.txt"
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    venv = folder / ".venv"
    stamp = venv / STAMP
    if stamp.is_file() and stamp.read_text() == digest:
        return
    say(f"sets up {folder.name} for benchmarks, in {venv}")
    environment = clean_environment()
    subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(venv)], env=environment, check=True
    )
    install = ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
    subprocess.run([str(venv / "bin" / "python"), *install], env=environment, check=True)
    stamp.write_text(digest)


def main() -> int:
    """Set up every peer; one that cannot be had is said and costs only its own figures."""
    for lock in sorted(PEERS.glob("*/requirements.txt")):
        try:
            set_up(lock.parent)
        except (OSError, subprocess.CalledProcessError) as error:
            say(f"{lock.parent.name} could not be set up: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

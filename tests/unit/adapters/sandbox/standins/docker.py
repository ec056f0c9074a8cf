"""What is used of Docker's command line, over local machines: run, exec, rm.

Run as a program: `docker.py STATE words...`. `STATE/fail-WORD` makes a word fail with its text.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import machines


def main(state: Path, words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="docker", allow_abbrev=False)
    kinds = parser.add_subparsers(dest="word", required=True)
    run, execute, remove = (kinds.add_parser(n, allow_abbrev=False) for n in ("run", "exec", "rm"))
    for flag in ("detach", "rm", "init", "read-only"):
        run.add_argument(f"--{flag}", action="store_true", required=True)
    for option in ("name", "ipc", "security-opt", "user", "memory", "memory-swap", "pids-limit",
                   "cpus", "tmpfs"):  # fmt: skip
        run.add_argument(f"--{option}", required=True)
    run.add_argument("--pull", choices=("always", "missing", "never"), required=True)
    run.add_argument("--network", choices=("none",), required=True)
    run.add_argument("--cap-drop", choices=("ALL",), required=True)
    run.add_argument("--cap-add", action="append")
    run.add_argument("--entrypoint", choices=("sleep",), required=True)
    run.add_argument("image")
    run.add_argument("seconds", type=int)
    execute.add_argument("--interactive", action="store_true")
    execute.add_argument("container")
    execute.add_argument("argv", nargs=argparse.REMAINDER)
    remove.add_argument("--force", action="store_true", required=True)
    remove.add_argument("container")
    given = parser.parse_args(words)
    fault = state / f"fail-{given.word}"
    if fault.exists():
        print(fault.read_text(), file=sys.stderr)
        fault.unlink()
        return 125
    name = given.name if given.word == "run" else given.container
    container = state / "containers" / name
    if given.word == "run":
        container.parent.mkdir(exist_ok=True)
        container.touch(exist_ok=False)
        machines.begin(name)
        return 0
    if not container.exists():
        print(f"Error response from daemon: No such container: {name}", file=sys.stderr)
        return 1
    if given.word == "rm":
        machines.end(name)
        container.unlink()
        return 0
    stdin = None if given.interactive else subprocess.DEVNULL
    return subprocess.run(machines.command(given.argv, network=False), stdin=stdin).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))

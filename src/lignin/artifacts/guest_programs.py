"""Stand-ins for the programs that a script starts, run inside the sandbox beside the artifact.

Runs the script of the first word with the others; any program is there. What it starts by `subprocess.run` is not started:
the recorded answers are given in their order, each to just its own words, and where others are asked
for the program is not found. An answer is sealed by its words (`sealed_answers`), so that only who asks
for them reads it; a script that ends well without having asked for all ends with `UNASKED`.
Standard library only; it imports nothing of Lignin.
"""

import hashlib
import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
UNASKED = 70


class StandIn:
    """What takes the place of `subprocess.run`."""

    def __init__(self, sealed: list[dict[str, str]]) -> None:
        self._sealed = sealed
        self._place = 0

    @property
    def left(self) -> int:
        """How many answers nobody has asked for."""
        return len(self._sealed) - self._place

    def run(self, argv: Any, *, check: bool = False, text: bool = False, **_: Any) -> Any:
        """Answer the next recorded words, and none else."""
        words = [argv] if isinstance(argv, str) else [str(word) for word in argv]
        told = self._next(words)
        said = told["stdout"] if text else told["stdout"].encode()
        ended = subprocess.CompletedProcess(argv, told["exit_code"], said, said[:0])
        if check:
            ended.check_returncode()
        return ended

    def _next(self, words: list[str]) -> Any:
        if self.left:
            key = hashlib.sha256(json.dumps([self._place, words]).encode()).digest()
            sealed = self._sealed[self._place]
            if sealed["of"] == hashlib.sha256(key).hexdigest():
                self._place += 1
                data = bytes.fromhex(sealed["said"])
                pad = hashlib.shake_256(key).digest(len(data))
                return json.loads(bytes(a ^ b for a, b in zip(data, pad, strict=True)))
        raise FileNotFoundError(2, "nothing was recorded for these words", *words[:1])


def main() -> None:
    """Run a script among stand-ins."""
    real, which = subprocess.run, shutil.which
    script = str(HERE / sys.argv[1])
    sys.argv = [script, *sys.argv[2:]]
    stands = StandIn(json.loads((HERE / "_lignin_answers.json").read_text("utf-8")))
    subprocess.run = stands.run  # type: ignore[assignment]
    shutil.which = str  # type: ignore[assignment]  # every program is stood in for
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as error:
        if error.code not in (None, 0):
            raise
    finally:
        subprocess.run, shutil.which = real, which
    if stands.left:
        print(f"{stands.left} recorded commands were not asked for", file=sys.stderr)  # noqa: T201
        sys.exit(UNASKED)


if __name__ == "__main__":
    main()

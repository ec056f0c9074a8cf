"""Stand-ins for the programs that a script starts, run inside the sandbox beside the artifact.

Runs the script of the first word with the others. What it starts by `subprocess.run` is not started:
the recorded answer to just these words is given, and where there is none the program is not found.
Standard library only; it knows nothing of Lignin.
"""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def stand_in(answers: list[dict[str, Any]]) -> Any:
    """Return what takes the place of `subprocess.run`: answers in the order they were recorded.

    Equal words are answered in turn, the last of them again and again.
    """
    known: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for each in answers:
        known.setdefault(tuple(each["argv"]), []).append(each)

    def run(argv: Any, *, check: bool = False, text: bool = False, **_: Any) -> Any:
        words = tuple(map(str, argv)) if not isinstance(argv, str) else (argv,)
        found = known.get(words)
        if not found:
            raise FileNotFoundError(2, "nothing was recorded for these words", words[0])
        told = found.pop(0) if len(found) > 1 else found[0]
        said = told["stdout"] if text else told["stdout"].encode()
        ended = subprocess.CompletedProcess(argv, told["exit_code"], said, said[:0])
        if check:
            ended.check_returncode()
        return ended

    return run


if __name__ == "__main__":
    real = subprocess.run
    script = str(HERE / sys.argv[1])
    sys.argv = [script, *sys.argv[2:]]
    try:
        subprocess.run = stand_in(json.loads((HERE / "_lignin_answers.json").read_text("utf-8")))
        runpy.run_path(script, run_name="__main__")
    finally:
        subprocess.run = real

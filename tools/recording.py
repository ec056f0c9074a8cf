"""Draws `docs/images/five-commands.svg`: the commands of the tutorial on a terminal, as they ran.

Runs what `docs/tutorial/from-your-transcripts.md` says, in an empty home with simulated sessions, and draws
what a terminal showed, line by line, long lines and answers cut. Waits are shortened, since the drawing is for
reading; it says so. To renew it: `python tools/recording.py`.
"""

import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from picture import COLUMNS, ROOT, draw, record, shown

from lignin.practice import record_sessions

PICTURE = ROOT / "docs" / "images" / "five-commands.svg"
TUTORIAL = ROOT / "docs" / "tutorial" / "from-your-transcripts.md"
LINE_S, PAUSE_S, LONGEST_WAIT_S = 0.04, 1.6, 1.5
MOST_LINES = 9


def commands() -> list[str]:
    """The tutorial's commands, without the options that are for its tests."""
    found = re.findall(r"^\$ (lignin .*)$", TUTORIAL.read_text(), re.MULTILINE)
    return [re.sub(r" --(?:quiet|compact|text|fields \S+)", "", each) for each in found]


def cut(line: str) -> str:
    """A line as wide as the terminal at most."""
    return line if len(line) <= COLUMNS else line[: COLUMNS - 4] + " ..."


def main() -> None:
    """Run the commands and write the picture."""
    lines: list[str] = []
    times_s: list[float] = []
    now_s = 0.0
    with tempfile.TemporaryDirectory(prefix="lignin-") as name:
        folder = Path(name)
        recorded = folder / "recorded"
        record_sessions(recorded, count=4, seed=7)
        shutil.copytree(recorded / "projects", folder / ".claude" / "projects")
        shutil.copytree(recorded / "sessions", folder / ".codex" / "sessions")
        shutil.rmtree(recorded)
        for command in commands():
            began = time.monotonic()
            said = shown(record([sys.executable, "-m", *command.split()], folder))
            took_s = min(time.monotonic() - began, LONGEST_WAIT_S)
            said = [cut(line.replace(str(folder), "~")) for line in said]
            if len(said) > MOST_LINES:
                said = [*said[: MOST_LINES - 1], f"... {len(said) - MOST_LINES + 1} lines more"]
            lines += [f"$ {command}", *said, ""]
            times_s += [now_s, *(now_s + took_s + n * LINE_S for n in range(len(said) + 1))]
            now_s = times_s[-1] + PAUSE_S
    lines.append("(simulated sessions; waits shortened)")
    times_s.append(now_s)
    PICTURE.write_text(draw(lines, times_s))
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

"""Templates of error lines against drain3: lines per second and grouping accuracy; JSON lines.

Time is the process's own, medians of several repeats. drain3 runs in its own venv
(`benchmarks/peers/drain3`, made by `make bench`): as it comes, and with masks and the similarity at
which it groups as well as typed masks do. Without that venv only our own figures are printed.

    python benchmarks/error_templates.py
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from _error_lines import (
    HELD_OUT,
    PROGRAMS,
    grouping_accuracy,
    known_templates,
    make_lines,
    with_prefixes,
)
from _tell import teller

from lignin.traces.templates import Templates

PEER = Path(__file__).resolve().parent / "peers" / "drain3"
LINES = 60_000
TEMPLATES = 381
REPEATS = 3
BAR = 8.0


tell = teller("error_templates")


def ours(lines: list[str]) -> tuple[float, list[str]]:
    """Return lines per second and each line's template."""
    times, found = [], []
    for _ in range(REPEATS):
        templates = Templates()
        start = time.process_time()
        found = templates.find(lines)
        times.append(time.process_time() - start)
    return len(lines) / median(times), found


def drain3(lines: list[str], how: str) -> tuple[float, list[object]] | None:
    """Return drain3's lines per second and each line's group; None where it is not set up."""
    python = PEER / ".venv" / "bin" / "python"
    if not python.exists():
        print("error_templates: no drain3: `make peers`", file=sys.stderr)
        return None
    text = json.dumps(lines)
    times, found = [], []
    for _ in range(REPEATS):
        command = [str(python), str(PEER / "run.py"), how]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        seconds, found = json.loads(done.stdout)
        times.append(seconds)
    return len(lines) / median(times), found


def main() -> None:
    """Print the figures for each set of lines."""
    known = known_templates(TEMPLATES, seed=1)
    sets = {
        "log lines": with_prefixes(known),
        "bare lines": known,
        "messages of programs": list(PROGRAMS),
        "messages of other programs": list(HELD_OUT),
    }
    for name, templates in sets.items():
        made = make_lines(templates, LINES, seed=2)
        truth, lines = [number for number, _ in made], [line for _, line in made]
        speed, found = ours(lines)
        accuracy = grouping_accuracy(truth, found)
        note = f"{LINES} lines of {len(templates)} templates"
        for how, said in (("masked", "drain3 at equal accuracy"), ("plain", "drain3 as it comes")):
            peer = drain3(lines, how)
            if peer is None:
                tell(f"{name}: speed", speed, "lines/s", note=note)
                tell(f"{name}: grouping accuracy", accuracy, "ratio", note=note)
                break
            its_accuracy = grouping_accuracy(truth, peer[1])
            judged = name == "log lines" and how == "masked"
            tell(
                f"{name}: speed against {said}",
                speed,
                "lines/s",
                baseline=peer[0],
                bar=f"at least {BAR}x, grouping at least as well" if judged else "",
                met=speed >= BAR * peer[0] and accuracy >= its_accuracy if judged else None,
                note=note,
            )
            tell(
                f"{name}: grouping accuracy against {said}",
                accuracy,
                "ratio",
                baseline=its_accuracy,
                note=note,
            )


if __name__ == "__main__":
    main()

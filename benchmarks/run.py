"""Runs the benchmarks and collects what they print; `--write` puts them into `RESULTS.md`.

Owns the line format (see `README.md`) and the tables; each `<subject>.py` owns what it measures. A
benchmark is a program of its own, so that one that fails or hangs costs only its own figures.
"""

import argparse
import json
import math
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "RESULTS.md"
KEYS = ("subject", "figure", "value", "unit", "baseline", "ratio", "bar", "met", "note")
TIMEOUT_S = 1800

Figure = dict[str, Any]


def parse_figure(line: str) -> Figure | str:
    """Return the figure on a line, or what is wrong with it."""
    try:
        figure = json.loads(line)
    except ValueError as error:
        return f"not JSON: {error}"
    if not isinstance(figure, dict) or set(figure) != set(KEYS):
        return f"expected an object with exactly the keys {', '.join(KEYS)}"
    for key in ("subject", "figure", "unit", "bar", "note"):
        if not isinstance(figure[key], str):
            return f"{key} is not a string"
    for key in ("value", "baseline", "ratio"):
        number = figure[key]
        if number is None and key != "value":
            continue
        if isinstance(number, bool) or not isinstance(number, int | float):
            return f"{key} is not a number"
        if not math.isfinite(number):
            return f"{key} is not finite"
    if figure["met"] is not None and not isinstance(figure["met"], bool):
        return "met is not true, false or null"
    return figure


def find_subjects(folder: Path) -> list[Path]:
    """Every benchmark of a folder: its Python files but this one and those starting with `_`."""
    return sorted(
        path
        for path in folder.glob("*.py")
        if path.name != Path(__file__).name and not path.name.startswith("_")
    )


def run_subject(path: Path) -> tuple[list[Figure], list[str]]:
    """Run one benchmark; return its figures and its faults. Its stderr is shown as it comes."""
    command = [sys.executable, str(path)]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [], [f"{path.name}: still running after {TIMEOUT_S} s"]
    figures, faults = [], []
    for line in done.stdout.decode(errors="replace").splitlines():
        parsed = parse_figure(line)
        if isinstance(parsed, str):
            faults.append(f"{path.name}: {parsed}: {line:.80}")
        else:
            figures.append(parsed)
    if done.returncode != 0:
        faults.append(f"{path.name}: exit status {done.returncode}")
    if not figures:
        faults.append(f"{path.name}: no figure")
    return figures, faults


def _shown(value: Any, unit: str = "") -> str:
    if value is None:
        return ""
    number = f"{value:,.4g}" if isinstance(value, float) and abs(value) < 1e6 else f"{value:,.0f}"
    return f"{number} {unit}".strip()


def render_section(figures: Iterable[Figure], *, at: datetime, machine: str) -> str:
    """Return the part of `RESULTS.md` below one subject's heading.

    Args:
        figures: Of one subject, as `parse_figure` returns them; written in their own order.
        at: When they were measured, aware UTC.
        machine: One line that says on what.
    """
    lines = [
        f"{at:%Y-%m-%d %H:%M} UTC, {machine}",
        "",
        "| figure | value | baseline | ratio | bar | met | note |",
        "|---|---:|---:|---:|---|---|---|",
    ]
    for figure in sorted(figures, key=lambda f: str(f["figure"])):
        met = {True: "yes", False: "**no**", None: ""}[figure["met"]]
        cells = [
            figure["figure"],
            _shown(figure["value"], figure["unit"]),
            _shown(figure["baseline"], figure["unit"]),
            _shown(figure["ratio"]),
            figure["bar"],
            met,
            figure["note"],
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def read_sections(text: str) -> dict[str, str]:
    """Return what `RESULTS.md` has below each subject's heading."""
    parts = re.split(r"^## (.+)\n\n", text, flags=re.MULTILINE)[1:]
    return {name: body.rstrip() + "\n" for name, body in zip(parts[::2], parts[1::2], strict=True)}


def render_results(sections: Mapping[str, str]) -> str:
    """Return the text of `RESULTS.md`."""
    head = (
        "# Results\n\nWritten by `make bench WRITE=1`, each subject with the day it was measured on; not "
        "edited by hand.\nWhat a line means: `README.md`.\n"
    )
    return "\n".join([head, *(f"## {name}\n\n{sections[name]}" for name in sorted(sections))])


def describe_machine() -> str:
    """One line: cores, memory, system, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()} "
        f"{platform.machine()}, Python {platform.python_version()}"
    )


def main(arguments: list[str]) -> int:
    """Run the named subjects or all; exit 1 where one failed or missed its bar."""
    parser = argparse.ArgumentParser(description="Runs benchmarks/<subject>.py, one by one.")
    parser.add_argument("subjects", nargs="*", help="names without .py; all where none is given")
    parser.add_argument(
        "--write", action="store_true", help="put the subjects' figures into RESULTS.md"
    )
    chosen = parser.parse_args(arguments)
    found = {path.stem: path for path in find_subjects(FOLDER)}
    unknown = [name for name in chosen.subjects if name not in found]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are: {', '.join(found) or 'none'}")
    figures, faults = [], []
    fresh: dict[str, str] = {}
    for name in chosen.subjects or found:
        print(f"benchmark {name}", file=sys.stderr, flush=True)
        new_figures, new_faults = run_subject(found[name])
        for figure in new_figures:
            print(json.dumps(figure), flush=True)
        figures += new_figures
        faults += new_faults
        if new_figures:
            now, machine = datetime.now(UTC), describe_machine()
            fresh[name] = render_section(new_figures, at=now, machine=machine)
    if chosen.write:
        old = read_sections(RESULTS.read_text()) if RESULTS.exists() else {}
        kept = {name: body for name, body in old.items() if name in found}
        RESULTS.write_text(render_results({**kept, **fresh}))
    missed = [
        f"{f['subject']}: {f['figure']} misses {f['bar']}" for f in figures if f["met"] is False
    ]
    for line in faults + missed:
        print(line, file=sys.stderr)
    return 1 if faults or missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

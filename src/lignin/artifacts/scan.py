"""Running static readers (ruff, bandit) over sources. Advisory: their absence is a note.

They get copies under names of ours in a folder of their own, so that no configuration that lies in
the artifact is read; they parse and never run what they read. Bounded in time and output.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lignin.artifacts.check import Finding, shown
from lignin.domain.codec import Json

TIMEOUT_S = 20
MAX_FINDINGS = 200
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "ruff": ("check", "--isolated", "--no-cache", "--quiet", "--output-format", "json")
    + ("--select", "E9,F,B,S", "--ignore", "S101"),
    "bandit": ("-q", "-f", "json"),
}


def scan_sources(
    sources: Mapping[str, str], tools: Sequence[str]
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Return (findings, notes) for the Python files of an artifact.

    Args:
        sources: Texts by path.
        tools: Of `ruff` and `bandit`, those to run.
    """
    paths = [path for path in sorted(sources) if path.endswith(".py")]
    findings: list[Finding] = []
    notes: list[str] = []
    if not paths:
        return (), ()
    with tempfile.TemporaryDirectory(prefix="lignin-scan-") as folder:
        names = {}
        for index, path in enumerate(paths):
            copy = Path(folder, f"source_{index}.py")
            copy.write_text(sources[path], encoding="utf-8")
            names[copy.name] = path
        for tool in tools:
            program = _found(tool)
            if program is None:
                notes.append(f"{tool} is not installed (extra `scan`); its reading is left out")
                continue
            try:
                findings += _run(tool, program, Path(folder), names)
            except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
                notes.append(f"{tool} could not read the sources: {shown(str(error))}")
    return tuple(findings[:MAX_FINDINGS]), tuple(notes)


def _found(tool: str) -> str | None:
    beside = Path(sys.executable).parent / tool
    return str(beside) if beside.is_file() else shutil.which(tool)


def _run(tool: str, program: str, folder: Path, names: Mapping[str, str]) -> Iterator[Finding]:
    options = _COMMANDS[tool]
    done = subprocess.run(  # noqa: S603 -- our own tools, arguments of our own making
        [program, *options, *sorted(names)],
        cwd=folder,
        env={**os.environ, "XDG_CACHE_HOME": str(folder / ".cache")},  # nothing of theirs at home
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    answer = json.loads(done.stdout)
    rows = answer if tool == "ruff" else answer["results"]
    for row in rows:
        yield _ruff(row, names) if tool == "ruff" else _bandit(row, names)


def _ruff(row: Json, names: Mapping[str, str]) -> Finding:
    name = Path(row["filename"]).name
    line = row["location"]["row"]
    text, rule = shown(row["message"]), row["code"] or "syntax"
    return Finding(tool="ruff", rule=rule, path=names.get(name, name), line=line, text=text)


def _bandit(row: Json, names: Mapping[str, str]) -> Finding:
    name = Path(row["filename"]).name
    return Finding(
        tool="bandit",
        rule=row["test_id"],
        path=names.get(name, name),
        line=row["line_number"],
        text=shown(row["issue_text"]),
    )

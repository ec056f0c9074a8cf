"""Starting stays quick and the core works alone: servers are imported only where they are asked for."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("fastmcp", "fastapi", "mcp", "uvicorn", "starlette")
DEAR = ("jsonschema", "lignin.artifacts.verify", "lignin.artifacts.projects.place")
WITHOUT = """
import sys
for name in {absent}:
    sys.modules[name] = None
from lignin.interfaces.cli import run
sys.exit(run({words}))
"""


def python(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LIGNIN_HOME": str(home)}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def loaded(words: list[str], names: tuple[str, ...], home: Path) -> str:
    """Which of some modules a command loads, as a list is written."""
    code = f"import sys\nfrom lignin.interfaces.cli import run\nrun({words})\nprint([n for n in {names} if n in sys.modules], file=sys.stderr)"
    return python(code, home).stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "words", [["--help"], ["artifact", "list"], ["mcp", "--help"], ["up", "--help"]]
)
def test_no_server_is_imported_by_a_command_that_serves_nothing(
    words: list[str], tmp_path: Path
) -> None:
    assert loaded(words, HEAVY, tmp_path) == "[]"


def test_a_small_command_loads_neither_what_verifies_nor_what_sets_projects_up(
    tmp_path: Path,
) -> None:
    assert loaded(["space", "list"], DEAR, tmp_path) == "[]"


@pytest.mark.parametrize(
    ("words", "absent", "extra"),
    [
        (["mcp"], ["fastmcp"], "lignin[mcp]"),
        (["up", "--http", "127.0.0.1:0"], ["fastapi"], "lignin[http]"),
    ],
)
def test_a_missing_extra_is_named(
    words: list[str], absent: list[str], extra: str, tmp_path: Path
) -> None:
    done = python(WITHOUT.format(absent=absent, words=words), tmp_path)
    assert done.returncode == 5
    assert extra in json.loads(done.stderr.splitlines()[-1])["remediation"]


def test_fastmcp_is_known_to_the_mcp_interface_alone() -> None:
    source = Path(__file__).parents[3] / "src" / "lignin"
    users = {
        path.relative_to(source).parts[:2]
        for path in source.rglob("*.py")
        if re.search(r"^\s*(from|import) fastmcp", path.read_text(), re.MULTILINE)
    }
    assert users == {("interfaces", "mcp")}

"""The API against its own description: schemathesis sends what fits it and what does not.

Every check holds but one. `positive_data_acceptance` wants every request that fits the schema to be taken;
ours may be refused for what the store holds or for what no schema says (two fields that exclude each other),
and then the answer is a declared problem, which other checks hold.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SAMPLE = "^(artifact[.]search|artifact[.]list|lesson[.]propose|session[.]start)$"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """`lignin up --http`; its address and token."""
    home = tmp_path_factory.mktemp("home")
    started = subprocess.Popen(
        [sys.executable, "-m", "lignin", "up", "--http", "127.0.0.1:0"],
        env={**os.environ, "LIGNIN_HOME": str(home)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert started.stderr is not None
    address = ""
    while not address:
        line = started.stderr.readline().decode()
        assert line, "it ended without saying where it listens"
        found = re.search(r"serving HTTP at (http://[\w.:]+)", line)
        address = found[1] if found else ""
    yield address, (home / "http.token").read_text().strip()
    started.terminate()
    started.wait(timeout=60)
    started.stderr.close()


def fuzz(server: tuple[str, str], folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    address, token = server
    return subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run",
            f"{address}/api/v1/openapi.json", "-H", f"Authorization: Bearer {token}",
            "--exclude-checks", "positive_data_acceptance", "--phases", "coverage,fuzzing",
            "--continue-on-failure", "--no-color", "--generation-deterministic", *more,
        ],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


def test_a_part_of_the_api_keeps_to_its_description(
    server: tuple[str, str], tmp_path: Path
) -> None:
    done = fuzz(
        server,
        tmp_path,
        "--max-examples",
        "3",
        "--max-time",
        "20",
        "--include-operation-id-regex",
        SAMPLE,
    )
    assert done.returncode == 0, done.stdout[-6000:]


@pytest.mark.slow
def test_the_whole_api_keeps_to_its_description(server: tuple[str, str], tmp_path: Path) -> None:
    done = fuzz(server, tmp_path, "--max-examples", "10")
    assert done.returncode == 0, done.stdout[-20_000:]

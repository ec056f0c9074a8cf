"""Folders of runs: nothing stays behind, and nobody's folder is taken while he lives."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lignin.adapters.sandbox.folders import PREFIX, run_folder, sweep
from lignin.adapters.sandbox.none import UnsafeSandbox

_HOST = """
import time
from lignin.adapters.sandbox.folders import run_folder
with run_folder() as root:
    (root / "work").mkdir()
    print(root, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_process_left_is_removed_by_the_next_opening(temporary: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-c", _HOST], stdout=subprocess.PIPE, text=True, env=environment
    ) as host:
        assert host.stdout is not None
        left = Path(host.stdout.readline().strip())
        assert left.parent == temporary.resolve()
        sweep()
        assert (left / "work").exists()  # its owner lives
        host.send_signal(signal.SIGKILL)
    assert (left / "work").exists()
    UnsafeSandbox().close()
    assert not left.exists()


def test_a_run_under_way_keeps_its_folder_and_takes_it_away_at_the_end() -> None:
    with run_folder() as root:
        (root / "work").mkdir()
        (root / "work" / "shut").mkdir(mode=0)
        sweep()
        assert (root / "work").exists()
    assert not root.exists()


def test_what_looks_alike_and_is_something_else_stays(temporary: Path) -> None:
    kept = temporary / "kept"
    kept.mkdir(mode=0o755)
    (temporary / f"{PREFIX}file").write_text("mine")
    (temporary / f"{PREFIX}link").symlink_to(kept)
    (temporary / "lignin-home").mkdir()
    left = temporary / f"{PREFIX}left"
    (left / "shut").mkdir(parents=True)
    (left / "link").symlink_to(kept)
    sweep()
    assert sorted(path.name for path in temporary.iterdir()) == [
        "kept", "lignin-home", f"{PREFIX}file", f"{PREFIX}link"
    ]  # fmt: skip
    assert kept.stat().st_mode & 0o777 == 0o755

"""The benchmark runner collects well-formed figures and lets nothing malformed or missed pass."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUNNER = Path(__file__).resolve().parents[3] / "benchmarks" / "run.py"
GOOD: dict[str, Any] = {
    "subject": "store",
    "figure": "commits",
    "value": 1234.5,
    "unit": "1/s",
    "baseline": 100,
    "ratio": 12.3,
    "bar": "at least 8x",
    "met": True,
    "note": "a|b",
}


def run(folder: Path, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the runner in a folder of its own with one benchmark."""
    shutil.copy(RUNNER, folder / "run.py")
    (folder / "store.py").write_text(program)
    (folder / "_shared.py").write_text("raise SystemExit('not a benchmark')")
    return subprocess.run(
        [sys.executable, str(folder / "run.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_figures_are_passed_on_and_written(tmp_path: Path) -> None:
    done = run(tmp_path, f"print({json.dumps(GOOD)!r})", "--write")
    assert (done.returncode, json.loads(done.stdout)) == (0, GOOD), done.stderr
    row = (tmp_path / "RESULTS.md").read_text().splitlines()[-1]
    assert row == "| commits | 1,234 1/s | 100 1/s | 12.3 | at least 8x | yes | a\\|b |"


def test_what_was_measured_before_stays_with_its_day_until_it_is_measured_again(
    tmp_path: Path,
) -> None:
    body = "2026-01-01 00:00 UTC, a machine\n\n| figure |\n|---|\n| old |\n"
    text = f"# Results\n\n## other\n\n{body}\n## store\n\n{body}\n## gone\n\n{body}"
    (tmp_path / "RESULTS.md").write_text(text)
    (tmp_path / "other.py").write_text("")
    run(tmp_path, f"print({json.dumps(GOOD)!r})", "store", "--write")
    written = (tmp_path / "RESULTS.md").read_text()
    assert written.count("| old |") == 1
    assert written.index("## other") < written.index("| old |") < written.index("## store")
    assert "## gone" not in written
    assert "| commits |" in written


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"met": False}, "misses at least 8x"),
        ({"met": "yes"}, "met is not"),
        ({"value": None}, "value is not a number"),
        ({"value": True}, "value is not a number"),
        ({"ratio": float("nan")}, "ratio is not finite"),
        ({"unit": 3}, "unit is not a string"),
        ({"more": 1}, "exactly the keys"),
    ],
)
def test_a_missed_bar_or_a_malformed_figure_fails_the_run(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    done = run(tmp_path, f"print({json.dumps(GOOD | change)!r})")
    assert done.returncode == 1
    assert complaint in done.stderr


@pytest.mark.parametrize("program", ["raise SystemExit(3)", "print('hello')", ""])
def test_a_benchmark_that_fails_or_says_nothing_fails_the_run(tmp_path: Path, program: str) -> None:
    assert run(tmp_path, program).returncode == 1


def test_an_unknown_subject_names_the_known_ones(tmp_path: Path) -> None:
    done = run(tmp_path, "", "stor")
    assert done.returncode == 2
    assert "there are: store" in done.stderr

"""Every example in the documentation runs and prints what is written, or says why it is not run."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.examples import find_examples, find_steps, is_as_written, is_marked
from warm import warm_command

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TIMEOUT_S = 120


def name(document: Path) -> str:
    """A document's path within the project."""
    return document.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the `lignin` command lies, imported once for all examples."""
    with warm_command(tmp_path_factory.mktemp("warm") / "bin") as folder:
        yield folder


def reader_environment(folder: Path, commands: Path) -> dict[str, str]:
    """What a reader has who just set up the project: its commands, a home and a store of their own."""
    places = [str(commands), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return {
        "PATH": os.pathsep.join(places),
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(folder / "home"),
        "LIGNIN_HOME": str(folder / "home" / "lignin"),
        "LANG": "C.UTF-8",
    }


def run(command: list[str], folder: Path, commands: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command where the document's examples run, its output and errors in one."""
    return subprocess.run(
        command,
        cwd=folder / "work",
        env=reader_environment(folder, commands),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_each_example_says_whether_it_runs(document: Path) -> None:
    unmarked = [
        f"{name(document)}:{example.line}"
        for example in find_examples(document.read_text())
        if not is_marked(example)
    ]
    assert unmarked == [], "write `run` or `shown: REASON` after the language"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_each_runnable_example_does_what_is_written(
    document: Path, tmp_path: Path, commands: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    for example in find_examples(document.read_text()):
        place = f"{name(document)}:{example.line}"
        if example.mark != "run":
            continue
        if example.language == "python":
            done = run([sys.executable, "-c", example.text], tmp_path, commands)
            assert done.returncode == 0, f"{place}\n{done.stdout}"
            continue
        for step in find_steps(example.text):
            done = run(["sh", "-c", step.command], tmp_path, commands)
            assert done.returncode == step.status, f"{place}: {step.command}\n{done.stdout}"
            assert is_as_written(step.output, done.stdout), f"{place}: printed\n{done.stdout}"


def test_the_way_from_ones_own_transcripts_to_a_skill_takes_five_commands_at_most() -> None:
    document = ROOT / "docs" / "tutorial" / "from-your-transcripts.md"
    blocks = [each for each in find_examples(document.read_text()) if each.language == "console"]
    steps = [step.command for block in blocks for step in find_steps(block.text)]
    assert [each.mark for each in blocks] == ["run"] * len(blocks)
    assert len(steps) <= 5
    assert steps[0].startswith("lignin trace import --mine")
    assert steps[-1].startswith("lignin skill serve")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!\w+:)([^)#\s]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("written", "printed", "same"),
    [
        ("one\n", "one\n", True),
        ("one\n", "one\ntwo\n", False),
        ("one\n...\n", "one\ntwo\nthree\n", True),
        ("...\nthree\n", "one\ntwo\nfour\n", False),
        ("took ... s\n", "took 1.2 s\n", True),
        ("took ... s\n", "took 1\n2 s\n", False),
        ("", "", True),
        ("", "unexpected\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_output_is_compared_line_by_line(written: str, printed: str, same: bool) -> None:
    assert is_as_written(written, printed) is same


def test_a_fence_inside_a_longer_fence_is_no_example() -> None:
    assert find_examples("````text\n```python run\nx\n```\n````\n") == []


def test_an_unclosed_fence_is_refused() -> None:
    with pytest.raises(ValueError, match="line 1 is never closed"):
        find_examples("```python run\nx = 1\n")


@pytest.mark.parametrize("fence", ["python", "console", "console shown:", "python ran"])
def test_a_block_without_a_mark_is_found(fence: str) -> None:
    assert [is_marked(example) for example in find_examples(f"```{fence}\nx\n```\n")] == [False]

"""The documentation builds, every link and anchor leads somewhere, every operation is in the reference."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from architecture.sources import ROOT
from lignin.operations.registry import load_operations


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "site.py"))


def test_every_link_and_anchor_leads_somewhere(tool: dict[str, Any]) -> None:
    assert tool["broken"](ROOT) == []


def test_the_pages_are_built_with_links_to_each_other(tool: dict[str, Any], tmp_path: Path) -> None:
    assert tool["build"](ROOT, tmp_path) == len(tool["pages"](ROOT))
    home = (tmp_path / "README.html").read_text()
    assert 'href="docs/tutorial/from-your-transcripts.html"' in home
    assert (tmp_path / "docs" / "images" / "five-commands.svg").exists()
    assert 'id="decide-a-proposal"' in (tmp_path / "docs/how-to/gate-a-change.html").read_text()


def test_a_link_that_leads_nowhere_is_found(tool: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        "# One `two`: three\n\n[a](#one-two-three) [b](#one) [c](gone.md) [d](https://example.org)\n"
    )
    assert tool["broken"](tmp_path) == ["README.md: #one", "README.md: gone.md"]


def test_every_operation_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference" / "commands.md").read_text()
    missing = [
        name for name in load_operations() if f"# lignin {name.replace('.', ' ')}\n" not in text
    ]
    assert missing == []


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    pages = sorted((ROOT / "docs").rglob("*.md"))
    named = [path.relative_to(ROOT / "docs").as_posix() for path in pages]
    assert [name for name in named if f"({name}" not in index and name != "README.md"] == []

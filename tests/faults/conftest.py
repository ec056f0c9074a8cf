"""The command line on an empty project."""

from pathlib import Path

import pytest

from faults.command import Shell


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A command line with its own data folder and project."""
    project = tmp_path / "project"
    project.mkdir()
    return Shell(project=project, home=tmp_path / "home", monkeypatch=monkeypatch, capture=capsys)

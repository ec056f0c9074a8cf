"""The command line on an empty project, and projects prepared for `lignin init`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.command import Shell
from faults.projects import PROJECTS, Prepared
from faults.stands import Stand
from lignin.app import load_settings, open_context
from lignin.operations.context import Context


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A command line with its own data folder and project."""
    project = tmp_path / "project"
    project.mkdir()
    return Shell(project=project, home=tmp_path / "home", monkeypatch=monkeypatch, capture=capsys)


@pytest.fixture(scope="module")
def prepared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """One store for the projects of a test file."""
    home = tmp_path_factory.mktemp("store")
    settings = load_settings({"LIGNIN_HOME": str(home), "LIGNIN_ACTOR": "user:t"}, home)
    with open_context(settings) as context:
        yield context


@pytest.fixture
def stands(prepared_store: Context, tmp_path: Path) -> Any:
    """Makes stands of prepared projects, by their names or as they are given."""
    made: list[Stand] = []

    def stand(prepared: Prepared | str) -> Stand:
        prepared = PROJECTS[prepared] if isinstance(prepared, str) else prepared
        made.append(Stand(prepared_store, tmp_path / str(len(made)), prepared))
        return made[-1]

    yield stand
    for each in made:
        for path in each.root.rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)

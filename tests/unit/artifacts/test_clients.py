"""Each client file has one CLIENT that says where its skills are."""

import importlib
import pkgutil
from pathlib import PurePosixPath

from lignin.artifacts import clients
from lignin.artifacts.client import Client


def found() -> dict[str, Client]:
    names = [module.name for module in pkgutil.iter_modules(clients.__path__)]
    return {
        name: importlib.import_module(f"lignin.artifacts.clients.{name}").CLIENT for name in names
    }


def test_every_file_names_a_client_of_its_own() -> None:
    by_file = found()
    assert {"claude_code", "codex"} <= set(by_file)
    assert len({client.name for client in by_file.values()}) == len(by_file)
    for file, client in by_file.items():
        assert client.name == file.replace("_", "-")


def test_folders_stay_below_project_and_home() -> None:
    for client in found().values():
        for folder in (client.project_folder, client.personal_folder, *client.markers):
            path = PurePosixPath(folder)
            assert not path.is_absolute() and ".." not in path.parts


def test_the_known_folders_and_budgets() -> None:
    known = found()
    assert known["claude_code"].project_folder == ".claude/skills"
    assert known["claude_code"].listing_chars == 8_000
    assert known["claude_code"].description_chars == 1_536
    assert known["codex"].project_folder == ".agents/skills"
    assert known["codex"].listing_chars == 5_440

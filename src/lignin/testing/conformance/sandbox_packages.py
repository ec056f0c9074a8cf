"""What every tier of the sandbox port that takes packages does with them.

Subclass `PackagesConformance`, and `ShutPackagesConformance` where the tier has walls, in a test
module that has a `sandbox` fixture. Needs pytest, which production code does not.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.ports.sandbox import Sandbox
from lignin.testing.conformance.sandbox import call, effects

VERSION = "import swan\ndef f():\n    return swan.VERSION"


def packed(folder: Path, files: Mapping[str, str]) -> str:
    """Write a folder of packages and return its path."""
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o644)
    folder.chmod(0o755)
    return str(folder)


def with_swan(folder: Path) -> str:
    """A folder with one package that has a file of its own."""
    files = {"swan/__init__.py": "VERSION = 1\n", "swan/data.txt": "white"}
    return packed(folder / "swan", files)


class PackagesConformance:
    """Packages are there for the run that has them, and for no other."""

    def test_packages_can_be_imported_and_are_no_effect(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        swan = with_swan(tmp_path)
        body = (
            "import os, swan\n"
            "def f():\n"
            "    here = os.path.dirname(swan.__file__)\n"
            "    return [swan.VERSION, open(os.path.join(here, 'data.txt')).read()]"
        )
        seen = call(sandbox, body, packages=swan)
        assert (seen.result, effects(seen)) == ([1, "white"], set())

    def test_a_run_never_finds_the_packages_of_another(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        swan = with_swan(tmp_path)
        other = packed(tmp_path / "other", {"swan.py": "VERSION = 2\n"})
        for folder, version in ((swan, 1), (other, 2), (swan, 1)):
            assert call(sandbox, VERSION, packages=folder).result == version
            assert call(sandbox, VERSION).error == "ModuleNotFoundError"

    def test_packages_stand_in_for_nothing(self, sandbox: Sandbox, tmp_path: Path) -> None:
        both = packed(tmp_path / "both", {"json.py": "HERE = 1", "tool.py": "HERE = 1"})
        body = "import csv, json, tool\ndef f():\n    return [hasattr(m, 'HERE') for m in (json, tool)]"
        assert call(sandbox, body, packages=both).result == [False, False]

    def test_no_pth_file_is_obeyed(self, sandbox: Sandbox, tmp_path: Path) -> None:
        planted = packed(
            tmp_path / "planted",
            {"x.pth": "import builtins; builtins.planted = 1\nbelow\n", "below/deep.py": ""},
        )
        body = (
            "import builtins, importlib.util\n"
            "def f():\n"
            "    return [hasattr(builtins, 'planted'), importlib.util.find_spec('deep') is None]"
        )
        assert call(sandbox, body, packages=planted).result == [False, True]

    def test_a_program_that_a_run_starts_finds_them(self, sandbox: Sandbox, tmp_path: Path) -> None:
        swan = with_swan(tmp_path)
        body = (
            "import subprocess, sys\n"
            "def f():\n"
            "    said = subprocess.run([sys.executable, '-c', 'import swan; print(swan.VERSION)'],"
            " capture_output=True)\n"
            "    return said.stdout.decode()"
        )
        assert call(sandbox, body, packages=swan).result == "1\n"

    def test_a_package_may_look_for_settings_that_are_not_there(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        text = "import os\nA = os.environ.get('SWAN_COLOUR')\nB = os.environ.get('HOME')\n"
        asking = packed(tmp_path / "asking", {"swan.py": text + "VERSION = 1\n"})
        seen = call(sandbox, VERSION, packages=asking)
        assert effects(seen) == {("environment", "HOME")}
        own = call(sandbox, f"{text}def f():\n    return 1", packages=asking)
        assert ("environment", "SWAN_COLOUR") in effects(own)

    def test_a_package_that_enumerates_the_environment_is_seen(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        text = "import os\nVERSION = len(dict(os.environ)) > 0\n"
        asking = packed(tmp_path / "all", {"swan.py": text})
        assert ("environment", "*") in effects(call(sandbox, VERSION, packages=asking))

    def test_without_its_folder_a_run_is_an_outage(self, sandbox: Sandbox, tmp_path: Path) -> None:
        seen = call(sandbox, VERSION, packages=str(tmp_path / "gone"))
        assert (seen.status, seen.error) == ("infrastructure", None)

    @pytest.mark.parametrize("place", ["packages", "/a:/b", "/a\n/b"])
    def test_a_folder_that_no_path_can_name_is_refused(self, sandbox: Sandbox, place: str) -> None:
        with pytest.raises(InvalidRequestError, match="no folder that a path can name"):
            call(sandbox, VERSION, packages=place)


class ShutPackagesConformance:
    """Packages cannot be changed from within."""

    def test_packages_cannot_be_written_to(self, sandbox: Sandbox, tmp_path: Path) -> None:
        swan = with_swan(tmp_path)
        body = (
            "import os, swan\n"
            "def f():\n"
            "    here, got = os.path.dirname(swan.__file__), []\n"
            "    for name in ('__init__.py', 'data.txt', 'new.py'):\n"
            "        try:\n"
            "            open(os.path.join(here, name), 'a').close()\n"
            "            got.append(name)\n"
            "        except OSError:\n"
            "            pass\n"
            "    for do in (lambda: os.rename(here, here + 'x'),\n"
            "               lambda: os.remove(os.path.join(here, 'data.txt'))):\n"
            "        try:\n"
            "            do()\n"
            "            got.append('changed')\n"
            "        except OSError:\n"
            "            pass\n"
            "    return got"
        )
        seen = call(sandbox, body, packages=swan)
        kept = {path.name: path.read_text() for path in Path(swan, "swan").glob("*.*")}
        assert kept == {"__init__.py": "VERSION = 1\n", "data.txt": "white"}
        assert seen.result == []
